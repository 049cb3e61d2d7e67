"""What a session tells its owner.

Marks of loss come before the data that they precede, in the same sequence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from solrecd.events.gaps import GapReason
from solrecd.events.sessions import LostReason
from solrecd.sources.ipmi.protocol.constants import PrivilegeLevel


@dataclass(slots=True)
class SolData:
    """Console output, to be recorded and then acknowledged.

    Not frozen: creating one is on the path of every packet, and a frozen dataclass
    takes three times as long to make. It must not be changed all the same.
    """

    data: bytes
    """1-255 bytes, never seen before."""


@dataclass(frozen=True, slots=True)
class SolLoss:
    """Console output is missing here, or may be: `GapReason.SKIPPED` tells no more.

    Said once per packet, also if it is repeated.
    """

    reason: GapReason
    packets: int | None = None
    """SoL packets, for `GapReason.SKIPPED` (modulo 15)."""


@dataclass(frozen=True, slots=True)
class SolInputStuck:
    """The BMC does not take what is typed, or takes it again."""

    unsent: int
    """Bytes that wait."""
    is_stuck: bool


@dataclass(frozen=True, slots=True)
class SolBreak:
    """The BMC saw a break condition on the machine's serial port."""


@dataclass(frozen=True, slots=True)
class SolUnavailable:
    """The machine is off or its serial port is not ready: input waits."""


@dataclass(frozen=True, slots=True)
class SolAvailable:
    """The machine's serial port takes input again."""


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The session stands; nothing is activated yet."""

    suite: int
    privilege: PrivilegeLevel
    """Highest level that the BMC granted."""
    kept: int | None = None
    """Bytes of the password that the BMC has, where these are not all of them."""


@dataclass(frozen=True, slots=True)
class SolActivated:
    """The SoL payload is ours."""

    instance: int
    send_size: int
    """Bytes that one packet of input may hold, 1-255."""
    port: int | None = None
    """UDP port that the BMC named, which is often wrong; the session's is used."""


@dataclass(frozen=True, slots=True)
class SolConfirmed:
    """The BMC named us as the payload's owner, for the first time.

    Since we activated it, or since another process handed the session over to us.
    """


@dataclass(frozen=True, slots=True)
class SolRefused:
    """Activate Payload was refused; the session still stands."""

    reason: LostReason
    code: int
    """Completion code."""
    owner: int | None = None
    """Session ID of who holds the payload, where the BMC tells."""


@dataclass(frozen=True, slots=True)
class SolDeactivated:
    """No session holds the payload now: we gave it back or the BMC switched it off.

    Or we asked for that, whatever the answer.
    """

    code: int = 0
    """Completion code of Deactivate Payload, where we asked for it."""


@dataclass(frozen=True, slots=True)
class SolStolen:
    """The payload was ours and belongs to another session now."""

    owner: int
    """That session's ID."""


@dataclass(frozen=True, slots=True)
class CommandAnswered:
    """The BMC answered a command of `Session.request`."""

    ticket: int
    code: int
    """Completion code, 0 = success."""
    data: bytes


@dataclass(frozen=True, slots=True)
class CommandFailed:
    """No answer to a command, or the session ended first. It may have been executed."""

    ticket: int


@dataclass(frozen=True, slots=True)
class SessionLost:
    """The session is over: the last event of any session."""

    reason: LostReason
    detail: str
    """One line for people."""


SessionEvent: TypeAlias = (
    SolData
    | SolLoss
    | SolInputStuck
    | SolBreak
    | SolUnavailable
    | SolAvailable
    | LoggedIn
    | SolActivated
    | SolConfirmed
    | SolRefused
    | SolDeactivated
    | SolStolen
    | CommandAnswered
    | CommandFailed
    | SessionLost
)
