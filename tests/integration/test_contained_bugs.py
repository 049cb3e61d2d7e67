"""A bug in one console, at every place where one may be met, costs no other anything.

The places are found from the code: the methods of the Protocols at the seams and of
what each console tells. A new one that no driver here reaches fails the test, and so
does a new call of a console's guard in which no bug was met. One daemon runs through
all of them; beside the console that meets the bugs it records a neighbour on the same
socket, which must lose nothing.
"""

from __future__ import annotations

import ast
import errno
import inspect
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import pytest
import trio
from structlog.testing import capture_logs

from solrecd.alerts.senders import AlertSink
from solrecd.analysis.interpreter import Interpreter
from solrecd.api.client import Client
from solrecd.console import Console, interpret_loop
from solrecd.console.attachments import Attachment, Mode, WriteClaim
from solrecd.console.event_fanout import EventFanout
from solrecd.console.factory import ConsoleFactory
from solrecd.console.guard import LIMIT, ConsoleGuard
from solrecd.console.interpret_loop import InterpretedConsole
from solrecd.console.operation import Operation, OperationError
from solrecd.console.silence import SilenceWatch, Situation
from solrecd.console.viewers import Viewers
from solrecd.daemon import Daemon
from solrecd.daemon.tending import ConsoleFactory as FactoryProtocol, Sources
from solrecd.events.event import EventDraft, Kind, Severity
from solrecd.events.gaps import Gap, GapReason
from solrecd.events.operator_acts import OperatorAct
from solrecd.events.reading import Reading
from solrecd.events.sessions import SessionState
from solrecd.simbmc.machine import numbered
from solrecd.sources import base
from solrecd.sources.base import PowerAction
from solrecd.sources.drivers import Drivers
from solrecd.sources.guard import Part
from solrecd.sources.ipmi import event_logs
from solrecd.sources.ipmi.event_logs import EventLogs
from solrecd.sources.ipmi.examination import Examination
from solrecd.sources.ipmi.keeper import Keeper
from solrecd.sources.ipmi.link.base import Endpoint
from solrecd.sources.ipmi.link.power import PowerWatch
from solrecd.sources.ipmi.link.shared_socket import SharedSocket
from solrecd.sources.ipmi.link.sol import SolLink
from solrecd.sources.ipmi.management import Management
from solrecd.sources.ipmi.source import IpmiSource
from solrecd.sources.power.watch import WatchedPower
from solrecd.storage.archive.segment_types import ArchiveLoss
from solrecd.storage.archive.sink import ArchiveSink
from solrecd.storage.index.sink import IndexSink
from tests.integration.test_daemon import Site, make_bmc, site, until
from tests.support.build import interpreted

__all__ = ["site"]

pytestmark = interpreted

VICTIM, NEIGHBOUR = "victim", "neighbour"

REACHED_WITHIN = 30.0
"""Seconds in which a place is reached, at the latest."""


class BugError(Exception):
    """The bug."""


# The places.


@dataclass(frozen=True)
class Place:
    """A call for one console that may meet a bug."""

    owner: type
    name: str

    def __str__(self) -> str:
        return f"{self.owner.__name__}.{self.name}"


def methods(protocol: type) -> list[str]:
    """Return what a Protocol, or a class, lets others call."""
    found = vars(protocol).items()
    return [
        name
        for name, member in found
        if inspect.isfunction(member) and not name.startswith("_")
    ]


SEAMS: Mapping[type, type] = {
    base.Recorder: Console,
    base.Source: IpmiSource,
    base.PowerControl: Management,
    base.BreakControl: Keeper,
    base.Sharing: Keeper,
    base.Examiner: Examination,
    InterpretedConsole: Console,
    Endpoint: SolLink,
}
"""Protocols whose methods are called for one console, and who has them here."""

OTHERS: Mapping[type, list[str]] = {
    EventFanout: methods(EventFanout),
    Operation: methods(Operation),
    ArchiveSink: ["offer", "note", "open_console", "close_console"],
    IndexSink: ["offer"],
    AlertSink: ["offer"],
    Viewers: ["offer", "count", "last_line"],
    Attachment: ["show"],
    Interpreter: ["feed", "idle"],
    PowerWatch: ["ask", "_answered"],
    EventLogs: ["join", "leave", "_read"],
    Console: ["summary", "details"],
}
"""Where else a call for one console leads."""

NOT_OF_ONE = {
    "ConsoleFactory.abandon",
    "ConsoleFactory.apply",
    "ConsoleFactory.refuse",
    "ConsoleFactory.crashed",
    "SolLink.crashed",
}
"""Called for all consoles, or by the guard itself."""


def places() -> list[Place]:
    """Return all places, each once."""
    found = [Place(owner, n) for seam, owner in SEAMS.items() for n in methods(seam)]
    found += [Place(ConsoleFactory, name) for name in methods(FactoryProtocol)]
    found += [Place(Drivers, name) for name in methods(Sources)]
    found += [Place(owner, name) for owner, names in OTHERS.items() for name in names]
    return [each for each in dict.fromkeys(found) if str(each) not in NOT_OF_ONE]


def _is_victims(thing: object, depth: int = 0) -> bool:
    """Whether something belongs to the victim: has its name, or what has it."""
    if thing == VICTIM:
        return True
    if depth == 6 or isinstance(thing, str | bytes | int | float):
        return False
    if isinstance(thing, tuple | list):
        return any(_is_victims(one, depth + 1) for one in thing)
    return any(_is_victims(getattr(thing, way, None), depth + 1) for way in _WAYS)


_WAYS = (
    *("name", "console", "_name", "_console", "_recorder", "_keeper", "config"),
    *("_request", "__self__", "_story", "_send"),
)
"""Attributes that lead from an object to the console that it belongs to."""


@contextmanager
def bug_at(place: Place, target: object, *, times: int = 1) -> Iterator[list[Place]]:
    """Let the victim's next calls of a place raise; yields those that did."""
    original = getattr(target, place.name)
    met: list[Place] = []

    def is_met(arguments: tuple[object, ...]) -> bool:
        mine = _is_victims(arguments) or place.owner is Attachment
        if mine and len(met) < times:
            met.append(place)
            return True
        return False

    def call(*arguments: Any, **named: Any) -> Any:
        if is_met(arguments):
            raise BugError(str(place))
        return original(*arguments, **named)

    async def wait(*arguments: Any, **named: Any) -> Any:
        if is_met(arguments):
            await trio.lowlevel.checkpoint()
            raise BugError(str(place))
        return await original(*arguments, **named)

    is_async = inspect.iscoroutinefunction(original)
    setattr(target, place.name, wait if is_async else call)
    try:
        yield met
    finally:
        setattr(target, place.name, original)


# The calls of guards.

ROOT = Path(inspect.getfile(Daemon)).parents[1]
"""The package."""


class GuardedCall(NamedTuple):
    """Where the code has a console's guard contain bugs."""

    file: str
    function: str
    part: Part


def guarded_calls() -> set[GuardedCall]:
    """Return all of them, out of the source."""
    return {
        GuardedCall(str(file.relative_to(ROOT)), function, part)
        for file in ROOT.rglob("*.py")
        for function, node in _in_functions(ast.parse(file.read_text()), "")
        if (part := _guarded_part(node)) is not None
    }


def _in_functions(node: ast.AST, function: str) -> Iterator[tuple[str, ast.AST]]:
    """Yield every node, and the name of the function that it is in."""
    for child in ast.iter_child_nodes(node):
        yield function, child
        match child:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield from _in_functions(child, name)
            case ast.Lambda():
                yield from _in_functions(child, "<lambda>")
            case _:
                yield from _in_functions(child, function)


def _guarded_part(node: ast.AST) -> Part | None:
    match node:
        case ast.Call(
            func=ast.Attribute(attr="call" | "_call" | "containing")
            | ast.Name(id="call"),
            args=[ast.Attribute(value=ast.Name(id="Part"), attr=part), *_],
        ):
            return Part[part]
        case _:
            return None


def calling(frame: FrameType, part: Part) -> GuardedCall:
    """Return from where a guard was called, as one of its own frames knows it."""
    caller: FrameType | None = frame
    while caller is not None:
        file = Path(caller.f_code.co_filename)
        if file.is_relative_to(ROOT) and file.name != "guard.py":
            name = caller.f_code.co_name
            return GuardedCall(str(file.relative_to(ROOT)), name, part)
        caller = caller.f_back
    raise AssertionError("a guard that was called from nowhere")


# How they are reached.


@contextmanager
def bug_behind(site: GuardedCall) -> Iterator[list[GuardedCall]]:
    """Let the victim's next guarded call from a site raise; yields whether it did.

    For the sites where no place of `places` is called: what is called there is code of
    the console's own, which has no method that could be given a bug.
    """
    met: list[GuardedCall] = []
    call, containing = ConsoleGuard.call, ConsoleGuard.containing

    def is_met(guard: ConsoleGuard, part: Part) -> bool:
        mine = guard.console == VICTIM and calling(sys._getframe(2), part) == site
        if mine and not met:
            met.append(site)
            return True
        return False

    def buggy(*_: object) -> None:
        raise BugError(str(site))

    def watched_call(guard: ConsoleGuard, part: Part, act: Any, otherwise: Any) -> Any:
        return call(guard, part, buggy if is_met(guard, part) else act, otherwise)

    @contextmanager
    def with_bug(guard: ConsoleGuard, part: Part) -> Iterator[None]:
        with containing(guard, part):
            yield
            buggy()

    def watched_block(guard: ConsoleGuard, part: Part) -> Any:
        return (with_bug if is_met(guard, part) else containing)(guard, part)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ConsoleGuard, "call", watched_call)
        patch.setattr(ConsoleGuard, "containing", watched_block)
        yield met


class SuspiciousWatch(SilenceWatch):
    """Finds every silence suspicious."""

    def is_suspicious(self, now: Situation, at: int) -> bool:
        return True


class BuggyPower:
    """A machine's power that cannot be asked for."""

    async def power(self) -> str:
        await trio.lowlevel.checkpoint()
        raise BugError("power")


class Lab:
    """A daemon, the console with the bugs, and its neighbour."""

    def __init__(self, site: Site, daemon: Daemon) -> None:
        self.site = site
        self.supervisor = daemon._supervisor
        self.metrics = daemon._metrics
        self.guard = self.supervisor.guards.of(VICTIM)
        self.contained: set[GuardedCall] = set()
        """Where bugs were met."""
        self._drivers = daemon._sources
        self._alerts = daemon._alerts

    def target(self, place: Place) -> object:
        """Return what has a place's method: the class, or an object with its own."""
        return self._alerts if place.owner is AlertSink else place.owner

    @property
    def operation(self) -> Operation:
        return self.supervisor.operation(VICTIM)

    @property
    def source(self) -> Any:
        return self.supervisor._members[VICTIM].source

    @property
    def recorder(self) -> Any:
        return self.source._recorder

    @property
    def row(self) -> dict[str, Any]:
        """What ``ls`` shows of the victim; nothing while it is closed."""
        rows = self.supervisor.list()
        return next((row for row in rows if row["console"] == VICTIM), {})

    @property
    def crashes(self) -> int:
        return self.metrics.console(VICTIM).crashes

    async def change(self, **changes: Any) -> None:
        """Reload with other settings of the victim."""
        before = self.site.consoles[VICTIM]
        options = replace(before.options, **changes)
        self.site.consoles[VICTIM] = replace(before, options=options)
        await self.supervisor.reload(dry_run=False)

    async def restart(self) -> None:
        """Have the victim closed and opened again."""
        options: Any = self.site.consoles[VICTIM].options
        now = options.payload_size
        await self.change(payload_size=64 if now != 64 else 100)

    async def update(self) -> None:
        options: Any = self.site.consoles[VICTIM].options
        now = options.yield_for
        await self.change(yield_for=now + 1)

    async def remove(self) -> None:
        """Have the victim removed, and added again."""
        config = self.site.consoles.pop(VICTIM)
        await self.supervisor.reload(dry_run=False)
        self.site.consoles[VICTIM] = config
        await self.supervisor.reload(dry_run=False)
        self.guard = self.supervisor.guards.of(VICTIM)

    async def reconnect(self) -> None:
        await trio.lowlevel.checkpoint()
        self.source.reconnect("a test")

    async def read_log(self) -> None:
        await trio.lowlevel.checkpoint()
        logs = self._drivers._drivers["ipmi"]._event_logs  # type: ignore[attr-defined]
        for each in logs._logs.values():
            each.due, each.info = 0.0, None

    async def attach(self) -> None:
        """Watch until something was shown."""
        with self.operation.attached("alice", Mode.READ, WriteClaim.ASK) as attachment:
            with trio.move_on_after(3):
                while True:
                    await attachment.next()

    async def revive(self) -> None:
        """Have the victim found silent."""
        await trio.lowlevel.checkpoint()
        console: Any = self.supervisor._members[VICTIM].console
        console._silence = SuspiciousWatch()
        self.check()
        console._silence = SilenceWatch()

    def check(self) -> None:
        """Have the victim looked at as one that waits for time to pass."""
        console: Any = self.supervisor._members[VICTIM].console
        console._metrics.left_logged_in = True
        self.supervisor._interpret_loop._check(console)
        console._metrics.left_logged_in = False

    def lose_twice(self) -> None:
        """Have two losses marked, which are one event that tells of both."""
        self.recorder.mark_loss(_GAP)
        self.recorder.mark_loss(_GAP)

    @property
    def console(self) -> Any:
        return self.supervisor._members[VICTIM].console

    def find_room_again(self) -> None:
        """Have the journal full until now."""
        self.console._refused_since = 1

    def end_boot(self) -> None:
        """Have a boot end in what was read."""
        ended = replace(self.console.boot, ended=1)
        self.console._understanding._tell((), Reading(boots=[ended]))

    async def ask_power(self) -> None:
        """Have the power of a machine asked for beside the victim's session."""
        control: Any = BuggyPower()
        await WatchedPower(control, self.recorder, random.Random(1)).run()

    def lose_archived(self) -> None:
        """Have something found missing in the victim's archive."""
        factory: Any = self.supervisor._factory
        factory.mark_loss(ArchiveLoss(VICTIM, _GAP))

    async def type_into_silence(self) -> None:
        """Have the victim opened again as one that wants a sign of life."""
        with bug_at(Place(IpmiSource, "_type_into_silence"), IpmiSource):
            await self.change(serial_keepalive=1.0, payload_size=99)
            await trio.sleep(0.5)
        await self.change(serial_keepalive=None)

    async def crash_session(self) -> None:
        """Have a bug end the victim's session."""
        with bug_at(Place(IpmiSource, "run"), IpmiSource):
            await self.restart()

    async def dismiss(self) -> None:
        """Have a session of the victim's dismissed that an earlier process left."""
        ipmi: Any = self._drivers._drivers["ipmi"]
        await ipmi._dialer._dismiss(VICTIM)

    async def refuse(self) -> None:
        """Have the kernel said to refuse what it sends, for a while."""
        send = SharedSocket.send
        with pytest.MonkeyPatch.context() as patch:
            full = [OSError(errno.ENOBUFS, "no room")]
            patch.setattr(SharedSocket, "send", lambda *told: send(*told) or full)
            await trio.sleep(3)

    async def ls(self) -> None:
        client = Client(str(self.site.folder / "control.sock"))
        await trio.to_thread.run_sync(client.get, "/v1/consoles")


async def _tell(_finding: object) -> None:
    await trio.lowlevel.checkpoint()


Act = Callable[[Lab], object]

_ASK = WriteClaim.ASK
_GAP = Gap(GapReason.SKIPPED, "a test")
_DRAFT = EventDraft(Kind.SEL, "asserted", Severity.INFO, "a test")

RECORDED: Mapping[str, Act] = {
    "resumed": lambda lab: lab.recorder.resumed(),
    "mark_loss": lambda lab: lab.recorder.mark_loss(_GAP),
    "line_seen": lambda lab: lab.recorder.line_seen(1.0),
    "mark_restart": lambda lab: lab.recorder.mark_restart(None, output_waited=False),
    "session_changed": lambda lab: lab.recorder.session_changed(
        SessionState.UP, None, None
    ),
    "input_stuck": lambda lab: lab.recorder.input_stuck(1, is_stuck=True),
    "power_seen": lambda lab: lab.recorder.power_seen(on=True),
    "note_act": lambda lab: lab.recorder.note_act(OperatorAct.NOTE, "a note", "alice"),
    "report": lambda lab: lab.recorder.report(1, _DRAFT),
}

OPERATIONS: Mapping[str, Act] = {
    "attached": lambda lab: lab.attach(),
    "change": lambda lab: lab.operation.change(_attachment(), Mode.READ, _ASK),
    "who": lambda lab: lab.operation.who(),
    "beside": lambda lab: lab.operation.beside(_attachment()),
    "type": lambda lab: lab.operation.type("alice", b"x"),
    "send_break": lambda lab: lab.operation.send_break("alice"),
    "note": lambda lab: lab.operation.note("alice", "a note"),
    "acknowledge": lambda lab: lab.operation.acknowledge("alice"),
    "unacknowledge": lambda lab: lab.operation.unacknowledge("alice"),
    "message": lambda lab: lab.operation.message("alice", "hello"),
    "yield_session": lambda lab: lab.operation.yield_session("alice", 1),
    "take_back": lambda lab: lab.operation.take_back("alice"),
    "reconnect": lambda lab: lab.operation.reconnect("alice"),
    "power": lambda lab: lab.operation.power(),
    "set_power": lambda lab: lab.operation.set_power("alice", PowerAction.ON),
    "examine": lambda lab: lab.operation.examine(_tell, may_log_in=True),
    "require_examiner": lambda lab: lab.operation.require_examiner(),
    "proposals": lambda lab: lab.operation.proposals(),
    "apply_fixes": lambda lab: lab.operation.apply_fixes("alice", [1]),
}


def _attachment() -> Attachment:
    return Attachment("alice", Mode.READ, 0, [])


def _waits(_lab: Lab) -> None:
    """It is reached by itself: the victim prints, and its loops turn."""


AFTER_THE_END = {"Drivers.forget"}
"""Places where the console's metrics, and its row, are gone already."""

DRIVERS: Mapping[str, Act] = {
    **{f"Console.{name}": act for name, act in RECORDED.items()},
    **{f"Operation.{name}": act for name, act in OPERATIONS.items()},
    **{
        f"{owner}.{name}": OPERATIONS[name]
        for owner, names in {
            "Management": ("power", "set_power"),
            "Keeper": ("send_break", "yield_session", "take_back"),
            "Examination": ("examine", "proposals", "apply_fixes"),
            "IpmiSource": ("reconnect",),
        }.items()
        for name in names
    },
    **dict.fromkeys(
        (
            *("Console.interpret", "Console.settle"),
            *("IpmiSource.output_paused", "SolLink.expire"),
            *("EventFanout.record", "EventFanout.tell", "ArchiveSink.offer"),
            *("Viewers.offer", "Interpreter.feed", "Interpreter.idle"),
        ),
        _waits,
    ),
    **dict.fromkeys(
        ("Console.check", "Console.end_silence", "Console.waits_for_time"),
        lambda lab: lab.check(),
    ),
    "Console.record": lambda lab: lab.restart(),
    "SolLink.receive": lambda lab: lab.reconnect(),
    "SolLink.datagrams": lambda lab: lab.reconnect(),
    "IpmiSource.revive": lambda lab: lab.revive(),
    "Console.limit_stages": lambda lab: lab.supervisor._interpret_loop.limit_stages(),
    "IpmiSource.run": lambda lab: lab.restart(),
    "IpmiSource.update": lambda lab: lab.update(),
    "IpmiSource.details": lambda lab: lab.supervisor.status(VICTIM),
    "IpmiSource.write": OPERATIONS["type"],
    "ConsoleFactory.open": lambda lab: lab.restart(),
    "ConsoleFactory.close": lambda lab: lab.restart(),
    "Drivers.source": lambda lab: lab.restart(),
    "Drivers.forget": lambda lab: lab.remove(),
    "EventFanout.note": OPERATIONS["note"],
    "EventFanout.acted": OPERATIONS["note"],
    "EventFanout.report": RECORDED["report"],
    "EventFanout.changed": RECORDED["session_changed"],
    "EventFanout.amend": lambda lab: lab.lose_twice(),
    "SolLink.not_sent": lambda lab: lab.refuse(),
    "ArchiveSink.note": RECORDED["mark_loss"],
    "ArchiveSink.open_console": lambda lab: lab.restart(),
    "ArchiveSink.close_console": lambda lab: lab.restart(),
    "IndexSink.offer": RECORDED["report"],
    "AlertSink.offer": RECORDED["report"],
    "Viewers.count": lambda lab: lab.supervisor.list(),
    "Viewers.last_line": lambda lab: lab.supervisor.overview(VICTIM),
    "Attachment.show": lambda lab: lab.attach(),
    "PowerWatch.ask": lambda lab: lab.reconnect(),
    "PowerWatch._answered": lambda lab: lab.reconnect(),
    "EventLogs.join": lambda lab: lab.restart(),
    "EventLogs.leave": lambda lab: lab.restart(),
    "EventLogs._read": lambda lab: lab.read_log(),
    "Console.summary": lambda lab: lab.ls(),
    "Console.details": lambda lab: lab.supervisor.status(VICTIM),
}
"""How each place is reached; without an entry the test fails."""


SITES: Mapping[GuardedCall, Act] = {
    GuardedCall("console/console.py", "record", Part.EVENTS): Lab.find_room_again,
    GuardedCall("console/event_fanout.py", "amend", Part.INDEX): Lab.lose_twice,
    GuardedCall("console/event_fanout.py", "report", Part.METRICS): RECORDED["report"],
    GuardedCall("console/event_fanout.py", "tell", Part.METRICS): _waits,
    GuardedCall("console/factory.py", "mark_loss", Part.EVENTS): Lab.lose_archived,
    GuardedCall("console/member.py", "keep_open", Part.EVENTS): Lab.crash_session,
    GuardedCall("console/member.py", "state", Part.STATUS): lambda lab: (
        lab.supervisor.status_text()
    ),
    GuardedCall("console/understanding.py", "_tell", Part.ANALYSIS): Lab.end_boot,
    GuardedCall("daemon/tending.py", "_retire", Part.EVENTS): Lab.remove,
    GuardedCall("sources/ipmi/event_logs.py", "_is_due", Part.EVENT_LOG): _waits,
    GuardedCall("sources/ipmi/link/dialer.py", "_dismiss", Part.SESSION): Lab.dismiss,
    GuardedCall("sources/power/watch.py", "run", Part.POWER): Lab.ask_power,
    GuardedCall(
        "sources/ipmi/source.py", "_keep_alive", Part.KEEPALIVE
    ): Lab.type_into_silence,
}
"""Guarded calls that none of the places lies behind, and how each is reached."""


@pytest.fixture
async def lab(site: Site, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Lab]:
    """Return a daemon that records the victim and its neighbour."""
    monkeypatch.setattr(interpret_loop, "CHECK_EVERY", 0.3)
    monkeypatch.setattr(event_logs, "LOOK_EVERY", 0.2)
    site.add(make_bmc(VICTIM, total=None, rate=1.5), VICTIM, keepalive=2.0)
    site.add(make_bmc(NEIGHBOUR, total=None, rate=20), NEIGHBOUR, keepalive=2.0)
    async with site.recording() as daemon:
        await site.wait(VICTIM, session="up")
        await site.wait(NEIGHBOUR, session="up")
        lab = Lab(site, daemon)
        crashed = ConsoleGuard.crashed

        def note(guard: ConsoleGuard, part: Part, bug: Exception) -> None:
            lab.contained.add(calling(sys._getframe(1), part))
            crashed(guard, part, bug)

        monkeypatch.setattr(ConsoleGuard, "crashed", note)
        yield lab


async def reach(lab: Lab, place: Place) -> None:
    """Bring a place about."""
    try:
        result = DRIVERS[str(place)](lab)
        if isinstance(result, Awaitable):
            await result
    except OperationError as error:
        # People are told; it is theirs that was refused.
        assert "bug in solrecd" in str(error)  # noqa: PT017


async def meet(lab: Lab, place: Place) -> None:
    """Let the victim meet a bug, and see that it comes back."""
    ledger = lab.site.fleet.members[1].bmc.ledger
    crashes, acknowledged = lab.crashes, ledger.acknowledged
    with bug_at(place, lab.target(place)) as met, capture_logs() as logs:
        await reach(lab, place)
        with trio.move_on_after(REACHED_WITHIN):
            while not met:  # noqa: ASYNC110 - nothing tells of it
                await trio.sleep(0.02)
        assert met, f"{place} was not reached"
        await trio.sleep(0.2)
        shown = lab.row
    told = [entry["console"] for entry in logs if entry["event"] == "console.crashed"]
    assert told == [VICTIM], f"{place}: {told}"
    if str(place) not in AFTER_THE_END:
        assert lab.crashes == crashes + 1, place
        assert "bug in solrecd" in shown["error"], place
    lab.guard.renew()
    await until(lambda: lab.row.get("session") == "up")
    await until(lambda: ledger.acknowledged > acknowledged)


async def meet_behind(lab: Lab, site: GuardedCall) -> None:
    """Let the victim meet a bug in a guarded call, and see that it comes back."""
    acknowledged = lab.site.fleet.members[1].bmc.ledger.acknowledged
    with bug_behind(site) as met, capture_logs() as logs:
        result = SITES[site](lab)
        if isinstance(result, Awaitable):
            await result
        with trio.move_on_after(REACHED_WITHIN):
            while not met:  # noqa: ASYNC110 - nothing tells of it
                await trio.sleep(0.02)
        assert met, f"{site} was not reached"
        await trio.sleep(0.2)
    told = {entry["console"] for entry in logs if entry["event"] == "console.crashed"}
    assert told == {VICTIM}, site
    lab.guard.renew()
    await until(lambda: lab.row.get("session") == "up")
    neighbour = lab.site.fleet.members[1].bmc.ledger
    await until(lambda: neighbour.acknowledged > acknowledged)


async def test_a_bug_at_any_place_costs_no_neighbour_anything(lab: Lab) -> None:
    missing = [str(place) for place in places() if str(place) not in DRIVERS]
    assert not missing

    for place in places():
        await meet(lab, place)

    unmet = guarded_calls() - lab.contained
    assert unmet == SITES.keys()
    for guarded in sorted(unmet):
        await meet_behind(lab, guarded)
    assert lab.contained >= guarded_calls()
    ledger = lab.site.fleet.members[1].bmc.ledger
    await until(lambda: len(lab.site.raw(NEIGHBOUR)) >= ledger.acknowledged - 128)
    raw = lab.site.raw(NEIGHBOUR)
    assert raw == numbered(NEIGHBOUR, 0, len(raw))
    assert "# gap" not in lab.site.text(NEIGHBOUR)
    assert lab.site.events(NEIGHBOUR, "gap") == []
    assert lab.metrics.console(NEIGHBOUR).crashes == 0


async def test_the_same_bug_each_time_leaves_its_part_out_until_a_reconnect(
    lab: Lab,
) -> None:
    place = Place(Interpreter, "feed")
    ledger = lab.site.fleet.members[0].bmc.ledger

    with bug_at(place, Interpreter, times=1000) as met:
        await until(lambda: len(met) == LIMIT)
        acknowledged = ledger.acknowledged
        await until(lambda: ledger.acknowledged > acknowledged + 256)
        row = await lab.site.ls(VICTIM)
        assert len(met) == LIMIT
    assert (row["session"], lab.crashes) == ("up", LIMIT)
    assert row["error"].startswith("degraded: recorded without analysis")
    assert "degraded" in [name for name, _ in lab.site.events(VICTIM, "session")]
    await until(lambda: len(lab.site.raw(VICTIM)) >= ledger.acknowledged - 128)
    raw = lab.site.raw(VICTIM)
    assert raw == numbered(VICTIM, 0, len(raw))

    lines = lab.site.text(VICTIM).count(" | ")
    lab.operation.reconnect("alice")
    await lab.site.wait(VICTIM, session="up", error=None)
    await until(lambda: lab.site.text(VICTIM).count(" | ") > lines)
