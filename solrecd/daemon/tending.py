"""What tends one console: opens it, keeps its way open, finishes its files.

A bug in a console ends its recording here, and it is tried again after a rest; an
archive that cannot be opened is tried again and again.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Protocol

import structlog
import trio

from solrecd.config import Config, ConsoleConfig, ReloadPlan
from solrecd.console import Console
from solrecd.console.guard import ConsoleGuard, ConsoleGuards
from solrecd.console.guarded_recorder import GuardedRecorder
from solrecd.console.interpret_loop import InterpretLoop
from solrecd.console.member import Member
from solrecd.console.unopened import Unopened
from solrecd.events.sessions import Lost, LostReason, SessionState
from solrecd.process.stamps import SECOND
from solrecd.sources.base import Recorder, Source
from solrecd.sources.guard import Guard, Part
from solrecd.storage.archive.sink import ArchiveError

OPEN_AGAIN_AFTER = 5.0
"""Seconds before an archive that could not be opened is tried again."""

log = structlog.get_logger()


class ConsoleFactory(Protocol):
    """Builds consoles; the composition root knows of what."""

    async def open(
        self, config: ConsoleConfig, wake: Callable[[Console], None], guard: Guard
    ) -> Console:
        """Return a console whose archive is repaired and whose boot goes on.

        Raises:
            ArchiveError: it cannot be read now.
        """

    def abandon(self) -> None:
        """Stop to wait for archives that are being opened: the daemon stops."""

    async def close(self, console: Console, *, removed: bool) -> None:
        """Finish a console's files; a removed one loses its metrics as well."""

    def apply(self, config: Config, plan: ReloadPlan) -> None:
        """Take what a new configuration says about consoles that stay."""

    def refuse(self) -> None:
        """Note that a configuration was refused."""

    def crashed(self, name: str) -> None:
        """Count a bug that a console met."""


class Sources(Protocol):
    """Makes the ways to consoles; see `solrecd.sources.drivers.Drivers`."""

    def source(self, config: ConsoleConfig, recorder: Recorder) -> Source:
        """Return the source of a console, which has opened nothing yet."""

    def forget(self, name: str) -> None:
        """Drop what is remembered of a console that was removed."""


@dataclass(slots=True)
class Task:
    """What tends a console, from before it is opened until its files are finished."""

    config: ConsoleConfig
    before: Task | None = None
    """The console's task under the old configuration, until that has gone: it has the
    archive."""
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    opened: trio.Event = field(default_factory=trio.Event)
    """It is opened, or cannot be for now."""
    gone: trio.Event = field(default_factory=trio.Event)
    unopened: Unopened | None = None
    """Why it is not recorded; None while it is."""
    removed: bool = False
    """It left the configuration: its metrics go with it."""


@dataclass(frozen=True, slots=True)
class Tender:
    """Tends the consoles of one daemon, each in a task of its own."""

    factory: ConsoleFactory
    """Builds and closes consoles."""
    sources: Sources
    """Makes the ways to consoles."""
    guards: ConsoleGuards
    interpret_loop: InterpretLoop
    members: MutableMapping[str, Member]
    """The consoles that are open; kept up to date."""
    wall_clock: Callable[[], int]
    """Stamps."""

    async def tend(self, task: Task) -> None:
        """Record a console until its task is cancelled.

        Resources: its files are finished, and its guard is dropped if it was removed.
        Errors: none; a bug has it recorded again after a rest.
        """
        guard = self.guards.of(task.config.name)
        if task.before is not None:
            # Also when we are cancelled ourselves: who comes after us waits for us.
            with trio.CancelScope(shield=True):
                await task.before.gone.wait()
            task.before = None
        with task.scope:
            while True:
                with guard.containing(Part.RECORDING):
                    await self._record(task, guard)
                why = "a bug in solrecd; see its log"
                self._tell_unopened(task, why, guard.pause(Part.RECORDING))
                task.opened.set()
                await guard.rest(Part.RECORDING)

    async def _record(self, task: Task, guard: ConsoleGuard) -> None:
        """Record a console until that is cancelled, or a bug outside of its source."""
        console = await self._open(task, guard)
        try:
            source = self.sources.source(task.config, GuardedRecorder(console))
            member = Member(console, source, guard, self.wall_clock())
            self.members[console.name] = member
            task.unopened = None
            self.interpret_loop.join(console, source)
            task.opened.set()
            await member.keep_open()
        finally:
            with trio.CancelScope(shield=True):
                # Bounded by the archive: it only queues what is left.
                await self._retire(console, guard, removed=task.removed)

    async def _open(self, task: Task, guard: ConsoleGuard) -> Console:
        """Open a console's archive, however often that takes; nothing waits for it."""
        wake = self.interpret_loop.wake
        while True:
            try:
                return await self.factory.open(task.config, wake, guard)
            except ArchiveError as error:
                told = {"console": task.config.name, "retry_in": OPEN_AGAIN_AFTER}
                log.error("console.not_opened", reason=str(error), **told)  # noqa: TRY400 - no bug
                self._tell_unopened(task, str(error), OPEN_AGAIN_AFTER)
            task.opened.set()
            await trio.sleep(OPEN_AGAIN_AFTER)

    def _tell_unopened(self, task: Task, why: str, pause: float) -> None:
        now = self.wall_clock()
        since = now if task.unopened is None else task.unopened.since
        task.unopened = Unopened(task.config, since, why, now + int(pause * SECOND))

    async def _retire(
        self, console: Console, guard: ConsoleGuard, *, removed: bool
    ) -> None:
        """Finish a console; a bug in one of the steps keeps no other from its turn."""
        with guard.containing(Part.RECORDING):
            self.interpret_loop.leave(console)
        if removed:
            lost = Lost(LostReason.STOPPED, "no longer in the configuration")
            with guard.containing(Part.EVENTS):
                console.session_changed(SessionState.DOWN, lost, None)
        self.members.pop(console.name, None)
        with guard.containing(Part.RECORDING):
            await self.factory.close(console, removed=removed)
        if removed:
            with guard.containing(Part.SESSION):
                self.sources.forget(console.name)
            self.guards.forget(console.name)
