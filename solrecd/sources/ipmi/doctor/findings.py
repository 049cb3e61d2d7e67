"""What an examination knows and what it says: values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from solrecd.events.boots import Boot
from solrecd.events.sessions import Lost, SessionState
from solrecd.sources.ipmi.doctor import answers, sol_answers
from solrecd.sources.ipmi.doctor.questions import Refusal

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A console as configured, and as the recorder sees it."""

    name: str
    bmc: str
    """Host, and port where that is not 623."""
    username: str
    suites: tuple[int, ...] = (17, 3)
    has_kg: bool = False
    insecure: bool = False
    password_length: int = 0
    """Bytes."""
    answer_delay: float = 0.0
    """Seconds that the BMC's answers took in the recorder's login; 0: not known."""
    same_line: Sequence[str] = ()
    """Other consoles that are configured to have the same line of the same BMC."""
    baud: int | None = None
    """As configured; None: not configured."""
    instance: int = 1
    session: SessionState = SessionState.UP
    since: int = 0
    """Stamp of that."""
    lost: Lost | None = None
    """Why the recorder's session is not up."""
    last_output: int | None = None
    """Stamp of the newest byte; None: there never was one."""
    now: int = 0
    """Stamp."""
    boots: Sequence[Boot] = ()
    """The newest, oldest first."""
    noise: int | None = None
    """Stamp of the last unreadable output in these boots."""
    network: Mapping[str, int] = field(default_factory=dict)
    """What was counted on the wire (`WireCounts.as_dict`)."""
    strangers: int = 0
    """Datagrams from addresses that no console has."""

    @property
    def is_up(self) -> bool:
        """Whether the console is being recorded."""
        return self.session is SessionState.UP


@dataclass(frozen=True, slots=True)
class Login:
    """How a login ended."""

    suite: int | None = None
    """Cipher suite, where that is known."""
    lost: Lost | None = None
    """Why it failed; None: it did not."""
    kept: int | None = None
    """Bytes of the password that the BMC has, where these are not all of them."""


Heard: TypeAlias = T | Refusal | None
"""What a BMC said, why it did not, or that it was not asked."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What the BMC said so far."""

    unresolved: str | None = None
    """Why its name has no address."""
    unsendable: str | None = None
    """Why nothing can be sent to its address."""
    elsewhere: str | None = None
    """An address that answers, and is not the one that was asked."""
    delay: float = 0.0
    """Seconds that its answers took, outside of a session."""
    pong: bool = False
    capabilities: Heard[answers.Capabilities] = None
    suites: Heard[tuple[int, ...]] = None
    login: Login | None = None
    """Of the session that is used for questions."""
    own: Heard[answers.SessionInfo] = None
    access: Heard[answers.UserAccess] = None
    user_name: Heard[str] = None
    payload_access: Heard[bool] = None
    sol: Heard[sol_answers.SolParameters] = None
    owner: Heard[int] = None
    """Session ID of who has the payload; 0: no session has it."""
    thief: Heard[answers.SessionInfo] = None
    """Who that is."""
    chassis: Heard[answers.Chassis] = None
    mux: Heard[bool] = None
    log: Heard[answers.LogInfo] = None
    log_time: Heard[int] = None

    @property
    def answered(self) -> bool:
        """Whether anything came from the BMC's address, outside of a session."""
        return self.pong or isinstance(self.capabilities, answers.Capabilities)

    @property
    def channel(self) -> int:
        """Number of the LAN channel, as `ipmitool` wants it; 1 is most boards'."""
        if isinstance(self.own, answers.SessionInfo):
            return self.own.channel
        if isinstance(self.capabilities, answers.Capabilities):
            return self.capabilities.channel
        return 1

    @property
    def user(self) -> str:
        """Number of the user, as `ipmitool` wants it."""
        if isinstance(self.own, answers.SessionInfo):
            return str(self.own.user)
        return "USER"


def said(heard: Heard[T]) -> T | None:
    """Return what a BMC said, or None."""
    return None if isinstance(heard, Refusal) else heard


def why_not(heard: Heard[object]) -> str:
    """Return in a few words why a BMC did not say something."""
    return str(heard) if isinstance(heard, Refusal) else "not asked"
