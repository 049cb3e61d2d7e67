"""One SoL session on the wire: a `Session` joined to the hub.

Console bytes go straight to the `Recorder`, in the hub's own call: they are recorded
before the packet that brought them is acknowledged. Answers to commands go to the
caller. Everything else the session says (logged in, refused, stolen, lost) waits in a
small mailbox for the keeper.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

import trio

from solrecd.events.gaps import Gap
from solrecd.events.sessions import LostReason
from solrecd.events.wire_counts import WireCounts
from solrecd.sources.guard import Guard, Part
from solrecd.sources.ipmi.link.base import Place, RequestError
from solrecd.sources.ipmi.link.checkpoint_writer import CheckpointWriter
from solrecd.sources.ipmi.link.commands import Commands
from solrecd.sources.ipmi.link.event_queue import EventQueue
from solrecd.sources.ipmi.link.hub import Hub
from solrecd.sources.ipmi.link.power import PowerWatch
from solrecd.sources.ipmi.link.resolve import Address
from solrecd.sources.ipmi.link.session_store import SessionCheckpoint
from solrecd.sources.ipmi.protocol.commands import RETRY_INTERVALS
from solrecd.sources.ipmi.protocol.events import (
    CommandAnswered,
    CommandFailed,
    LoggedIn,
    SessionEvent,
    SessionLost,
    SolActivated,
    SolData,
    SolDeactivated,
    SolInputStuck,
    SolLoss,
    SolStolen,
)
from solrecd.sources.ipmi.protocol.session import Session

MAILBOX = 64
"""Events that may wait for the keeper, which takes them at once; a BMC that causes
more in one wake-up of the loop talks nonsense and loses the session."""

_ENDS = (SolDeactivated, SolStolen, SessionLost)
"""Events after which the payload is not ours."""


class Recorder(Protocol):
    """Where the bytes of a console go; all of it is called from the hub."""

    @property
    def guard(self) -> Guard:
        """Contains the console's bugs."""

    @property
    def offset(self) -> int:
        """Bytes of this console ever recorded."""

    @property
    def counts(self) -> WireCounts:
        """What was counted on the wire of this console; is added to."""

    def record(self, data: bytes) -> bool:
        """Record console output; False refuses it, and the BMC keeps it for now."""

    def resumed(self) -> None:
        """The payload is ours, or bytes say that it is: a gap ends before them.

        Once for each activation.
        """

    def line_seen(self, ago: float) -> None:
        """Learn how many seconds ago the payload was certainly ours.

        Told where it is ours no longer, before the keeper says so.
        """

    def mark_loss(self, gap: Gap) -> None:
        """Mark that output is missing here."""

    def mark_restart(self, since: int, *, output_waited: bool) -> None:
        """Mark that the session of an earlier process goes on here.

        Args:
            since: stamp at which that process was last known to work.
            output_waited: there is output that came while no process read, and the
                BMC may have dropped some of it.
        """

    def input_stuck(self, unsent: int, *, is_stuck: bool) -> None:
        """Learn that what is typed is not taken, or is again.

        Args:
            unsent: bytes that wait.
            is_stuck: they wait for too long.
        """


class SolLink:
    """A session's endpoint. Used by one task; `close` it in any case.

    Args:
        hub: carries the datagrams.
        address: of the BMC.
        session: of this link alone.
        recorder: takes the console's output.
        checkpoint: where the session is kept for the next process; None: nowhere.
        left: the session is this one, which an earlier process left.

    Raises:
        OSError: no socket could be opened, or the one that was left has gone.
    """

    def __init__(
        self,
        hub: Hub,
        address: Address,
        session: Session,
        recorder: Recorder,
        *,
        checkpoint: CheckpointWriter | None = None,
        left: SessionCheckpoint | None = None,
    ) -> None:
        self.session = session
        self.address = address
        """Of the BMC."""
        self.send_error: OSError | None = None
        """Why the kernel would not send something; the last time."""
        self._recorder = recorder
        self._mail = EventQueue(MAILBOX)
        self.suite: int | None = None
        """Cipher suite of the login; None before it."""
        self.is_over = False
        """The session has ended; there is none left to close."""
        self._is_activating = False
        """The payload was asked for; bytes may overtake the answer."""
        self.bug: Exception | None = None
        """A bug of ours in the hub's call, for the task of this link to raise."""
        self.commands = Commands(session, recorder, lambda: self._port.flush())  # noqa: PLW0108 - no port yet
        self._power: PowerWatch | None = None
        self._checkpoint = checkpoint
        self._is_left = False
        """The session is left to the next process: nothing may be sent any more."""
        if left is None:
            self._port: Place = hub.connect(address, self)
        else:
            self.suite = left.frozen.suite
            self._port = hub.rejoin(left.socket, address, self)

    # What the hub calls.

    @property
    def deadline(self) -> float | None:
        """See `Endpoint`."""
        if self._is_left:
            return None
        due = self.session.deadline
        if self._power is None or self._power.due == math.inf:
            return due
        return self._power.due if due is None else min(due, self._power.due)

    def receive(self, datagram: bytes, now: float) -> None:
        """See `Endpoint`; the path of every byte."""
        for event in self.session.receive(datagram, now):
            if type(event) is SolData:
                if self._is_activating:
                    self._resume()
                if self._checkpoint is not None:
                    self._checkpoint.before_recording(self.session)
                if self._recorder.record(event.data):
                    self.session.acknowledge()
            else:
                self._deliver(event)

    def expire(self, now: float) -> None:
        """See `Endpoint`."""
        for event in self.session.expire(now):
            self._deliver(event)
        power = self._power
        if power is not None and min(power.due, power.along) <= now:
            self._ask_power(power, now)

    def _ask_power(self, power: PowerWatch, now: float) -> None:
        """Ask whether the machine is on; a bug in that ends it for this session."""
        self._power = None
        with self._recorder.guard.containing(Part.POWER):
            power.ask(now)
            self._power = power

    def crashed(self, bug: Exception) -> Sequence[bytes]:
        """See `Endpoint`; the keeper raises the bug, in its own task."""
        self.bug = bug
        self._tell_last_sign()
        self.is_over = True
        self._mail.close()
        self.commands.abandon()
        return self._goodbye()

    def _goodbye(self) -> Sequence[bytes]:
        """Return what frees the payload, which the BMC would keep for a minute."""
        # The session may be what has the bug: then the BMC has to find out by itself.
        with suppress(Exception):
            self.session.close(trio.current_time())
            return self.session.datagrams()
        return ()

    def datagrams(self) -> Sequence[bytes]:
        """See `Endpoint`."""
        datagrams = self.session.datagrams()
        if datagrams and self._checkpoint is not None:
            self._checkpoint.before_sending(self.session)
        return datagrams

    def not_sent(self, count: int, error: OSError) -> None:
        """See `Endpoint`."""
        self.send_error = error
        self._recorder.counts.send_errors += count

    def _deliver(self, event: SessionEvent) -> None:
        if type(event) is SolLoss:
            self._recorder.mark_loss(_gap(event))
            return
        if type(event) is SolInputStuck:
            self._recorder.input_stuck(event.unsent, is_stuck=event.is_stuck)
            return
        if isinstance(event, CommandAnswered | CommandFailed):
            self.commands.answered(event)
            return
        if type(event) is LoggedIn:
            self.suite = event.suite
        if type(event) is SolActivated and self._is_activating:
            self._resume()
        if isinstance(event, _ENDS):
            self._tell_last_sign()
        self.is_over = self.is_over or type(event) is SessionLost
        if self._checkpoint is not None:
            self._checkpoint.follow(event, self.session, self._port.socket_name)
        self._mail.post(event)

    def _resume(self) -> None:
        """Tell of the payload at once: the keeper hears of it after the next bytes."""
        self._is_activating = False
        self._recorder.resumed()

    def _tell_last_sign(self) -> None:
        seen = self.session.line_seen_at
        if seen is not None:
            self._recorder.line_seen(trio.current_time() - seen)

    # What the keeper calls.

    async def next_event(self) -> SessionEvent:
        """Wait for the next event that is not console output.

        Cancelling it loses no event.

        Raises:
            Exception: a bug of ours met in the hub's call, for the supervisor to log.
        """
        event = await self._mail.take()
        if event is None and self.bug is not None:
            raise self.bug
        return event or SessionLost(
            LostReason.PROTOCOL_ERROR, "more events than a session can have"
        )

    def open(self) -> None:
        """Begin to log in."""
        self.session.open(trio.current_time())
        self._port.flush()

    def catch_up(self) -> None:
        """Go on with the session that was left: take what came meanwhile."""
        self._port.catch_up(trio.current_time())

    def activate(self) -> None:
        """Ask for the SoL payload."""
        self._is_activating = True
        self.session.activate(trio.current_time())
        self._port.flush()

    def deactivate(self) -> None:
        """Take the SoL payload from the session that holds it."""
        self.session.deactivate(trio.current_time())
        self._port.flush()

    def write(self, data: bytes) -> None:
        """Type bytes on the console.

        Raises:
            BufferError: too much waits already; see `unsent`.
        """
        self.session.write(data, trio.current_time())
        self._port.flush()

    def send_break(self) -> None:
        """Send a serial break, in order with what was typed.

        Raises:
            BufferError: as `write`.
        """
        self.session.send_break(trio.current_time())
        self._port.flush()

    @property
    def unsent(self) -> int:
        """Bytes of `write` that the BMC has not accepted yet."""
        return self.session.unsent

    async def request(
        self,
        netfn: int,
        command: int,
        data: bytes = b"",
        *,
        lun: int = 0,
        retry_intervals: tuple[float, ...] = RETRY_INTERVALS,
    ) -> CommandAnswered:
        """Send a command over the session and wait for its answer.

        It waits its turn behind commands of others, and is sent again until answered,
        with so many seconds after each transmission.

        Raises:
            RequestError: there was no answer, or the session is over.
        """
        if self.is_over:
            raise RequestError("the session with the BMC is over")
        return await self.commands.request(
            netfn, command, data, lun=lun, retry_intervals=retry_intervals
        )

    def watch_power(
        self, tell: Callable[[bool | None], None], rng: random.Random
    ) -> None:
        """Ask now and then whether the machine is on, while the session stands.

        Args:
            tell: called after each answer with whether it is on, with None when the
                BMC does not say.
            rng: spreads a fleet's questions over the interval.
        """
        if self._recorder.guard.rests(Part.POWER):
            return
        self._power = PowerWatch(self.commands.ask, tell, rng, trio.current_time())
        self._port.flush()

    def ask_power_soon(self, after: float) -> None:
        """Ask in so many seconds whether the machine is on, if that is sooner."""
        if self._power is not None:
            self._power.hurry(trio.current_time(), after)
            self._port.flush()

    def close_session(self) -> None:
        """Deactivate the payload and close the session; `SessionLost` follows."""
        self.session.close(trio.current_time())
        self._port.flush()

    def leave(self) -> bool:
        """Leave the session to the next process; False: that is not possible."""
        self._is_left = self._checkpoint is not None and self._checkpoint.is_complete
        return self._is_left and not self.is_over

    def close(self) -> None:
        """Leave the hub."""
        if self._checkpoint is not None and not self._is_left:
            self._checkpoint.close()
        self._checkpoint = self._power = None
        self._port.close()
        self._mail.close()
        self.commands.abandon()


def _gap(loss: SolLoss) -> Gap:
    """Return what a BMC's loss is for a recorder; the wire tells no bytes."""
    if loss.packets is None:
        return Gap(loss.reason, f"an unknown number of bytes lost ({loss.reason})")
    # Some BMCs drop what they could not deliver, some only its number.
    text = f"an unknown number of bytes may be lost ({loss.reason}); "
    text += f"the BMC left out {loss.packets} packet numbers"
    return Gap(loss.reason, text, packets=loss.packets)
