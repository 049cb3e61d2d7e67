"""Builds a console from its configuration: archive, journal, interpreter, metrics.

Opening a console is also its recovery. The archive says where it ends; the end of the
open segment is read again so that the interpreter knows where in its boot the machine
was; bytes that an earlier daemon journalled and could not archive go through the same
road as new ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import trio

from solrecd.boot.rules import RuleSet
from solrecd.config import ConsoleConfig
from solrecd.console import Console, Sinks, Surroundings
from solrecd.events import Boot, Stage
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
    stage_timeouts: Mapping[Stage, float]
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
        name = config.name
        opened = self.sinks.archive.open_console(name)
        interpreter = self._interpreter(name, opened)
        console = Console(
            config,
            interpreter=interpreter,
            stream=opened.stream,
            metrics=self.metrics.console(name, config.labels),
            resumed=opened.last_output,
            around=Surroundings(self.sinks, self.wall_clock, wake),
        )
        self.sinks.archive.offer(name, (), interpreter.feed(opened.restored))
        console.resume(opened.pending)
        await trio.lowlevel.checkpoint()
        return console

    async def close(self, console: Console, *, removed: bool) -> None:
        """Finish a console's files; a removed one loses its metrics as well."""
        self.sinks.archive.close_console(console.name)
        if removed:
            self.metrics.remove(console.name)
            self.sinks.viewers.forget(console.name)
            self.dialer.forget(console.name)

    def _interpreter(self, name: str, opened: OpenedConsole) -> Interpreter:
        boot = self.last_boot(name) if opened.continues else None
        if opened.continues and (boot is None or boot.boot != opened.boot):
            boot = Boot(name, opened.boot, opened.started or 0)
        return Interpreter(
            self.rules,
            console=name,
            boot=boot,
            first_boot=opened.boot + 1,
            offset=opened.offset,
            timeouts={
                str(stage): limit for stage, limit in self.stage_timeouts.items()
            },
        )
