"""Commands on an established session: sealed, queued, answered, refused, given up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from solrecd.events.wire_counts import WireCounts
from solrecd.sources.ipmi.protocol.cipher import SessionCipher
from solrecd.sources.ipmi.protocol.commands import Command, CommandQueue, Purpose
from solrecd.sources.ipmi.protocol.constants import (
    CompletionCode,
    PayloadType,
    PrivilegeLevel,
)
from solrecd.sources.ipmi.protocol.events import (
    CommandAnswered,
    CommandFailed,
    SessionEvent,
)
from solrecd.sources.ipmi.protocol.messages import Response, decode_response
from solrecd.sources.ipmi.protocol.packets import MalformedPacket, Rejection
from solrecd.sources.ipmi.protocol.privilege import Privileges, set_privilege
from solrecd.sources.ipmi.protocol.quirks import Behaviour

_RAISED_FOR: Final = frozenset((Purpose.ACTIVATE, Purpose.DEACTIVATE, Purpose.REQUEST))
"""What is asked again at a higher privilege level."""


class Answer(NamedTuple):
    """A command of ours and what the BMC said to it."""

    command: Command
    response: Response


class Dialogue:
    """The sealed dialogue with one BMC; the parts of a session speak through it.

    What concerns only the one who asked is dealt with here: answers to requests
    become events, and a command that is refused for its privilege level is asked again
    at a higher one.
    """

    def __init__(
        self,
        cipher: SessionCipher,
        privileges: Privileges,
        behaviour: Behaviour,
        outbox: list[bytes],
        events: list[SessionEvent],
        counts: WireCounts,
    ) -> None:
        """Begin with nothing on the wire.

        Args:
            cipher: of the session.
            privileges: levels that may be tried.
            behaviour: what the quirks say.
            outbox: datagrams to send, shared with the session.
            events: not yet returned to the owner, shared with the session.
            counts: are added to.
        """
        self.cipher = cipher
        self.privileges = privileges
        self.outbox = outbox
        self.events = events
        self.commands = CommandQueue(counts)
        self._behaviour = behaviour

    @property
    def is_full(self) -> bool:
        """No more requests should be taken."""
        return self.commands.is_full

    def send(self, payload_type: PayloadType, payload: bytes) -> None:
        """Seal a payload and queue it."""
        self.outbox.append(self.cipher.seal(payload_type, payload))

    def submit(self, command: Command, now: float, *, first: bool = False) -> None:
        """Queue a command, before those that wait if ``first``; send it if it may."""
        self.commands.add(command, first=first)
        self.pump(now)

    def pump(self, now: float) -> None:
        """Send the next command if none is on the wire."""
        message = self.commands.next_message(now)
        if message is not None:
            self.send(PayloadType.IPMI, message)

    def receive(self, payload: bytes, now: float) -> Answer | None:
        """Take an IPMI message; return the answer to a command of the session itself.

        Call `pump` when that is dealt with.

        Raises:
            MalformedPacket: it cannot be read, or answers nothing.
        """
        strict = self._behaviour.check_checksums
        response = decode_response(payload, strict=strict)
        command = self.commands.answered(response)
        if command is None:
            raise MalformedPacket("answer to nothing", Rejection.UNEXPECTED)
        if self._try_higher(command, response.code, now):
            return None
        match command.purpose:
            case Purpose.RAISE_PRIVILEGE:
                self._raised(command, succeeded=response.code == CompletionCode.OK)
            case Purpose.REQUEST:
                answer = CommandAnswered(command.ticket, response.code, response.data)
                self.events.append(answer)
            case _:
                return Answer(command, response)
        return None

    def _try_higher(self, command: Command, code: int, now: float) -> bool:
        if (
            code != CompletionCode.INSUFFICIENT_PRIVILEGE
            or command.purpose not in _RAISED_FOR
            or not self._behaviour.set_privilege
        ):
            return False
        level = self.privileges.higher()
        if level is None:
            return False
        self.commands.add(command, first=True)
        self.submit(set_privilege(Purpose.RAISE_PRIVILEGE, level), now, first=True)
        return True

    def _raised(self, command: Command, *, succeeded: bool) -> None:
        level = PrivilegeLevel(command.data[0])
        self.privileges.raise_to(level, succeeded=succeeded)

    def expire(self, now: float) -> Command | None:
        """Send again what is due; return a command that is given up.

        Call `pump` when that is dealt with.
        """
        result = self.commands.expire(now)
        if isinstance(result, bytes):
            self.send(PayloadType.IPMI, result)
            return None
        if result is not None and result.purpose is Purpose.REQUEST:
            self.events.append(CommandFailed(result.ticket))
        elif result is not None and result.purpose is Purpose.RAISE_PRIVILEGE:
            self._raised(result, succeeded=False)
        return result

    def abandon(self) -> None:
        """Forget all commands; the callers that asked for one are told."""
        for command in self.commands.clear():
            if command.purpose is Purpose.REQUEST:
                self.events.append(CommandFailed(command.ticket))


def taken(events: list[SessionEvent]) -> Sequence[SessionEvent]:
    """Empty the shared list; return what was in it."""
    if not events:
        return ()
    result = tuple(events)
    events.clear()
    return result
