"""When logs are read, what of them is new, and what becomes of it."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest
import trio
from trio.testing import MockClock

from solrecd.console.guard import ConsoleGuard, Witnesses
from solrecd.events.boots import Boot, Outcome
from solrecd.events.event import EventDraft, Severity
from solrecd.sources.guard import Guard
from solrecd.sources.ipmi.event_logs import (
    LOOK_EVERY,
    NEWEST,
    RARELY,
    READ_EVERY,
    RECENT,
    SETTLE,
    EventLogs,
    new_entries,
)
from solrecd.sources.ipmi.examination import Ask
from solrecd.sources.ipmi.link.base import RequestError
from solrecd.sources.ipmi.protocol.events import CommandAnswered
from solrecd.sources.ipmi.system_event_log import LogEntry
from tests.support.unguarded import Unguarded

SECOND = 1_000_000
NOW = 1_800_000_000 * SECOND
A_WHILE = 2 * LOOK_EVERY


def entry(number: int, at: int | None = NOW, severity: str = "ok") -> LogEntry:
    return LogEntry(number, at, "Memory DIMM_A1", "ECC", severity, asserted=True)


class Bmc:
    """A BMC with a log; counts what it is asked."""

    def __init__(self) -> None:
        self.log: list[LogEntry] = []
        self.code: int | None = 0
        self.asked = self.read = 0

    async def ask(
        self,
        netfn: int,
        command: int,
        data: bytes = b"",
        *,
        lun: int = 0,
        retry_intervals: tuple[float, ...] = (),
    ) -> CommandAnswered:
        await trio.lowlevel.checkpoint()
        self.asked += 1
        if self.code is None:
            raise RequestError("no answer")
        count = len(self.log).to_bytes(2, "little")
        return CommandAnswered(1, self.code, b"\x51" + count + bytes(11))

    async def newest(self, ask: Ask, count: int) -> Sequence[LogEntry]:
        await trio.lowlevel.checkpoint()
        self.read += 1
        return self.log[-count:]


class Console:
    """Fits `event_logs.LoggedConsole`."""

    name = "n1"

    def __init__(self) -> None:
        self.boot: Boot | None = Boot("n1", 7, NOW - 60 * SECOND)
        self.told: list[tuple[int, EventDraft]] = []
        self.guard: Guard = Unguarded()

    def report(self, at: int, draft: EventDraft) -> None:
        self.told.append((at, draft))

    @property
    def entries(self) -> list[object]:
        return [draft.fields["entry"] for _, draft in self.told]


class Ward:
    """A console and its BMC, whose log is watched in virtual time."""

    def __init__(self) -> None:
        self.bmc, self.console = Bmc(), Console()
        self.known: int | None = 0
        rng = random.Random(3)
        self.logs = EventLogs(self.bmc.newest, self._recall, lambda: NOW, rng)

    async def _recall(self, name: str) -> int | None:
        await trio.lowlevel.checkpoint()
        return self.known

    def end_boot(self, outcome: Outcome) -> None:
        assert self.console.boot is not None
        self.console.boot = replace(self.console.boot, outcome=outcome)


@pytest.fixture
async def ward() -> AsyncIterator[Ward]:
    one = Ward()
    one.logs.join(one.console, one.bmc.ask)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(one.logs.run)
        yield one
        nursery.cancel_scope.cancel()


async def test_a_log_is_read_soon_after_a_boot_failed(
    ward: Ward, autojump_clock: MockClock
) -> None:
    ward.bmc.log = [entry(1)]
    await trio.sleep(A_WHILE)
    before = ward.bmc.asked

    ward.end_boot(Outcome.FAILED)
    await trio.sleep(SETTLE + A_WHILE)

    assert (before, ward.bmc.asked, ward.console.entries) == (0, 1, [1])


async def test_a_log_that_has_not_changed_is_not_read_again(
    ward: Ward, autojump_clock: MockClock
) -> None:
    ward.bmc.log = [entry(1)]

    await trio.sleep(5 * READ_EVERY)

    assert ward.bmc.asked >= 4
    assert (ward.bmc.read, ward.console.entries) == (1, [1])


async def test_only_what_is_new_is_told(ward: Ward, autojump_clock: MockClock) -> None:
    ward.bmc.log = [entry(1), entry(2)]
    await trio.sleep(READ_EVERY + A_WHILE)

    ward.bmc.log += [entry(3)]
    await trio.sleep(2 * READ_EVERY)

    assert ward.console.entries == [1, 2, 3]


async def test_what_the_index_has_is_not_told_again(
    ward: Ward, autojump_clock: MockClock
) -> None:
    ward.known = 2
    ward.bmc.log = [entry(1), entry(2), entry(3)]

    await trio.sleep(READ_EVERY + A_WHILE)

    assert ward.console.entries == [3]


async def test_an_entry_is_told_with_its_time_and_severity(
    ward: Ward, autojump_clock: MockClock
) -> None:
    dirty = LogEntry(1, NOW, "", "Linux kernel panic: \x1b[2J", "critical", True)
    ward.bmc.log = [dirty, entry(2, at=None), entry(3, at=NOW - 3600 * SECOND)]

    await trio.sleep(READ_EVERY + A_WHILE)

    (at, first), (_, timeless), (_, early) = ward.console.told
    assert (at, first.severity) == (NOW, Severity.ERROR)
    assert first.title == "Linux kernel panic:  [2J"
    assert (first.is_of_boot, early.is_of_boot) == (True, False)
    assert timeless.fields["clock"] == "unknown"


@pytest.mark.parametrize(
    ("code", "seldom"), [(0xC1, True), (0xD4, True), (None, False)]
)
async def test_a_bmc_that_shows_no_log_is_asked_rarely(
    ward: Ward, autojump_clock: MockClock, code: int | None, *, seldom: bool
) -> None:
    ward.bmc.code = code

    await trio.sleep(RARELY)

    assert (ward.bmc.asked <= 2) == seldom
    assert ward.bmc.read == 0


async def test_a_bug_in_one_log_leaves_the_others_alone(
    ward: Ward, autojump_clock: MockClock
) -> None:
    ward.bmc.log = [entry(1)]
    other, its = Console(), Bmc()
    crashed: list[str] = []
    witnesses = Witnesses(crashed.append, lambda *_: None)
    other.guard = ConsoleGuard("n2", witnesses)

    async def broken(*_: object, **__: object) -> CommandAnswered:
        await trio.lowlevel.checkpoint()
        raise ZeroDivisionError

    ward.logs.join(other, broken)
    await trio.sleep(2 * READ_EVERY)

    assert ward.console.entries == [1]
    assert (other.told, its.asked) == ([], 0)
    assert set(crashed) == {"n2"}


async def test_a_console_that_left_is_asked_nothing(
    ward: Ward, autojump_clock: MockClock
) -> None:
    ward.logs.leave(ward.console)

    await trio.sleep(3 * READ_EVERY)

    assert ward.bmc.asked == 0


@pytest.mark.parametrize(
    ("numbers", "last", "new"),
    [
        ([1, 2, 3], 2, [3]),
        ([1, 2, 3], 3, []),
        ([1, 2], 500, [1, 2]),
        ([40, 41], 7, [40, 41]),
        # Numbers that are places in a memory.
        ([0x14, 0x28, 0x3C], 0x28, [0x3C]),
        ([], 5, []),
        ([1, 2], 0, [1, 2]),
    ],
)
def test_what_is_new_is_found_by_number(
    numbers: list[int], last: int, new: list[int]
) -> None:
    found = new_entries([entry(number) for number in numbers], last, NOW)

    assert [each.number for each in found] == new


def test_of_a_log_never_read_only_the_last_day_counts() -> None:
    log = [entry(1, NOW - RECENT - 1), entry(2, None), entry(3, NOW - 60 * SECOND)]

    found = new_entries(log, None, NOW)

    assert [each.number for each in found] == [3]
    assert len(log) < NEWEST
