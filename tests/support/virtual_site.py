"""A console, its keeper and a simulated BMC in virtual time: no socket, no thread.

Everything between the datagram and the sinks is the real thing: session, link, keeper,
console, interpreter. The hub is replaced by one that carries datagrams over a faulty
path, the journal by a list of bytes that can be full, the sinks by lists.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
import socket
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import nullcontext

import trio

from solrecd.analysis.boot.pace import Pace
from solrecd.analysis.boot.rules import RuleSet
from solrecd.analysis.interpreter import Interpreter
from solrecd.config import ConsoleConfig
from solrecd.console import (
    Console,
    ConsoleContext,
    ConsoleHistory,
    Interpretation,
    Sinks,
)
from solrecd.console.changes import ChangeNotifier
from solrecd.events.boots import Boot
from solrecd.events.event import Event, Kind
from solrecd.metrics import Metrics
from solrecd.process.stamps import format_stamp
from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.faults import Faults, FaultyPath, Mishap
from solrecd.sources.ipmi.keeper import Keeper
from solrecd.sources.ipmi.link.base import Endpoint
from solrecd.sources.ipmi.link.dialer import session_options
from solrecd.sources.ipmi.link.known_bmc import KnownBmc
from solrecd.sources.ipmi.link.resolve import Address
from solrecd.sources.ipmi.link.sol import Recorder, SolLink
from solrecd.sources.ipmi.options import IpmiOptions, options_of
from solrecd.sources.ipmi.protocol.session import Session
from solrecd.storage.archive.sink import OpenedConsole
from tests.support.unguarded import Unguarded

EPOCH = 1_795_000_000_000_000
LATENCY = 0.0005
"""Seconds that a datagram is on its way at least."""

_OURS = ("192.0.2.1", 40000)
_BMC = Address(socket.AF_INET, "192.0.2.9", 623)


def stamp() -> int:
    """Return the stamp of now, in virtual time."""
    return EPOCH + round(trio.current_time() * 1e6)


class Stream:
    """A journal stream that can be full."""

    may_grow = None

    def __init__(self) -> None:
        self.data = bytearray()
        self.is_full = False

    @property
    def offset(self) -> int:
        """Bytes recorded."""
        return len(self.data)

    def append(self, at: int, data: bytes) -> bool:
        """Record console output unless there is no room."""
        if not self.is_full:
            self.data += data
        return not self.is_full

    def note(self, at: int, text: str) -> bool:
        """Nothing to do: the archive has it."""
        raise AssertionError("notes go through the archive")


class Tellers:
    """Archive, index and viewers at once: remember what they are told."""

    def __init__(self, stream: Stream) -> None:
        self.notes: list[tuple[int, int, str]] = []
        """Stream offset, stamp and text."""
        self.events: list[Event] = []
        self.boots: dict[int, Boot] = {}
        """The newest snapshot of each, by number."""
        self.notifier = ChangeNotifier()
        self._stream = stream

    def note(
        self, _console: str, at: int, text: str, _offset: int | None = None
    ) -> None:
        """A note in the log, behind what was printed so far."""
        self.notes.append((self._stream.offset, at, text))

    def offer(self, first: object, *others: object) -> None:
        """Keep the events, which what the index gets begins with, and the boots."""
        if not isinstance(first, str):
            assert isinstance(first, Sequence)
            self.events += [event for event in first if isinstance(event, Event)]
        for each in itertools.chain.from_iterable(
            other for other in others if isinstance(other, Sequence)
        ):
            if isinstance(each, Boot):
                self.boots[each.boot] = each

    @property
    def gap_notes(self) -> list[str]:
        """The notes of losses."""
        return [text for _, _, text in self.notes if text.startswith("gap: ")]

    def lost_bytes(self) -> int:
        """Add up the bytes that the index's events say were lost."""
        rows = {(e.time, e.name): e for e in self.events if e.kind is Kind.GAP}
        return sum(int(event.fields.get("bytes", 0)) for event in rows.values())

    def gaps(self) -> Counter[str]:
        """Count the losses that the index knows of, by reason."""
        rows = {(e.time, e.name): e for e in self.events if e.kind is Kind.GAP}
        counts: Counter[str] = Counter()
        for event in rows.values():
            counts[event.name] += int(event.fields.get("count", 1))
        return counts

    def count(self, _console: str) -> int:
        """There are no viewers."""
        return 0


class NoAlerts:
    """Alerts: no notification is sent."""

    def offer(self, *_: object) -> None:
        """Do nothing."""


class Wire:
    """Stands for the hub: carries datagrams between one link and one BMC.

    Args:
        bmc: the BMC.
        rng: of the faults.
    """

    socket_name = "none"

    def __init__(self, bmc: Bmc, rng: random.Random) -> None:
        self.bmc = bmc
        self.delivered = 0
        """Datagrams that reached our end."""
        self._endpoint: Endpoint | None = None
        self._up, self._down = (FaultyPath(Faults(), rng) for _ in "io")
        self._flying: list[tuple[float, int, bool, bytes]] = []
        self._order = itertools.count()
        self._changed = trio.Event()

    @property
    def faults(self) -> Faults:
        """Of the network, both ways."""
        return self._up.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._up.faults = self._down.faults = faults

    def connect(self, _address: Address, endpoint: Endpoint) -> Wire:
        """Carry for this endpoint from now on."""
        self._endpoint = endpoint
        return self

    def close(self) -> None:
        """The endpoint leaves."""
        self._endpoint = None

    def flush(self) -> None:
        """Send what the endpoint has queued, and look at its deadline."""
        self._send_ours()
        self._changed.set()

    def _send_ours(self) -> None:
        if self._endpoint is not None:
            for datagram in self._endpoint.datagrams():
                self._send(datagram, self._up, to_bmc=True)

    def inject(self, mishap: Mishap) -> None:
        """Let something happen to the BMC."""
        self.bmc.inject(mishap, trio.current_time())
        self._changed.set()

    def print(self, data: bytes) -> None:
        """Let the machine print something."""
        self.bmc.console_output(data, trio.current_time())
        self._changed.set()

    async def run(self) -> None:
        """Carry, forever."""
        while True:
            self._changed = trio.Event()
            self._turn(trio.current_time())
            with trio.move_on_at(self._next()):
                await self._changed.wait()

    def _next(self) -> float:
        ends = (self.bmc, self._endpoint)
        due = [None if one is None else one.deadline for one in ends]
        due += [self._flying[0][0]] if self._flying else []
        return min((at for at in due if at is not None), default=math.inf)

    def _turn(self, now: float) -> None:
        while self._flying and self._flying[0][0] <= now:
            _, _, to_bmc, datagram = heapq.heappop(self._flying)
            if to_bmc:
                self.bmc.receive(datagram, _OURS, now)
            elif self._endpoint is not None:
                self.delivered += 1
                self._endpoint.receive(datagram, now)
        self._expire(now)
        for datagram, _ in self.bmc.datagrams():
            self._send(datagram, self._down, to_bmc=False)
        self._send_ours()

    def _expire(self, now: float) -> None:
        for one in (self.bmc, self._endpoint):
            if one is not None and one.deadline is not None and one.deadline <= now:
                one.expire(now)

    def _send(self, datagram: bytes, path: FaultyPath, *, to_bmc: bool) -> None:
        for at, shape in path.carry(datagram, trio.current_time()):
            due = at + LATENCY
            heapq.heappush(self._flying, (due, next(self._order), to_bmc, shape))


class VirtualSite:
    """One console from the BMC to the log; `run` is its life.

    Args:
        bmc: what is recorded.
        config: of the console.
        rules: markers.
        seed: of all that is random.
    """

    is_handing_over = False

    def __init__(
        self, bmc: Bmc, config: ConsoleConfig, rules: RuleSet, seed: int
    ) -> None:
        self._rng = random.Random(seed)
        self.config = config
        self.wire = Wire(bmc, self._rng)
        self.slots = nullcontext()
        self.stream = Stream()
        self.told = Tellers(self.stream)
        self.metrics = Metrics(rules.failure_names, version="0")
        self._rules = rules
        self._last: SolLink | None = None
        self._known = KnownBmc()
        self.console = self._make_console()
        self.keeper = self._make_keeper()

    def begin_again(self, last_output: int) -> None:
        """Let another daemon record it, which knows when the last byte came."""
        self._last = None
        self.console = self._make_console(last_output)
        self.keeper = self._make_keeper()

    def _make_keeper(self) -> Keeper:
        options = options_of(self.config)
        return Keeper(options, self, self.console, rng=self._rng)  # type: ignore[arg-type]

    def _make_console(self, last_output: int | None = None) -> Console:
        opened = OpenedConsole(
            stream=self.stream,  # type: ignore[arg-type]
            offset=self.stream.offset,
            boot=0,
            continues=False,
            started=None,
            last_output=last_output,
            restored=[],
            pending=[],
        )
        context = ConsoleContext(
            Sinks(self.told, self.told, self.told, NoAlerts()),  # type: ignore[arg-type]
            Interpretation(self._interpreter, dict),
            stamp,
            lambda _console: None,
        )
        metrics = self.metrics.console(self.config.name, {})
        return Console(
            self.config,
            opened,
            ConsoleHistory(None, Pace(()), (), 0),
            metrics,
            context,
            Unguarded(),
        )

    def _interpreter(
        self, console: str, boot: Boot | None, *, first_boot: int, offset: int
    ) -> Interpreter:
        return Interpreter(
            self._rules,
            console=console,
            boot=boot,
            first_boot=first_boot,
            offset=offset,
        )

    async def run(self) -> None:
        """Record, forever."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.wire.run)
            nursery.start_soon(self.keeper.run)

    # What the keeper asks of a dialer.

    async def resolve(self, _config: IpmiOptions) -> Address:
        """Return the BMC's address."""
        await trio.lowlevel.checkpoint()
        return _BMC

    def link(
        self, config: IpmiOptions, address: Address, recorder: Recorder
    ) -> SolLink:
        """Return a link with a fresh session."""
        if self._last is not None:
            self._known.learn(self._last.session)
        options = session_options(config, self._known)
        session = Session(
            options,
            token_bytes=self._rng.randbytes,
            session_id=self._rng.randrange(1 << 8, 1 << 32),
            counts=recorder.counts,
        )
        self._last = SolLink(self.wire, address, session, recorder)  # type: ignore[arg-type]
        return self._last

    def try_next(self, _name: str) -> bool:
        """Return whether there is another address: it has one."""
        return False

    def relearn(self, _name: str) -> None:
        """Forget the BMC."""
        self._last, self._known = None, KnownBmc()

    def resume(self, _config: IpmiOptions, _recorder: Recorder) -> SolLink | None:
        """There was no predecessor."""
        return None

    def own_session_ids(self, _name: str) -> Collection[int]:
        """There was no predecessor."""
        return ()

    # What tests ask.

    def log(self) -> str:
        """Return what was recorded, with the notes, as the archive writes it."""
        lines: list[str] = []
        begin = 0
        for offset, at, text in [*self.told.notes, (self.stream.offset, 0, "")]:
            piece = self.stream.data[begin:offset].decode()
            lines += [f"{format_stamp(EPOCH)} | {line}" for line in piece.splitlines()]
            lines += [f"{format_stamp(at)} # {text}"] if text else []
            begin = offset
        return "\n".join(lines)
