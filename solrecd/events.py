"""The vocabulary: what consoles, boots and sessions can do and say.

Everything that crosses a module border is one of these values. Nothing here reads a
clock or does I/O.

Wall-clock times are stamps (`solrecd.process.stamps`). Monotonic times, used for
protocol timers only, are ``float`` seconds and are called ``now``.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Final, NamedTuple, overload

from solrecd.process.stamps import format_stamp
from solrecd.stages import Stage as Stage  # noqa: PLC0414 - vocabulary, too


class Chunk(NamedTuple):
    """Bytes that one SoL packet delivered, with the stamp of their arrival."""

    at: int
    data: bytes


class Outcome(enum.StrEnum):
    """How a boot ended, or that it has not."""

    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"
    STUCK = "stuck"
    SHUTDOWN = "shutdown"
    UNKNOWN = "unknown"


class Kind(enum.StrEnum):
    """What an event is about."""

    STAGE = "stage"
    FAILURE = "failure"
    SESSION = "session"
    GAP = "gap"
    POWER = "power"
    OPERATOR = "operator"
    STUCK = "stuck"
    SEL = "sel"
    """An entry of the BMC's system event log (IPMI 2.0 §31)."""


class OperatorAct(enum.StrEnum):
    """What a user did to a console: names of events of kind ``operator``."""

    ATTACHED = "attached"
    DETACHED = "detached"
    MODE_CHANGED = "mode_changed"
    FORCED = "forced"
    TYPED = "typed"
    """Only where input is recorded."""
    BREAK = "break"
    NOTE = "note"
    ACKNOWLEDGED = "acknowledged"
    """A user knows what is wrong and takes care of it."""
    UNACKNOWLEDGED = "unacknowledged"
    YIELDED = "yielded"
    TAKEN = "taken"
    RECONNECTED = "reconnected"
    CONFIGURED = "configured"
    """Of the BMC's SoL settings."""
    POWER_ON = "power_on"
    POWER_OFF = "power_off"
    POWER_SHUTDOWN = "power_shutdown"
    POWER_CYCLE = "power_cycle"
    POWER_RESET = "power_reset"
    POWER_DIAG = "power_diag"


class Order(NamedTuple):
    """What a user's wish for the power does to boots."""

    ending: str | None
    """How the boot that goes on ends; a shutdown is the operating system's to tell."""
    beginning: str | None
    """The cause of the boot that follows soon; None: none does."""


ORDERS: Final[Mapping[str, Order]] = MappingProxyType(
    {
        OperatorAct.POWER_ON: Order(None, OperatorAct.POWER_ON),
        OperatorAct.POWER_OFF: Order("off", None),
        OperatorAct.POWER_SHUTDOWN: Order(None, None),
        OperatorAct.POWER_CYCLE: Order("reset", OperatorAct.POWER_CYCLE),
        OperatorAct.POWER_RESET: Order("reset", OperatorAct.POWER_RESET),
        OperatorAct.POWER_DIAG: Order(None, OperatorAct.POWER_DIAG),
    }
)


class Severity(enum.StrEnum):
    """How bad an event is; the first is the worst."""

    FATAL = "fatal"
    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class SessionState(enum.StrEnum):
    """What `ls` and `status` say of a console's session."""

    UP = "up"
    CONNECTING = "connecting"
    DOWN = "down"
    YIELDED = "yielded"
    """Handed to someone else on purpose, or taken from us: we wait our turn."""
    FOREIGN = "foreign"
    """Someone else held the console when we came."""


class LostReason(enum.StrEnum):
    """Why a session is not up; a closed set, because it is a metric label."""

    NAME_UNRESOLVED = "name_unresolved"
    UNREACHABLE = "unreachable"
    """No answer at all to the first packet of a login."""
    BMC_TIMEOUT = "bmc_timeout"
    """The BMC answered before and has stopped answering."""
    UNTRUSTED = "untrusted"
    """It did not prove to be what the configuration means: certificate or host key."""
    BMC_SLOW = "bmc_slow"
    """The BMC answers, but too late for a login."""
    BAD_USERNAME = "bad_username"
    BAD_PASSWORD = "bad_password"  # noqa: S105 - a reason, not a secret
    BAD_KG = "bad_kg"
    """The password is right, the BMC key K_g is not."""
    SUITE_REFUSED = "suite_refused"
    PRIVILEGE_REFUSED = "privilege_refused"
    BMC_BUSY = "bmc_busy"
    """No free session slot, or another "insufficient resources" answer."""
    SOL_DISABLED = "sol_disabled"
    ENCRYPTION_REFUSED = "encryption_refused"
    PAYLOAD_LIMIT = "payload_limit"
    STUCK_PAYLOAD = "stuck_payload"
    """Deactivate says done, Activate still says active."""
    FOREIGN_OWNER = "foreign_owner"
    """Someone else held the payload when we wanted to activate it."""
    STOLEN = "stolen"
    """The payload was ours and now belongs to another session."""
    DEACTIVATED = "deactivated"
    """The BMC switched our payload off; no other session holds it."""
    SILENT = "silent"
    """Nothing came from a machine that should have printed: SoL is activated again."""
    CLOSED = "closed"
    """The BMC closed the session."""
    PROTOCOL_ERROR = "protocol_error"
    YIELDED = "yielded"
    """A user was given the BMC for a while."""
    RECONNECT = "reconnect"
    """A user wanted a fresh session."""
    RECONFIGURED = "reconfigured"
    STOPPED = "stopped"
    CRASHED = "crashed"
    """A bug of ours in this console; it was restarted."""
    NOT_OPENED = "not_opened"
    """Its archive cannot be opened: it is not recorded until that works."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Why there is no session."""

    reason: LostReason
    detail: str = ""
    """One line for people; may quote the BMC, never a secret."""


class GapReason(enum.StrEnum):
    """Why console output is, or may be, missing; a metric label."""

    SESSION = "session"
    """Nothing listened: no session for a while."""
    OVERRUN = "overrun"
    """The BMC said that its own transmit buffer overran."""
    SKIPPED = "skipped"
    """A SoL sequence number was skipped: the BMC dropped its backlog."""
    JOURNAL_FULL = "journal_full"
    """Our own buffers were full for so long that the BMC had to drop."""
    CRASH = "crash"
    """Recovery after a crash found bytes missing or damaged."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A place where console output is, or may be, missing."""

    reason: GapReason
    text: str
    """One line for people, without the word "gap"."""
    since: int | None = None
    """Stamp of the last sign that the line was recorded; None: of the byte before."""
    until: int | None = None
    """Stamp of the first sign after it; None: of the byte behind."""
    bytes: int | None = None
    """How many are missing, where that is known exactly."""
    packets: int | None = None
    """How many units of the source's own are missing, where it counts any."""
    offset: int | None = None
    """Stream offset at which it lies; None: behind all that was recorded so far."""
    is_noted: bool = False
    """The log has its note, written with the bytes around it."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, as `--json`, the index and hooks show it."""

    time: int
    """Stamp."""
    console: str
    kind: Kind
    name: str
    """Stage name, failure name (MARKERS), session state, ...: stable, for scripts."""
    severity: Severity
    title: str
    """One line for people; for a failure the headline as the console printed it."""
    boot: int | None = None
    line: int | None = None
    """1-based number of the console line in the boot (in `scan`: in the file)."""
    signature: str | None = None
    """The same for the same crash on other machines; None where that has no meaning."""
    fields: Mapping[str, str | int | float | bool] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """Return the contract's JSON object."""
        return {
            "time": format_stamp(self.time),
            "console": self.console,
            "boot": self.boot,
            "kind": self.kind.value,
            "name": self.name,
            "severity": self.severity.value,
            "title": self.title,
            "line": self.line,
            "signature": self.signature,
            "fields": dict(self.fields),
        }


@dataclass(frozen=True, slots=True)
class EventDraft:
    """An event that did not come out of the console, without its context."""

    kind: Kind
    name: str
    severity: Severity
    title: str
    fields: Mapping[str, str | int | float] = field(default_factory=dict)
    is_of_boot: bool = True
    """It belongs to the boot that goes on."""


@dataclass(frozen=True, slots=True)
class Boot:
    """A boot as far as it is known: one immutable snapshot.

    The last snapshot of a boot is its record; earlier ones have ``ended`` None.
    """

    console: str
    boot: int
    started: int
    """Stamp of the first byte (or of the power-on that began it)."""
    ended: int | None = None
    cause: str = "unknown"
    """``power``, ``firmware``, ``loader``, ``kernel``, ``kexec``, ``kdump``, ``reset``
    or ``attach``."""
    outcome: Outcome = Outcome.RUNNING
    last_stage: Stage = Stage.UNKNOWN
    stages: Mapping[str, float] = field(default_factory=dict)
    """Seconds from ``started`` to the first entry into each stage, in that order."""
    kernel: str | None = None
    cmdline: str | None = None
    title: str | None = None
    """Headline of the worst failure."""
    failures: int = 0
    gaps: int = 0
    bytes: int = 0
    facts: Mapping[str, str] = field(default_factory=dict)
    """What else was read: ``hardware``, ``bios``, ``entry``, ``host``, ``os``,
    ``failed_units`` (names between commas), ``helped``, ``dump`` (what became of the
    memory image: ``started``, ``saving``, ``saved``, ``failed``) ..."""

    def as_dict(self) -> dict[str, object]:
        """Return the contract's JSON object."""
        return {
            "console": self.console,
            "boot": self.boot,
            "started": format_stamp(self.started),
            "ended": None if self.ended is None else format_stamp(self.ended),
            "cause": self.cause,
            "outcome": self.outcome.value,
            "last_stage": self.last_stage.value,
            "stages": dict(self.stages),
            "kernel": self.kernel,
            "cmdline": self.cmdline,
            "title": self.title,
            "failures": self.failures,
            "gaps": self.gaps,
            "bytes": self.bytes,
            "facts": dict(self.facts),
        }


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the newest boots say of how a console is set."""

    boots: tuple[Boot, ...] = ()
    """Oldest first."""
    noise: int | None = None
    """Stamp of the last unreadable output in them."""


class Line(NamedTuple):
    """One line of console text as the archive and `scan` show it."""

    at: int
    """Stamp of its first byte."""
    offset: int
    """Stream offset of its first byte (see `Cut.offset`)."""
    text: str
    """Escapes removed, other control bytes as ``\\xNN``, at most 8 KiB, no line end."""


# Line(...) without the Python frame that a named tuple's constructor costs.
_line: Final = partial(tuple.__new__, Line)


class Lines(Sequence[Line]):
    """Lines in order, kept column by column.

    Nearly all lines are split off, searched and written in bulk; an object for each
    would cost more than all of that.

    Args:
        lines: the first ones.
    """

    __slots__ = ("offsets", "stamps", "texts")

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        self.stamps: list[int] = []
        self.offsets: list[int] = []
        self.texts: list[str] = []
        for line in lines:
            self.append(line)

    def append(self, line: Line) -> None:
        """Add a line."""
        self.stamps.append(line.at)
        self.offsets.append(line.offset)
        self.texts.append(line.text)

    def __len__(self) -> int:
        return len(self.texts)

    def __iter__(self) -> Iterator[Line]:
        return map(_line, zip(self.stamps, self.offsets, self.texts, strict=True))

    @overload
    def __getitem__(self, index: int) -> Line: ...
    @overload
    def __getitem__(self, index: slice) -> Lines: ...
    def __getitem__(self, index: int | slice) -> Line | Lines:
        if not isinstance(index, slice):
            return Line(self.stamps[index], self.offsets[index], self.texts[index])
        part = Lines()
        part.stamps = self.stamps[index]
        part.offsets = self.offsets[index]
        part.texts = self.texts[index]
        return part

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and [*self] == [*other]

    # Lines can be added: what is equal now need not stay so.
    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Lines({[*self]})"


class Cut(NamedTuple):
    """Here a new boot begins: the recorder opens a new segment."""

    at: int
    """Stamp that names the new segment."""
    offset: int
    """Bytes of this console's stream before the cut."""
    line: int
    """How many of the same `Reading`'s lines belong to the old segment."""
    boot: int
    """Number of the boot that begins."""


@dataclass(slots=True)
class Reading:
    """What the interpreter understood of a batch of bytes, in stream order."""

    lines: Lines = field(default_factory=Lines)
    cuts: list[Cut] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    boots: list[Boot] = field(default_factory=list)
    """Snapshots of every boot that changed; a later one replaces an earlier one."""
    tail: Line | None = None
    """The unfinished line after this batch as far as it is known, if there is one."""
