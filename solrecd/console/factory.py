"""Builds a console from its configuration: archive, journal, interpreter, metrics.

Opening a console is also its recovery. The archive says where it ends; the end of the
open segment is read again so that the interpreter knows where in its boot the machine
was; bytes that an earlier daemon journalled and could not archive go through the same
road as new ones.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog
import trio

from solrecd.analysis.boot.pace import Pace
from solrecd.analysis.boot.rules import RuleSet
from solrecd.analysis.interpreter import Interpreter
from solrecd.config import Config, ConsoleConfig, ReloadPlan
from solrecd.console import (
    Console,
    ConsoleContext,
    ConsoleHistory,
    Interpretation,
    Sinks,
)
from solrecd.events.boots import Boot
from solrecd.events.sessions import LostReason, SessionState
from solrecd.metrics import Metrics
from solrecd.sources.guard import Guard, Part
from solrecd.storage.archive.opening_threads import OpeningThreads
from solrecd.storage.archive.sink import ArchiveLoss, OpenedConsole
from solrecd.storage.index.boot_history import BootHistory, KnownBoots

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ConsoleFactory:
    """What consoles are built of; fits `daemon.tending.ConsoleFactory`."""

    sinks: Sinks
    metrics: Metrics
    rules: RuleSet
    followers: Sequence[Callable[[Config], None]]
    """Take each new configuration."""
    history: BootHistory
    """Knows earlier boots."""
    wall_clock: Callable[[], int]
    opening_threads: OpeningThreads = field(default_factory=OpeningThreads)
    """Threads that open archives."""
    _consoles: dict[str, Console] = field(default_factory=dict, init=False)
    """Also those that were closed: the archive still writes what is left of them."""

    async def open(
        self, config: ConsoleConfig, wake: Callable[[Console], None], guard: Guard
    ) -> Console:
        """Return a console whose archive is repaired and whose boot goes on.

        Raises:
            ArchiveError: its folder cannot be read.
        """
        metrics = self.metrics.console(config.name, config.info)
        metrics.session_entered(
            SessionState.DOWN, self.wall_clock(), LostReason.NOT_OPENED
        )
        # In a thread: a disk that hangs must not hold the loop of all the others.
        look_up = functools.partial(self._look_up, config.name)
        with self.history.kept_open():
            opened, known = await self.opening_threads.run(look_up)
        console = self._consoles[config.name] = Console(
            config,
            opened,
            ConsoleHistory(
                _boot(config.name, opened, known),
                Pace(known.good),
                known.newest,
                known.told,
            ),
            metrics,
            ConsoleContext(
                self.sinks,
                Interpretation(self.interpreter, self._limits),
                self.wall_clock,
                wake,
            ),
            guard,
        )
        return console

    def abandon(self) -> None:
        """Stop to wait for archives that are being opened: the daemon stops."""
        self.opening_threads.abandon()

    def mark_loss(self, loss: ArchiveLoss) -> None:
        """Mark what was found missing while the archive was written."""
        console = self._consoles.get(loss.console)
        if console is None:
            log.error("archive.lost", console=loss.console, text=loss.gap.text)
        else:
            mark = functools.partial(console.mark_loss, loss.gap)
            console.guard.call(Part.EVENTS, mark, None)

    def _look_up(self, name: str) -> tuple[OpenedConsole, KnownBoots]:
        known = self.history.recall(name)
        return _without_notes(self.sinks.archive.open_console(name), known), known

    def _limits(self) -> Mapping[str, float]:
        return self.metrics.stage_timeouts

    async def close(self, console: Console, *, removed: bool) -> None:
        """Finish a console's files; a removed one loses its metrics as well."""
        console.finish()
        self.sinks.archive.close_console(console.name)
        if removed:
            del self._consoles[console.name]
            self.metrics.remove(console.name)
            self.sinks.viewers.forget(console.name)
            self.sinks.alerts.forget(console.name)
        await trio.lowlevel.checkpoint()

    def apply(self, config: Config, plan: ReloadPlan) -> None:
        """Take what a new configuration says about consoles that stay."""
        self.metrics.stage_timeouts = config.stages
        for follow in self.followers:
            follow(config)
        for name in plan.update:
            self.metrics.console(name, config.consoles[name].info)
        self.metrics.reloaded(self.wall_clock(), successful=True)

    def crashed(self, name: str) -> None:
        """Count a bug that a console met."""
        self.metrics.crashed(name)

    def refuse(self) -> None:
        """Note that a configuration was refused."""
        self.metrics.reloaded(self.wall_clock(), successful=False)

    def interpreter(
        self, console: str, boot: Boot | None, *, first_boot: int, offset: int
    ) -> Interpreter:
        """Return an interpreter (see `console.understanding.InterpreterFactory`)."""
        return Interpreter(
            self.rules,
            console=console,
            boot=boot,
            first_boot=first_boot,
            offset=offset,
        )


def _without_notes(opened: OpenedConsole, known: KnownBoots) -> OpenedConsole:
    """Return where a console goes on; a log of notes alone has begun no boot."""
    is_known = known.boot is not None and known.boot.boot == opened.boot
    said = opened.restored or opened.pending or opened.offset != opened.boot_offset
    if is_known or said or not opened.continues:
        return opened
    return replace(opened, continues=False, boot=opened.boot - 1, last_output=None)


def _boot(name: str, opened: OpenedConsole, known: KnownBoots) -> Boot | None:
    """Return the boot that goes on, as the index knows it or the archive does."""
    if not opened.continues:
        return None
    if known.boot is not None and known.boot.boot == opened.boot:
        return known.boot
    return Boot(name, opened.boot, opened.started or 0)
