"""What people may do with one console, over any interface.

Each goes to where it belongs (attachments, keeper, BMC) and into the console's record:
who, what and when, as a note in the log and as an event. What was typed is recorded
only where ``record_input`` says so: it holds passwords, too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import trio

from solrecd.console import Console
from solrecd.console.attachments import Attachment, Mode, WriteClaim
from solrecd.events.operator_acts import ORDERS, OperatorAct
from solrecd.process.stamps import format_stamp
from solrecd.sources.base import (
    BreakControl,
    Examiner,
    PowerAction,
    PowerControl,
    Sharing,
    Source,
    SourceError,
    Tell,
)
from solrecd.sources.limits import UNSENT_LIMIT

T = TypeVar("T")

PIECE: Final = 4096
"""Bytes of input that are handed on at once: a paste must not lock out a Ctrl-C."""

ROOM_EVERY: Final = 0.02
"""Seconds between two looks whether a BMC has accepted enough for more."""

INPUT_NOTE: Final = 200
"""Bytes of input in one note, where input is recorded."""


class OperationError(Exception):
    """It cannot be done now; the message is one line that says why."""


class Operation:
    """One console, as those see it who want something of it.

    Args:
        console: keeps the record.
        source: the way to it.
        wall_clock: stamps.
    """

    def __init__(
        self,
        console: Console,
        source: Source,
        wall_clock: Callable[[], int],
    ) -> None:
        self._console = console
        self._wall_clock = wall_clock
        self._source = source

    # Attached clients.

    @contextmanager
    def attached(
        self, user: str, mode: Mode, claim: WriteClaim
    ) -> Iterator[Attachment]:
        """Attach while the context lasts.

        Raises:
            ConsoleTakenError: another user writes, and is not to be disturbed.
        """
        attachments = self._console.attachments
        attachment = attachments.attach(user, mode, claim, self._wall_clock())
        try:
            yield attachment
        finally:
            attachments.detach(attachment)

    def change(self, attachment: Attachment, mode: Mode, claim: WriteClaim) -> None:
        """Let an attached user write, or only watch.

        Raises:
            ConsoleTakenError: as `attached`.
        """
        self._console.attachments.change(attachment, mode, claim)

    def who(self) -> list[dict[str, Any]]:
        """Return the contract's ``who`` objects."""
        return [
            self._as_row(attachment) for attachment in self._console.attachments.present
        ]

    def beside(self, attachment: Attachment) -> list[dict[str, Any]]:
        """Return the ``who`` objects of the others."""
        present = self._console.attachments.present
        return [self._as_row(other) for other in present if other is not attachment]

    def _as_row(self, attachment: Attachment) -> dict[str, Any]:
        return {
            "console": self._console.name,
            "user": attachment.user,
            "mode": attachment.mode.value,
            "since": format_stamp(attachment.since),
        }

    async def type(self, user: str, data: bytes) -> None:
        """Type on the console, as fast as the BMC accepts it.

        Raises:
            OperationError: there is no session.
        """
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            while self._source.unsent + len(piece) > UNSENT_LIMIT:  # noqa: ASYNC110
                # We are not told when a BMC accepts: that would cost every packet.
                await trio.sleep(ROOM_EVERY)
            if not self._source.write(piece):
                raise OperationError(self._no_session)
            if self._console.config.record_input:
                self._record(user, piece)

    def _record(self, user: str, data: bytes) -> None:
        for start in range(0, len(data), INPUT_NOTE):
            typed = repr(data[start : start + INPUT_NOTE])[2:-1]
            self._console.note_act(OperatorAct.TYPED, f"{user} typed: {typed}", user)

    def send_break(self, user: str, key: str = "") -> None:
        """Send a serial break, and after it a SysRq letter if there is one.

        Raises:
            OperationError: there is no session, or that is not a letter.
        """
        if key and not (len(key) == 1 and key.isascii() and key.isalnum()):
            raise OperationError(f"a SysRq key is one letter or digit, not {key!r}")
        if not self._breaks.send_break():
            raise OperationError(self._no_session)
        if key:
            self._source.write(key.encode("ascii"))
        text = f"{user} sent a break" + (f" and SysRq {key}" if key else "")
        self._console.note_act(OperatorAct.BREAK, text, user)
        self._console.attachments.say(text)

    @property
    def _no_session(self) -> str:
        state = self._console.session_state.value
        name, peer = self._console.name, self._source.peer
        return f"{name} has no session with {peer} now ({state})"

    # What not every kind of console has.

    @property
    def _breaks(self) -> BreakControl:
        return self._required(self._source.breaks, "break")

    @property
    def _sharing(self) -> Sharing:
        return self._required(self._source.sharing, "session that could be given away")

    @property
    def _power(self) -> PowerControl:
        return self._required(self._source.power, "power control")

    @property
    def _examiner(self) -> Examiner:
        return self._required(self._source.examiner, "examination")

    def _required(self, ability: T | None, what: str) -> T:
        """Return what the source can do.

        Raises:
            OperationError: consoles of this kind cannot.
        """
        if ability is None:
            config = self._console.config
            raise OperationError(
                f"{config.name} is a console of kind {config.kind}, which has no {what}"
            )
        return ability

    # The record.

    def note(self, user: str, text: str) -> None:
        """Write a line into the console's log.

        Raises:
            OperationError: there is nothing in it.
        """
        if not text.strip():
            raise OperationError("a note needs a text")
        self._console.note_act(OperatorAct.NOTE, f"{user}: {text}", user)

    def acknowledge(self, user: str, text: str = "") -> None:
        """Let others know that a user takes care of what is wrong here.

        It lasts until something new happens (see `solrecd.console.acknowledgement`).
        """
        why = f": {text}" if text.strip() else ""
        self._console.note_act(
            OperatorAct.ACKNOWLEDGED, f"{user} acknowledged what is wrong{why}", user
        )

    def unacknowledge(self, user: str) -> None:
        """Take that back."""
        self._console.note_act(
            OperatorAct.UNACKNOWLEDGED, f"{user} took the acknowledgement back", user
        )

    def message(self, user: str, text: str) -> int:
        """Tell every attached client something; return how many there are."""
        self._console.attachments.say(f"{user}: {text}")
        return len(self._console.attachments.present)

    # The session.

    def yield_session(self, user: str, seconds: float) -> None:
        """End the session for a while: a user needs sole use of the BMC."""
        sharing = self._sharing
        text = f"{user} was given the console for {seconds:.0f} s"
        self._console.note_act(OperatorAct.YIELDED, text, user)
        self._console.attachments.say(text)
        sharing.yield_session(seconds, f"given to {user}")

    def take_back(self, user: str) -> None:
        """Take the console at once, even from another session."""
        sharing = self._sharing
        self._console.note_act(
            OperatorAct.TAKEN, f"{user} had the console taken back", user
        )
        sharing.take_back()

    def reconnect(self, user: str) -> None:
        """Begin a fresh session at once."""
        self._console.guard.renew()
        text = f"{user} wanted a fresh session"
        self._console.note_act(OperatorAct.RECONNECTED, text, user)
        self._console.attachments.say(text)
        self._source.reconnect(f"for {user}")

    # The machine.

    async def power(self) -> str:
        """Return whether the machine is on.

        Raises:
            OperationError: consoles of this kind have none.
            SourceError: it cannot be known now.
        """
        return await self._power.power()

    async def set_power(self, user: str, action: PowerAction) -> None:
        """Switch the machine's power.

        Raises:
            OperationError: consoles of this kind have none.
            SourceError: it was refused, or there is no answer.
        """
        power = self._power
        # Before: the first bytes of the new boot come faster than the answer.
        text = f"{user} asked for power {action.value}"
        act = OperatorAct(f"power_{action.value}")
        self._console.note_act(act, text, user)
        self._console.attachments.say(text)
        self._console.expect(*ORDERS[act])
        try:
            await power.set_power(action)
        except SourceError:
            self._console.expect(None)
            raise

    # What is wrong.

    async def examine(self, tell: Tell, *, may_log_in: bool) -> None:
        """Look at everything between the console and us; change nothing.

        Args:
            tell: gets each finding.
            may_log_in: see `Examiner.examine`.

        Raises:
            OperationError: consoles of this kind cannot be examined.
        """
        await self._examiner.examine(tell, may_log_in=may_log_in)

    def require_examiner(self) -> None:
        """Raise `OperationError` where `examine` would, before an answer begins."""
        self._examiner  # noqa: B018 - it raises

    async def proposals(self) -> Sequence[Mapping[str, Any]]:
        """Return what could be set at the other end.

        Raises:
            OperationError: consoles of this kind cannot be examined.
            SourceError: it cannot be asked now.
        """
        return await self._examiner.proposals()

    async def apply_fixes(
        self, user: str, parameters: Collection[int]
    ) -> Sequence[Mapping[str, Any]]:
        """Set what was proposed; return what became of it.

        Raises:
            OperationError: consoles of this kind cannot be examined.
            SourceError: it cannot be asked now.
        """
        return await self._examiner.apply_fixes(user, parameters)
