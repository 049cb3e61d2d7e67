"""What a source of console bytes is, whatever its kind.

A *source* keeps the way to one console open and hands over what comes out of it. There
is one for each configured console; it runs as one task until it is cancelled, and
keeps trying when the other end goes away. Two Protocols meet here:

`Source` is what the rest of solrecd sees of a kind. It has a few verbs that every
console understands (`run`, `write`, `reconnect`), and *abilities*, each an object of
its own or None: `power`, `breaks`, `sharing`, `examiner`. What a kind lacks it declares
as None, and `console.operation` answers "consoles of this kind have no ..." in one
place; neither the API nor the command line asks which kind it is.

`Recorder` is what a source sees of the rest: where bytes go, where gaps are marked, and
what may be known of the console. All of its methods are synchronous and quick. Two
rules hold for every source:

- **Acknowledged means recorded.** `Recorder.record` returns True once the bytes are in
  the journal, and only then may the source give up its only copy: acknowledge a packet,
  take the bytes out of the kernel's buffer. False means that there is no room: the
  source keeps the bytes where they are and offers them again, so that the machine at
  the other end is held up rather than cut.
- **Silence is told from absence.** `session_changed` says when the way is open and why
  it is not; what lies between two such times is marked as a gap. A console that prints
  nothing over an open connection has no gap.

What sources of one kind share (sockets, sessions that outlive a restart, questions that
go round the fleet) belongs to the kind's `Driver`, of which a daemon has one. A kind is
a file or folder beside this one, and one line in `table`.
"""

from __future__ import annotations

import enum
import random
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from solrecd.config import ConsoleConfig, ConsoleKind, DaemonConfig
from solrecd.events.boots import Boot, Evidence
from solrecd.events.event import EventDraft
from solrecd.events.gaps import Gap
from solrecd.events.operator_acts import OperatorAct
from solrecd.events.sessions import Lost, SessionState
from solrecd.events.wire_counts import WireCounts
from solrecd.sources.findings import Finding
from solrecd.sources.guard import Guard

if TYPE_CHECKING:
    import trio


class SourceError(Exception):
    """Something cannot be done at the other end now; one line that says why."""


class PowerAction(enum.StrEnum):
    """What can be asked of a machine's power."""

    ON = "on"
    OFF = "off"
    """At once, like the button held for 4 s."""
    SHUTDOWN = "shutdown"
    """As the button pressed once: the operating system may go down in order."""
    RESET = "reset"
    CYCLE = "cycle"
    """Off and on again; on where it is off."""
    DIAGNOSTIC = "diag"
    """A non-maskable interrupt: a kernel with kdump writes its memory to the disk."""


Tell = Callable[[Finding], Awaitable[None]]
"""Takes each finding as soon as it is known."""


# Abilities.


class PowerControl(Protocol):
    """Switches the machine's power."""

    async def power(self) -> str:
        """Return ``on`` or ``off``.

        Raises:
            SourceError: it cannot be known now.
        """

    async def set_power(self, action: PowerAction) -> None:
        """Ask for a change; the answer comes before it has happened.

        Raises:
            SourceError: it was refused, or there is no answer.
        """


class BreakControl(Protocol):
    """Sends serial breaks."""

    def send_break(self) -> bool:
        """Send one, in order with what was typed; False: not connected.

        Raises:
            BufferError: too much input waits already.
        """


class Sharing(Protocol):
    """Gives the console's only session to others, and takes it back."""

    def yield_session(self, seconds: float, why: str) -> None:
        """End the session, and begin none for so long."""

    def take_back(self) -> None:
        """Have the console at once, whatever session holds it now."""


class Examiner(Protocol):
    """Finds out what is wrong between a console and us, and cures it."""

    async def examine(self, tell: Tell, *, may_log_in: bool) -> None:
        """Look at everything, in order; change nothing.

        Args:
            tell: gets each finding.
            may_log_in: a session of our own may be begun to ask in: a failed one may
                count at the other end.
        """

    async def proposals(self) -> Sequence[Mapping[str, Any]]:
        """Return what could be set at the other end: objects with a ``parameter``.

        Raises:
            SourceError: it cannot be asked now.
        """

    async def apply_fixes(
        self, user: str, parameters: Collection[int]
    ) -> Sequence[Mapping[str, Any]]:
        """Set what was proposed, and return what became of it.

        Raises:
            SourceError: it cannot be asked now.
        """


# The two sides of the seam.


class Recorder(Protocol):
    """What a source sees of its console."""

    @property
    def config(self) -> ConsoleConfig:
        """As of the last reload."""

    @property
    def name(self) -> str:
        """Of the console."""

    @property
    def guard(self) -> Guard:
        """Contains its bugs."""

    @property
    def offset(self) -> int:
        """Bytes of this console ever recorded."""

    @property
    def counts(self) -> WireCounts:
        """What was counted on the wire of this console; the source adds to it."""

    @property
    def last_output(self) -> int | None:
        """Stamp of the newest byte; None: there never was one."""

    @property
    def boot(self) -> Boot | None:
        """The boot that goes on, or has ended last."""

    @property
    def session_state(self) -> SessionState:
        """As of the last `session_changed`."""

    @property
    def session_since(self) -> int:
        """Stamp of that."""

    @property
    def session_lost(self) -> Lost | None:
        """Why the session is not up."""

    def record(self, data: bytes) -> bool:
        """Record console output; False refuses it: keep it, and offer it again."""

    def resumed(self) -> None:
        """The way is open, or bytes say that it is: a gap ends before them.

        Once for each time that it opens.
        """

    def line_seen(self, ago: float) -> None:
        """Learn how many seconds ago the console was certainly ours.

        Told where it is ours no longer, before `session_changed` says so: a gap is
        counted from there, or from the last byte.
        """

    def mark_loss(self, gap: Gap) -> None:
        """Mark that output is missing here."""

    def mark_restart(self, since: int | None, *, output_waited: bool) -> None:
        """Mark that what an earlier process held open goes on here.

        Args:
            since: stamp at which that process was last known to work; None: unknown.
            output_waited: output came meanwhile, and may have been thrown away.
        """

    def session_changed(
        self, state: SessionState, lost: Lost | None, retry_in: float | None
    ) -> None:
        """Learn whether the way is open; ``retry_in`` is seconds to the next try."""

    def power_seen(self, *, on: bool | None) -> None:
        """Learn whether the machine is on; None: it cannot be known now."""

    def input_stuck(self, unsent: int, *, is_stuck: bool) -> None:
        """Learn that the other end does not take what is typed, or does again.

        Args:
            unsent: bytes that wait.
            is_stuck: they wait for too long.
        """

    def note_act(self, act: OperatorAct, text: str, user: str) -> None:
        """Keep what a person did."""

    def report(self, at: int, draft: EventDraft) -> None:
        """Tell an event that did not come out of the console."""


class Source(Protocol):
    """The way to one console."""

    @property
    def power(self) -> PowerControl | None:
        """Switches the machine's power."""

    @property
    def breaks(self) -> BreakControl | None:
        """Sends serial breaks."""

    @property
    def sharing(self) -> Sharing | None:
        """Gives the session to others."""

    @property
    def examiner(self) -> Examiner | None:
        """Finds out what is wrong."""

    @property
    def peer(self) -> str:
        """What is at the other end, as messages name it: ``its BMC``."""

    async def run(self) -> None:
        """Keep the way open until cancelled.

        Returns: never by itself.
        Resources: on cancellation everything is closed within seconds, or left to the
        next process.
        Errors: whatever the other end does is not an error of this function.
        """

    def update(self, config: ConsoleConfig) -> None:
        """Take new settings under a session that stays (see `Options.live`)."""

    def details(self) -> Mapping[str, Any]:
        """Return what ``status`` shows of this kind: where it is, as whom."""

    def write(self, data: bytes) -> bool:
        """Type bytes on the console; False: not connected.

        Raises:
            BufferError: too much waits already; see `unsent`.
        """

    @property
    def unsent(self) -> int:
        """Bytes of `write` that the other end has not accepted yet."""

    def reconnect(self, why: str) -> None:
        """Close the way, or the wait for it, and open it again at once."""

    def output_paused(self) -> None:
        """The machine printed something and then stopped: is it still on?"""

    def revive(self, why: str) -> bool:
        """Nothing comes, though the machine should print; try to get it going.

        Returns:
            Whether something was done.
        """


class Descriptors(Protocol):
    """Keeps descriptors while one process ends and the next one starts."""

    @property
    def keeps_descriptors(self) -> bool:
        """There is a service manager that does."""

    @property
    def inherited(self) -> Mapping[str, int]:
        """What an earlier process stored, by name."""

    def store(self, name: str, fd: int) -> None:
        """Have a descriptor kept."""

    def unstore(self, name: str) -> None:
        """Have it closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What a daemon has for the drivers of all kinds."""

    settings: DaemonConfig
    consoles: Collection[str]
    """Names of the consoles of this kind at the start."""
    descriptors: Descriptors
    wall_clock: Callable[[], int]
    rng: random.Random
    observe_ack_delay: Callable[[float], None]
    """Takes seconds from a packet's arrival to its acknowledgement."""
    recall: Callable[[str], Awaitable[Evidence]]
    """Looks up what the newest boots of a console say of it."""
    last_log_entry: Callable[[str], Awaitable[int | None]]
    """Looks up the number of the newest entry known of a machine's event log."""
    guard: Callable[[str], Guard]
    """Returns what contains the bugs of a console, by its name."""


class Driver(Protocol):
    """What the sources of one kind share; a daemon has one for each kind."""

    async def run(  # noqa: ASYNC128 - a protocol's
        self, *, task_status: trio.TaskStatus[None] = ...
    ) -> None:
        """Serve the sources until cancelled; they are gone before that."""

    def source(self, config: ConsoleConfig, recorder: Recorder) -> Source:
        """Return the source of a console, which has opened nothing yet."""

    def forget(self, name: str) -> None:
        """Drop what is remembered of a console that was removed."""

    def beat(self, now: int) -> None:
        """Note that this process works at that stamp."""

    def settle(self) -> None:
        """All consoles of the start are there: what was left has been taken over."""

    def begin_handover(self, now: int) -> None:
        """This process is being replaced at once: leave what is open to the next."""

    def rejected(self) -> Mapping[str, int]:
        """Return how many packets were rejected since the start, by cause."""


@dataclass(frozen=True, slots=True)
class SourceKind:
    """A kind of console: how it is configured, and how it is reached."""

    config: ConsoleKind
    driver: Callable[[Services], Driver]
