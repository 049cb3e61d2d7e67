"""The live set of consoles: starts them, keeps one from hurting another, reloads.

Every console is two things here: a `Console` (its bytes and their meaning) and a task
(its `Keeper`). A bug in either ends that console's session, is logged with its
traceback and counted, and the console starts again; its neighbours do not notice.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog
import trio

from solrecd.api.fleet import FleetError
from solrecd.config import (
    Config,
    ConfigError,
    ConsoleConfig,
    ReloadPlan,
    plan_reload,
)
from solrecd.console import Console
from solrecd.events import Lost, LostReason, SessionState
from solrecd.keeper import Dialer, Keeper
from solrecd.sinks.viewers import TailItem, Viewers

INTERPRET_EVERY = 0.2
"""Seconds of output that the interpreter gets at once; a call per packet would cost
several times as much. With the archive's own delay this stays below 250 ms."""

SLICE = 0.005
"""Seconds of interpreting before ACKs and timers get their turn."""

CHECK_EVERY = 5.0
"""Seconds between two looks at what may last minutes only."""

RESTART_AFTER = 5.0
"""Seconds before a console that met a bug of ours starts again."""

log = structlog.get_logger()


class Workshop(Protocol):
    """Builds consoles; the composition root knows of what."""

    async def open(
        self, config: ConsoleConfig, wake: Callable[[Console], None]
    ) -> Console:
        """Return a console whose archive is repaired and whose boot goes on."""

    async def close(self, console: Console, *, removed: bool) -> None:
        """Finish a console's files; a removed one loses its metrics as well."""

    def apply(self, config: Config, plan: ReloadPlan) -> None:
        """Take what a new configuration says about consoles that stay."""

    def refuse(self) -> None:
        """Note that a configuration was refused."""


@dataclass(slots=True)
class _Member:
    """A console of the set, and how to stop its task."""

    console: Console
    keeper: Keeper
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    gone: trio.Event = field(default_factory=trio.Event)
    removed: bool = False
    """It left the configuration: its metrics go with it."""


class Supervisor:
    """The consoles of one daemon; fits `solrecd.api.fleet.Fleet`.

    Args:
        workshop: builds and closes consoles.
        dialer: gives keepers their links.
        viewers: who watches; `tail` adds to them.
        wall_clock: stamps.
        rng: jitter of the back-off.
        read_config: reads the configuration anew, for `reload`.
    """

    def __init__(
        self,
        workshop: Workshop,
        dialer: Dialer,
        viewers: Viewers,
        *,
        wall_clock: Callable[[], int],
        rng: random.Random,
        read_config: Callable[[], Config],
    ) -> None:
        self._workshop = workshop
        self._dialer = dialer
        self._viewers = viewers
        self._wall_clock = wall_clock
        self._rng = rng
        self._read_config = read_config
        self._config = Config()
        self._members: dict[str, _Member] = {}
        self._woken: set[Console] = set()
        self._unsettled: set[Console] = set()
        self._output = trio.Event()
        self._reloading = trio.Lock()
        self._to_tend, self._tended = trio.open_memory_channel[
            tuple[ConsoleConfig, trio.Event]
        ](0)

    # Living.

    async def run(
        self,
        config: Config,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Keep the configured consoles; `reload` changes which these are.

        Returns: never by itself.
        Resources: on cancellation every session is closed, side by side, and what had
        arrived is interpreted and given to the sinks.
        Errors: a console's bug restarts that console; an archive that cannot be opened
        ends the daemon.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._interpret_forever)
            nursery.start_soon(self._watch_stages)
            nursery.start_soon(self._adopt_forever)
            await self._apply(plan_reload(self._config, config), config)
            task_status.started()

    async def _adopt_forever(self) -> None:
        async with trio.open_nursery() as nursery:
            async for config, opened in self._tended:
                nursery.start_soon(self._tend, config, opened)

    async def _tend(self, config: ConsoleConfig, opened: trio.Event) -> None:
        console = await self._workshop.open(config, self._wake)
        keeper = Keeper(config, self._dialer, console, rng=self._rng)
        member = _Member(console, keeper)
        self._members[config.name] = member
        opened.set()
        try:
            with member.scope:
                await self._keep(member)
        finally:
            with trio.CancelScope(shield=True):
                # Bounded by the archive: it only queues what is left.
                await self._retire(member)

    async def _keep(self, member: _Member) -> None:
        while True:
            try:
                await member.keeper.run()
            except Exception:
                log.exception("console.crashed", console=member.console.name)
                lost = Lost(LostReason.CRASHED, "a bug in solrecd; see its log")
                member.console.session_changed(SessionState.DOWN, lost, RESTART_AFTER)
            await trio.sleep(RESTART_AFTER)

    async def _retire(self, member: _Member) -> None:
        console = member.console
        console.interpret()
        self._woken.discard(console)
        self._unsettled.discard(console)
        del self._members[console.name]
        await self._workshop.close(console, removed=member.removed)
        member.gone.set()

    # Interpreting in batches, off the path of the ACKs.

    def _wake(self, console: Console) -> None:
        self._woken.add(console)
        self._output.set()

    async def _interpret_forever(self) -> None:
        while True:
            if not self._unsettled:
                await self._output.wait()
            self._output = trio.Event()
            await trio.sleep(INTERPRET_EVERY)
            woken, self._woken = self._woken, set()
            await self._in_slices(woken, Console.interpret)
            self._unsettled |= woken
            await self._in_slices(tuple(self._unsettled), self._settle)

    def _settle(self, console: Console) -> None:
        if console.settle(self._wall_clock()):
            self._unsettled.discard(console)
            member = self._members.get(console.name)
            if member is not None:
                member.keeper.console_is_quiet()

    async def _watch_stages(self) -> None:
        while True:
            await trio.sleep(CHECK_EVERY)
            consoles = [member.console for member in self._members.values()]
            await self._in_slices(consoles, self._check)

    def _check(self, console: Console) -> None:
        console.check(self._wall_clock())

    async def _in_slices(
        self, consoles: Collection[Console], act: Callable[[Console], object]
    ) -> None:
        began = trio.current_time()
        for console in consoles:
            act(console)
            if trio.current_time() - began > SLICE:
                await trio.lowlevel.checkpoint()
                began = trio.current_time()

    # What the API asks (see `Fleet`).

    def names(self) -> Sequence[str]:
        """Return the names of all consoles, in the configuration's order."""
        return [name for name in self._config.enabled if name in self._members]

    def list(self) -> list[dict[str, Any]]:
        """Return one ``ls`` object per console."""
        return [self._members[name].console.summary() for name in self.names()]

    def status(self, name: str) -> dict[str, Any]:
        """Return the ``status`` object of a console, or raise `KeyError`."""
        return self._members[name].console.details()

    def tail(
        self, names: Collection[str]
    ) -> AbstractAsyncContextManager[trio.MemoryReceiveChannel[TailItem]]:
        """Watch consoles: recent lines first, then live."""
        return self._viewers.watch(names)

    def in_words(self) -> str:
        """Return one line for ``systemctl status``."""
        members = self._members.values()
        states = Counter(member.console.session_state for member in members)
        up = states.pop(SessionState.UP, 0)
        others = ", ".join(f"{count} {state}" for state, count in states.items())
        return f"{up} of {len(members)} sessions up" + (f"; {others}" if others else "")

    # Reloading.

    async def reload(self, *, dry_run: bool) -> dict[str, Any]:
        """Read the configuration anew and apply what changed.

        Raises:
            FleetError: the configuration is refused; nothing was changed.
        """
        async with self._reloading:
            try:
                new = await trio.to_thread.run_sync(self._read_config)
            except ConfigError as error:
                if not dry_run:
                    self._workshop.refuse()
                raise FleetError(str(error)) from None
            plan = plan_reload(self._config, new)
            if not dry_run:
                await self._apply(plan, new)
        return {
            "start": list(plan.start),
            "stop": list(plan.stop),
            "restart": list(plan.restart),
            "keep": len(plan.keep),
        }

    async def _apply(self, plan: ReloadPlan, new: Config) -> None:
        leaving = [self._members[name] for name in (*plan.stop, *plan.restart)]
        for member in leaving:
            member.removed = member.console.name in plan.stop
            member.scope.cancel()
        for member in leaving:
            await member.gone.wait()
        arriving = []
        for name in (*plan.start, *plan.restart):
            opened = trio.Event()
            arriving.append(opened)
            await self._to_tend.send((new.consoles[name], opened))
        for opened in arriving:
            await opened.wait()
        for name in plan.update:
            self._members[name].console.config = new.consoles[name]
            self._members[name].keeper.config = new.consoles[name]
        self._workshop.apply(new, plan)
        if plan.stages:
            for member in self._members.values():
                member.console.limit_stages()
        self._config = new
