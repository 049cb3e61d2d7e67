"""The live set of consoles: starts them, keeps one from hurting another, reloads.

Every console is two things here: a `Console` (its bytes and their meaning) and a task
(its `Source`, the way to it; see `Tender`). The supervisor owns a `ConsoleGuard` for
each of them: a bug in either is logged with its traceback and counted, and costs that
console's session at most; its neighbours do not notice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import structlog
import trio

from solrecd.api.fleet import FleetError, Rows
from solrecd.config import (
    Config,
    ConfigError,
    ConsoleConfig,
    ReloadPlan,
    plan_reload,
)
from solrecd.console.changes import Changes
from solrecd.console.guard import ConsoleGuards, Witnesses
from solrecd.console.guarded_operation import guarded
from solrecd.console.interpret_loop import InterpretLoop
from solrecd.console.member import Member
from solrecd.console.operation import Operation
from solrecd.console.unopened import Unopened
from solrecd.console.viewers import TailItem, Viewers
from solrecd.daemon.tending import ConsoleFactory, Sources, Task, Tender
from solrecd.events.sessions import SessionState
from solrecd.process.garbage_collection import (
    freeze_objects,
    full_collections_postponed,
)
from solrecd.process.threads import Job, in_thread
from solrecd.sources.guard import Part

OPENING = 20.0
"""Seconds that a start or a reload waits for consoles to be opened. Where a disk hangs
they follow when it comes back."""

_READ = Job("the configuration's files", "the next start reads them")

CoverageRows = Callable[[Sequence[str], int], Awaitable[Rows]]
"""Returns how much of so many seconds each of these consoles was recorded."""

log = structlog.get_logger()


@dataclass(slots=True)
class _ReloadRequest:
    """A request for a reload."""

    dry_run: bool
    done: trio.Event = field(default_factory=trio.Event)
    answer: dict[str, Any] | None = None
    """What was done; None: it was refused."""
    refusal: FleetError = field(
        default_factory=lambda: FleetError("solrecd is being stopped")
    )


class Supervisor:
    """The consoles of one daemon; fits `solrecd.api.fleet.Fleet`.

    Args:
        factory: builds and closes consoles.
        sources: makes the ways to consoles.
        viewers: who watches; `tail` adds to them.
        wall_clock: stamps.
        read_config: reads the configuration again, for `reload`.
        coverage: answers for `coverage`.
    """

    def __init__(
        self,
        factory: ConsoleFactory,
        sources: Sources,
        viewers: Viewers,
        *,
        wall_clock: Callable[[], int],
        read_config: Callable[[], Config],
        coverage: CoverageRows,
    ) -> None:
        self._coverage = coverage
        self._factory = factory
        self._viewers = viewers
        self._wall_clock = wall_clock
        self._read_config = read_config
        self._config = Config()
        self._members: dict[str, Member] = {}
        self._tasks: dict[str, Task] = {}
        """Of all configured consoles, also those that cannot be opened yet."""
        self._interpret_loop = InterpretLoop(wall_clock)
        self.guards = ConsoleGuards(Witnesses(self._crashed, self._degraded))
        self._tender = Tender(
            factory,
            sources,
            self.guards,
            self._interpret_loop,
            self._members,
            wall_clock,
        )
        self._to_reload, self._requests = trio.open_memory_channel[_ReloadRequest](0)
        self._to_tend, self._tended = trio.open_memory_channel[Task](0)

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
        Errors: none; a console's bug restarts that console, one whose archive cannot
        be opened is tried again and again.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._interpret_loop.run)
            nursery.start_soon(self._abandon_openings)
            nursery.start_soon(self._adopt_forever)
            nursery.start_soon(self._reload_forever)
            await self._apply(plan_reload(Config(), config), config)
            self._config = config
            task_status.started()

    async def _abandon_openings(self) -> None:
        """When this is cancelled, stop to wait for archives that are being opened."""
        try:
            await trio.sleep_forever()
        finally:
            self._factory.abandon()

    async def _adopt_forever(self) -> None:
        async with trio.open_nursery() as nursery:
            async for task in self._tended:
                nursery.start_soon(self._tend, task)

    async def _tend(self, task: Task) -> None:
        try:
            await self._tender.tend(task)
        finally:
            if self._tasks.get(task.config.name) is task:
                del self._tasks[task.config.name]
            task.gone.set()
            task.opened.set()

    # Bugs.

    def _crashed(self, name: str) -> None:
        self._factory.crashed(name)
        self._viewers.notifier.mark(name)

    def _degraded(self, name: str, text: str) -> None:
        member = self._members.get(name)
        if member is not None:
            member.console.degraded(text)

    # What the API asks (see `Fleet`).

    def names(self) -> Sequence[str]:
        """Return the names of all open consoles, in the configuration's order."""
        return [name for name in self._config.enabled if name in self._members]

    def labels(self, name: str) -> Mapping[str, str]:
        """Return the labels of a console, open or not, or raise `KeyError`."""
        return self._tasks[name].config.labels

    def all_labels(self) -> Mapping[str, Mapping[str, str]]:
        """Return the labels of every console of the configuration, open or not."""
        return {name: one.labels for name, one in self._config.enabled.items()}

    def list(self) -> list[dict[str, Any]]:
        """Return one ``ls`` object per console, open or not."""
        known = [name for name in self._config.enabled if name in self._tasks]
        return [self._seen(name).summary() for name in known]

    def status(self, name: str) -> dict[str, Any]:
        """Return the ``status`` object of a console, or raise `KeyError`."""
        return self._seen(name).details()

    def _seen(self, name: str) -> Member | Unopened:
        """Return what can tell of a console, or raise `KeyError`."""
        member = self._members.get(name)
        if member is not None:
            return member
        task = self._tasks[name]
        return task.unopened or Unopened(task.config, self._wall_clock())

    async def coverage(self, names: Sequence[str], seconds: int) -> Rows:
        """Return how much of their time consoles were recorded."""
        return await self._coverage(names, seconds)

    def operation(self, name: str) -> Operation:
        """Return what people may do with a console, or raise `KeyError`."""
        member = self._members[name]
        operation = Operation(member.console, member.source, self._wall_clock)
        return guarded(operation, member.guard)

    def tail(
        self, names: Collection[str]
    ) -> AbstractAsyncContextManager[trio.MemoryReceiveChannel[TailItem]]:
        """Watch consoles: recent lines first, then live."""
        return self._viewers.watch(names)

    def watch(
        self, names: Collection[str] | None = None
    ) -> AbstractContextManager[Changes]:
        """Learn which consoles change."""
        return self._viewers.notifier.watching(names)

    def overview(self, name: str) -> dict[str, Any] | None:
        """Return an ``ls`` object and what the console printed last."""
        if name not in self._tasks:
            return None
        look = partial(self._viewers.last_line, name)
        line = self.guards.of(name).call(Part.STATUS, look, None)
        return self._seen(name).summary() | {"line": line}

    @property
    def changes(self) -> int:
        """How often a console has changed; while it is the same, so is all else."""
        return self._viewers.notifier.count

    def status_text(self) -> str:
        """Return one line for ``systemctl status``."""
        members = self._members.values()
        states = Counter(member.state for member in members)
        up = states.pop(SessionState.UP, 0)
        others = ", ".join(f"{count} {state}" for state, count in states.items())
        return f"{up} of {len(members)} sessions up" + (f"; {others}" if others else "")

    # Reloading.

    async def reload(self, *, dry_run: bool) -> dict[str, Any]:
        """Read the configuration again and apply what changed.

        Returns: see `solrecd.api.fleet.Fleet.reload`.

        Raises:
            FleetError: the configuration is refused; nothing was changed.
        """
        request = _ReloadRequest(dry_run)
        await self._to_reload.send(request)
        await request.done.wait()
        if request.answer is None:
            raise request.refusal
        return request.answer

    async def _reload_forever(self) -> None:
        """Reload for others, one after the other: one who leaves interrupts nothing."""
        async for request in self._requests:
            try:
                request.answer = await self._reload(dry_run=request.dry_run)
            except FleetError as error:
                request.refusal = error
            except Exception:
                log.exception("reload.crashed")
                request.refusal = FleetError("a bug in solrecd; see its log")
            finally:
                request.done.set()

    async def _reload(self, *, dry_run: bool) -> dict[str, Any]:
        began = trio.current_time()
        try:
            with full_collections_postponed():
                # In a thread: a thousand consoles take a tenth of a second.
                plan, new = await in_thread(_READ, self._plan)
        except ConfigError as error:
            if not dry_run:
                self._factory.refuse()
            problems = [problem._asdict() for problem in error.shown]
            raise FleetError(str(error), problems) from None
        if not dry_run:
            await self._apply(plan, new)
        seconds = round(trio.current_time() - began, 3)
        return {"dry_run": dry_run, "seconds": seconds, **plan.as_dict()}

    def _plan(self) -> tuple[ReloadPlan, Config]:
        new = self._read_config()
        return plan_reload(self._config, new), new

    async def _apply(self, plan: ReloadPlan, new: Config) -> None:
        running = self._config
        self.guards.renew()
        with full_collections_postponed():
            await self._stop_consoles(plan)
            starting = (*plan.start, *plan.restart)
            await self._start_consoles([new.consoles[name] for name in starting])
        if starting:
            freeze_objects()
        # Also without a change: it may be what a source waits for.
        for name in plan.keep:
            self._update(self._tasks[name], new.consoles[name])
        self._factory.apply(new, plan)
        if plan.stages:
            await self._interpret_loop.limit_stages()
        # Of [daemon] nothing counts before the next start; every plan says so again.
        api = replace(new.api, listen=running.api.listen)
        self._config = replace(new, daemon=running.daemon, api=api, web=running.web)

    async def _stop_consoles(self, plan: ReloadPlan) -> None:
        """Have consoles stop, one per turn of the loop: a goodbye takes its time."""
        leaving = [self._tasks[name] for name in (*plan.stop, *plan.restart)]
        for task in leaving:
            task.removed = task.config.name in plan.stop
            task.scope.cancel()
            await trio.lowlevel.checkpoint()
        with trio.move_on_after(OPENING):
            for task in leaving:
                await task.gone.wait()

    async def _start_consoles(self, configs: Collection[ConsoleConfig]) -> None:
        """Have consoles start; those with an archive that hangs follow later."""
        arriving = [Task(config, self._tasks.get(config.name)) for config in configs]
        for task in arriving:
            self._tasks[task.config.name] = task
            await self._to_tend.send(task)
        with trio.move_on_after(OPENING):
            for task in arriving:
                await task.opened.wait()

    def _update(self, task: Task, config: ConsoleConfig) -> None:
        task.config = config
        member = self._members.get(config.name)
        if member is not None:
            member.console.config = config
            with member.guard.containing(Part.SESSION):
                member.source.update(config)


def in_numbers(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a reload did, without the names of thousands of consoles."""
    counts = {key: len(plan[key]) for key in ("start", "stop", "restart", "update")}
    at_next_start = {"at_next_start": plan["daemon"]} if plan["daemon"] else {}
    return {**counts, "keep": plan["keep"], "seconds": plan["seconds"], **at_next_start}
