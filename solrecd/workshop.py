"""Builds a console from its configuration: archive, journal, interpreter, metrics.

Opening a console is also its recovery. The archive says where it ends; the end of the
open segment is read again so that the interpreter knows where in its boot the machine
was; bytes that an earlier daemon journalled and could not archive go through the same
road as new ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import trio

from solrecd.boot.rules import RuleSet
from solrecd.config import Config, ConsoleConfig, ReloadPlan
from solrecd.console import Console, Sinks, Surroundings
from solrecd.events import Boot
from solrecd.interpreter import Interpreter
from solrecd.link.dialer import Dialer
from solrecd.metrics import Metrics
from solrecd.sinks.archive import OpenedConsole


@dataclass(frozen=True, slots=True)
class Workshop:
    """What consoles are built of; fits `supervisor.Workshop`."""

    sinks: Sinks
    metrics: Metrics
    rules: RuleSet
    dialer: Dialer
    last_boot: Callable[[str], Boot | None]
    """Asks the index for the newest boot of a console."""
    wall_clock: Callable[[], int]

    async def open(
        self, config: ConsoleConfig, wake: Callable[[Console], None]
    ) -> Console:
        """Return a console whose archive is repaired and whose boot goes on.

        Raises:
            ArchiveError: its folder cannot be read.
        """
        # In a thread: a disk that hangs must not hold the loop of all the others.
        opened = await trio.to_thread.run_sync(
            self.sinks.archive.open_console, config.name
        )
        return Console(
            config,
            opened,
            self._boot(config.name, opened),
            self.metrics.console(config.name, config.labels),
            Surroundings(self.sinks, self.interpreter, self.wall_clock, wake),
        )

    async def close(self, console: Console, *, removed: bool) -> None:
        """Finish a console's files; a removed one loses its metrics as well."""
        self.sinks.archive.close_console(console.name)
        if removed:
            self.metrics.remove(console.name)
            self.sinks.viewers.forget(console.name)
            self.dialer.forget(console.name)
        await trio.lowlevel.checkpoint()

    def apply(self, config: Config, plan: ReloadPlan) -> None:
        """Take what a new configuration says about consoles that stay."""
        self.metrics.stage_timeouts = config.stages
        for name in plan.update:
            self.metrics.console(name, config.consoles[name].labels)
        self.metrics.reloaded(self.wall_clock(), successful=True)

    def refuse(self) -> None:
        """Note that a configuration was refused."""
        self.metrics.reloaded(self.wall_clock(), successful=False)

    def interpreter(
        self, console: str, boot: Boot | None, *, first_boot: int, offset: int
    ) -> Interpreter:
        """Return an interpreter (see `console.InterpreterFactory`)."""
        limits = self.metrics.stage_timeouts
        return Interpreter(
            self.rules,
            console=console,
            boot=boot,
            first_boot=first_boot,
            offset=offset,
            timeouts={str(stage): limits[stage] for stage in limits},
        )

    def _boot(self, name: str, opened: OpenedConsole) -> Boot | None:
        """Return the boot that goes on, as the index knows it or the archive does."""
        if not opened.continues:
            return None
        known = self.last_boot(name)
        if known is not None and known.boot == opened.boot:
            return known
        return Boot(name, opened.boot, opened.started or 0)
