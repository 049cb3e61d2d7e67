"""IPMI commands of a session: one on the wire at a time, sent until answered.

One at a time, because simple BMCs lose the second; under the same rqSeq when it is sent
again, so that the BMC can tell a retransmission from a second wish.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from solrecd.events.wire_counts import Repeat, WireCounts
from solrecd.sources.ipmi.protocol.messages import (
    SEQUENCE_MASK,
    Request,
    Response,
    encode_request,
)

RETRY_INTERVALS: Final[tuple[float, ...]] = (1.0, 2.0, 3.0, 4.0)
"""Seconds after each transmission; 10 in all. BMCs that are busy with the machine's
power-on need several; one that restarted will never answer."""

_LAST_RETRY_INTERVALS: Final[tuple[float, ...]] = (0.5, 0.5)
"""Seconds when saying goodbye: a service manager waits for us."""

_SLACK: Final = 1.25
"""How many times its usual delay an answer may take before we ask again."""

MAX_QUEUED: Final = 64
"""Commands that may wait; management tools send one at a time."""


class Purpose(enum.Enum):
    """What the session does with an answer."""

    SET_PRIVILEGE = enum.auto()
    RAISE_PRIVILEGE = enum.auto()
    ACTIVATE = enum.auto()
    FIND_OWNER = enum.auto()
    """Activate Payload said "already active": by whom?"""
    DEACTIVATE = enum.auto()
    PROBE = enum.auto()
    CLOSE = enum.auto()
    REQUEST = enum.auto()
    """Sent for a caller: `Session.request`."""


@dataclass(slots=True)
class Command:
    """A command that waits to be sent or answered."""

    purpose: Purpose
    netfn: int
    command: int
    data: bytes = b""
    lun: int = 0
    ticket: int = 0
    """Of `Purpose.REQUEST`."""
    retry_intervals: tuple[float, ...] = RETRY_INTERVALS
    """Seconds to wait after each transmission."""
    began: float = 0.0
    """When it was first sent."""
    attempts: int = 0
    sequence: int = 0


class CommandQueue:
    """Commands in order, the first of them on the wire."""

    def __init__(self, counts: WireCounts) -> None:
        self._counts = counts
        self._waiting: list[Command] = []
        self._current: Command | None = None
        self.sequence = 0
        """rqSeq of the last command; one that goes on elsewhere begins behind it."""
        self._hurries = False
        self.delay = 0.0
        """Seconds that an answer takes; a command is not sent again before that."""
        self.deadline: float | None = None
        """When `expire` has something to do."""

    @property
    def is_full(self) -> bool:
        """No more commands of others should be taken."""
        return len(self._waiting) >= MAX_QUEUED

    def has(self, purpose: Purpose) -> bool:
        """Whether a command for this purpose waits or is on the wire."""
        current = self._current
        if current is not None and current.purpose is purpose:
            return True
        return any(command.purpose is purpose for command in self._waiting)

    def add(self, command: Command, *, first: bool = False) -> None:
        """Queue a command, before those that wait already if ``first``."""
        if first:
            self._waiting.insert(0, command)
        else:
            self._waiting.append(command)

    def hurry(self) -> None:
        """Give up sooner from now on: the session is being closed."""
        self._hurries = True

    @property
    def _least_patience(self) -> float:
        return 0.0 if self._hurries else _SLACK * self.delay

    def _retry_intervals(self, command: Command) -> tuple[float, ...]:
        return _LAST_RETRY_INTERVALS if self._hurries else command.retry_intervals

    def clear(self) -> list[Command]:
        """Forget everything; return what was forgotten."""
        forgotten = [] if self._current is None else [self._current]
        forgotten += self._waiting
        self._waiting.clear()
        self._current = self.deadline = None
        return forgotten

    def next_message(self, now: float) -> bytes | None:
        """Return the message to send now, if it is another command's turn."""
        if self._current is not None or not self._waiting:
            return None
        command = self._current = self._waiting.pop(0)
        self.sequence = self.sequence + 1 & SEQUENCE_MASK
        command.sequence, command.began, command.attempts = self.sequence, now, 0
        return self._transmit(command, now)

    def _transmit(self, command: Command, now: float) -> bytes:
        patience = self._retry_intervals(command)[command.attempts]
        self.deadline = now + max(patience, self._least_patience)
        command.attempts += 1
        return encode_request(
            Request(
                command.netfn,
                command.command,
                command.data,
                command.sequence,
                command.lun,
            )
        )

    def answered(self, response: Response) -> Command | None:
        """Return the command that a response belongs to; the next may go then."""
        command = self._current
        if (
            command is None
            or response.sequence != command.sequence
            or response.command != command.command
            or response.netfn != command.netfn | 1
        ):
            return None
        self._current = self.deadline = None
        return command

    def expire(self, now: float) -> bytes | Command | None:
        """Return a message to send again, or the command that is given up."""
        command = self._current
        if command is None or self.deadline is None or now < self.deadline:
            return None
        if command.attempts < len(self._retry_intervals(command)):
            self._counts.repeated(Repeat.COMMAND)
            return self._transmit(command, now)
        self._current = self.deadline = None
        return command
