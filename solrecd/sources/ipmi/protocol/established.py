"""A session from the end of its login on: its privilege level, its commands, its end.

::

    PRIVILEGE -answer-> READY -close-> CLOSING
    (any of them -closed, refused, unanswered-> lost)

SoL packets do not come through here: `session` hands them to the payload itself.
"""

from __future__ import annotations

import enum
from typing import Final

from solrecd.events.sessions import LostReason
from solrecd.sources.ipmi.protocol.activation import deactivate_payload
from solrecd.sources.ipmi.protocol.commands import Command, Purpose
from solrecd.sources.ipmi.protocol.constants import (
    AppCommand,
    CompletionCode,
    NetFn,
    PayloadType,
    TransportCommand,
)
from solrecd.sources.ipmi.protocol.dialogue import Answer
from solrecd.sources.ipmi.protocol.events import LoggedIn, SessionLost
from solrecd.sources.ipmi.protocol.frozen import FrozenSession, Numbers
from solrecd.sources.ipmi.protocol.messages import decode_request, is_request
from solrecd.sources.ipmi.protocol.options import SessionOptions
from solrecd.sources.ipmi.protocol.packets import MalformedPacket, Rejection
from solrecd.sources.ipmi.protocol.payload import SolPayload
from solrecd.sources.ipmi.protocol.privilege import set_privilege
from solrecd.sources.ipmi.protocol.quirks import Behaviour

_IPMI: Final = int(PayloadType.IPMI)
_SOL_ACTIVATING: Final = (NetFn.TRANSPORT, TransportCommand.SOL_ACTIVATING)


class _Phase(enum.Enum):
    PRIVILEGE = enum.auto()
    READY = enum.auto()
    CLOSING = enum.auto()


class Established:
    """A session that is logged in; use it no more once it returned `SessionLost`."""

    def __init__(
        self, options: SessionOptions, behaviour: Behaviour, sol: SolPayload
    ) -> None:
        """Prepare; `start` or `resume` follows.

        Args:
            options: of the session.
            behaviour: what the quirks say.
            sol: the payload, whose dialogue is the session's.
        """
        self._options = options
        self._behaviour = behaviour
        self.sol = sol
        self.dialogue = sol.dialogue
        self.cipher = sol.dialogue.cipher
        self._phase = _Phase.PRIVILEGE
        self._kept: int | None = None
        self._close_reason = LostReason.STOPPED

    @property
    def is_ready(self) -> bool:
        """The privilege level is set, and the end has not begun."""
        return self._phase is _Phase.READY

    @property
    def takes_requests(self) -> bool:
        """Whether a command of others may be submitted to the dialogue."""
        return self.is_ready and not self.dialogue.is_full

    @property
    def deadline(self) -> float | None:
        """When `expire` has something to do."""
        due = self.dialogue.commands.deadline
        if self._phase is _Phase.CLOSING:
            return due
        return self.sol.deadline if due is None else min(due, self.sol.deadline)

    # What the session asks for.

    def start(self, now: float, kept: int | None = None) -> None:
        """Set the privilege level, the first thing after the login.

        Args:
            now: monotonic time.
            kept: see `LoggedIn.kept`.
        """
        self._kept = kept
        if self._behaviour.set_privilege:
            self._set_privilege(now)
        else:
            self._become_ready()

    def resume(self, frozen: FrozenSession, numbers: Numbers, now: float) -> None:
        """Go on with a session that was ready in another process."""
        self._phase = _Phase.READY
        self.sol.resume(frozen, numbers, now)

    def deactivate(self, now: float) -> None:
        """Take the payload from the session that holds it."""
        self.dialogue.submit(deactivate_payload(self._options.instance), now)

    def close(self, now: float, reason: LostReason) -> None:
        """Give the payload back and end the session."""
        if self._phase is _Phase.CLOSING:
            return
        self._phase = _Phase.CLOSING
        self._close_reason = reason
        self.dialogue.abandon()
        self.dialogue.commands.hurry()
        if self.sol.is_active:
            self.dialogue.commands.add(deactivate_payload(self._options.instance))
        bmc_session_id = self.cipher.peer_id.to_bytes(4, "little")
        goodbye = Command(
            Purpose.CLOSE, NetFn.APP, AppCommand.CLOSE_SESSION, bmc_session_id
        )
        self.dialogue.submit(goodbye, now)

    # What the BMC says to commands.

    def receive(
        self, payload_type: int, payload: bytes, now: float
    ) -> SessionLost | None:
        """Take what is not SoL from an authenticated packet.

        Raises:
            MalformedPacket: it cannot be read, or answers nothing.
        """
        if payload_type != _IPMI:
            raise MalformedPacket("unknown payload type", Rejection.UNEXPECTED)
        if is_request(payload):
            self._asked(payload, now)
            return None
        answer = self.dialogue.receive(payload, now)
        lost = None if answer is None else self._answered(answer, now)
        if lost is None:
            self.dialogue.pump(now)
        return lost

    def _asked(self, payload: bytes, now: float) -> None:
        """Take a request from the BMC; only one is of interest, and needs no answer."""
        request = decode_request(payload, strict=self._behaviour.check_checksums)
        if (request.netfn, request.command) != _SOL_ACTIVATING:
            raise MalformedPacket("unknown request", Rejection.UNEXPECTED)
        self.sol.activating(now)

    def _answered(self, answer: Answer, now: float) -> SessionLost | None:
        match answer.command.purpose:
            case Purpose.SET_PRIVILEGE:
                return self._privilege_answered(answer.response.code, now)
            case Purpose.CLOSE:
                return SessionLost(self._close_reason, "closed")
            case _:
                self.sol.answered(answer.command, answer.response, now)
                return None

    def _privilege_answered(self, code: int, now: float) -> SessionLost | None:
        privileges = self.dialogue.privileges
        if code == CompletionCode.OK:
            self._become_ready()
        elif privileges.lower():
            self._set_privilege(now)
        else:
            level = privileges.level.name.lower()
            detail = f"privilege level {level} refused (completion code 0x{code:02x})"
            return SessionLost(LostReason.PRIVILEGE_REFUSED, detail)
        return None

    def _set_privilege(self, now: float) -> None:
        level = self.dialogue.privileges.level
        self.dialogue.submit(set_privilege(Purpose.SET_PRIVILEGE, level), now)

    def _become_ready(self) -> None:
        self._phase = _Phase.READY
        suite = self.cipher.suite.number
        granted = self.dialogue.privileges.granted
        self.dialogue.events.append(LoggedIn(suite, granted, self._kept))

    def expire(self, now: float) -> SessionLost | None:
        """Do what is due at `deadline`."""
        given_up = self.dialogue.expire(now)
        if given_up is not None:
            lost = self._unanswered(given_up, now)
            if lost is not None:
                return lost
            self.dialogue.pump(now)
        if self._phase is not _Phase.CLOSING:
            self.sol.expire(now)
        return None

    def _unanswered(self, command: Command, now: float) -> SessionLost | None:
        """A command was given up; only a BMC that is gone ends the session."""
        match command.purpose:
            case Purpose.CLOSE:
                return SessionLost(self._close_reason, "closed; the BMC did not answer")
            case _ if self._phase is _Phase.CLOSING:
                # It may be slow: Close Session frees its slot, and follows in any case.
                pass
            case Purpose.REQUEST | Purpose.RAISE_PRIVILEGE:
                self.sol.probe_soon(now)
            case Purpose.FIND_OWNER:
                self.sol.unanswered_owner()
            case Purpose.PROBE if self.sol.heard_at > command.began:
                # Busy, not gone: never end a session that delivers.
                self.sol.postpone_probe(now)
            case _:
                waited = now - command.began
                detail = f"no answer to a command for {waited:.0f} s"
                return SessionLost(LostReason.BMC_TIMEOUT, detail)
        return None
