"""Every loss is told in the log, in the index and in the metrics, and alike."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from solrecd.events.gaps import Gap, GapReason
from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.faults import Faults, Mishap
from solrecd.simbmc.ledger import Ledger
from solrecd.simbmc.machine import Machine, NumberedLines
from solrecd.simbmc.options import BmcOptions
from solrecd.simbmc.payload import Overflow, SolSettings
from solrecd.sources.ipmi.options import OnConflict
from solrecd.storage.journal import SLAB_SIZE
from tests.support.configs import bmc_console
from tests.support.golden import RULES
from tests.support.reopened_console import ReopenedConsole
from tests.support.virtual_site import EPOCH, VirtualSite

LINE = b"x" * 126 + b"\r\n"
LINES_IN_A_SLAB = (SLAB_SIZE - 92) // (len(LINE) + 16)


@dataclass(frozen=True)
class Told:
    """What the three places say."""

    notes: list[str]
    events: Counter[str]
    counters: Counter[str]
    bytes_in_events: int
    bytes_counted: int


# While the daemon runs: a simulated BMC in virtual time.


async def _live(overflow: Overflow, trouble: str) -> Told:
    sol = SolSettings(buffer_size=1024, retry_interval=0.3, overflow=overflow)
    machine = Machine(NumberedLines("node1", rate=10.0, size=128))
    config = bmc_console(
        "node1",
        on_stolen=OnConflict.TAKE,
    )
    site = VirtualSite(
        Bmc(BmcOptions(sol=sol), machine, ledger=Ledger()), config, RULES, 1
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(site.run)
        for _ in range(3):
            await trio.sleep(10)
            if trouble == "dark":
                site.wire.faults = Faults(loss=1)
            elif trouble == "journal full":
                site.stream.is_full = True
            else:
                site.wire.inject(Mishap.RESET)
            await trio.sleep(2.5)
            site.wire.faults = Faults()
            site.stream.is_full = False
        await trio.sleep(60)
        nursery.cancel_scope.cancel()
    site.console.finish()
    metrics = site.metrics.console("node1")
    return Told(
        site.told.gap_notes,
        site.told.gaps(),
        Counter(metrics.gaps),
        site.told.lost_bytes(),
        sum(metrics.lost_bytes.values()),
    )


def live(overflow: Overflow, trouble: str) -> Callable[[Path], Told]:
    """Return what plays a live trouble."""

    def play(_: Path) -> Told:
        clock = MockClock(autojump_threshold=0)
        return trio.run(_live, overflow, trouble, clock=clock)

    return play


# After a crash: a real journal and a real archive, damaged on purpose.


def _told(console: ReopenedConsole) -> Told:
    console.say(b"goes on\r\n")
    console.finish()
    marks = [line for line in console.logs().splitlines() if " # gap: " in line]
    return Told(
        marks,
        console.told.gaps(),
        Counter(console.metrics.gaps),
        console.told.lost_bytes(),
        sum(console.metrics.lost_bytes.values()),
    )


def recorded(folder: Path, *, lines: int, drained: int = 3) -> ReopenedConsole:
    """Return a console of which some lines are in the archive, others journalled."""
    console = ReopenedConsole(folder)
    for _ in range(drained):
        console.say(LINE)
    console.drain()
    for _ in range(lines):
        console.say(LINE)
    console.die()
    return console


def torn_archive(folder: Path) -> Told:
    """A power cut: the journal is gone, and with it the end of the raw file."""
    console = recorded(folder, lines=0, drained=9)
    (raw,) = (console.log_dir / "n1").glob("2*.raw")
    with raw.open("r+b") as file:
        file.truncate(6 * len(LINE) + 5)
    console.journal_path.unlink()
    console.start()
    return _told(console)


def damaged_slab(folder: Path) -> Told:
    """A record that is not the last cannot be read."""
    console = recorded(folder, lines=2 * LINES_IN_A_SLAB)
    first, *_ = console.slabs()
    console.damage(first + 92 + 10 * (len(LINE) + 16) + 20, b"!")
    console.start()
    return _told(console)


def damaged_last_record(folder: Path) -> Told:
    """Nothing that can be read follows."""
    console = recorded(folder, lines=5)
    *_, last = console.slabs()
    console.damage(last + 92 + 7 * (len(LINE) + 16) + 20, b"!")
    console.start()
    return _told(console)


def damaged_header(folder: Path) -> Told:
    """A slab does not tell which bytes of the console it holds."""
    console = recorded(folder, lines=5)
    *_, last = console.slabs()
    console.damage(last + 16, b"\xff\xff")
    console.start()
    return _told(console)


def damaged_name(folder: Path) -> Told:
    """A slab does not tell whose it is."""
    console = recorded(folder, lines=5)
    *_, last = console.slabs()
    console.damage(last + 28, b"\xff\xff")
    console.start()
    return _told(console)


def lost_journal(folder: Path) -> Told:
    """A journal in which nothing can be read."""
    console = recorded(folder, lines=5)
    console.damage(0, bytes(range(1, 255)) * 600)
    console.start()
    return _told(console)


def folder_in_the_way(folder: Path) -> Told:
    """What lies under the name of a file is none."""
    console = recorded(folder, lines=5)
    (raw,) = (console.log_dir / "n1").glob("2*.raw")
    raw.rename(raw.with_name("elsewhere"))
    raw.mkdir()
    console.start()
    return _told(console)


# What others do to the files while the daemon writes them.


def cut_file(folder: Path) -> Told:
    """Someone cuts the open segment short."""
    console = ReopenedConsole(folder)
    for _ in range(9):
        console.say(LINE)
    console.drain()
    (raw,) = (console.log_dir / "n1").glob("2*.raw")
    os.truncate(raw, 6 * len(LINE) + 5)
    console.inspect()
    return _told(console)


CAUSES: list[tuple[GapReason, Callable[[Path], Told]]] = [
    (GapReason.SESSION, live(Overflow.OVERRUN, "reset")),
    (GapReason.OVERRUN, live(Overflow.OVERRUN, "dark")),
    (GapReason.SKIPPED, live(Overflow.SKIP, "dark")),
    (GapReason.JOURNAL_FULL, live(Overflow.OVERRUN, "journal full")),
    (GapReason.CRASH, torn_archive),
    (GapReason.CRASH, damaged_slab),
    (GapReason.CRASH, damaged_last_record),
    (GapReason.CRASH, damaged_header),
    (GapReason.CRASH, damaged_name),
    (GapReason.CRASH, lost_journal),
    (GapReason.CRASH, folder_in_the_way),
    (GapReason.CRASH, cut_file),
]


@pytest.mark.parametrize(("reason", "play"), CAUSES)
def test_note_event_and_counter_tell_the_same(
    reason: GapReason, play: Callable[[Path], Told], tmp_path: Path
) -> None:
    told = play(tmp_path)

    assert told.counters[reason] >= 1
    assert told.events == told.counters
    assert len(told.notes) == told.counters.total()
    assert told.bytes_in_events == told.bytes_counted


def test_every_reason_for_a_gap_has_a_real_cause_here() -> None:
    assert {reason for reason, _ in CAUSES} == set(GapReason)


def test_a_damaged_header_of_the_journal_loses_nothing(tmp_path: Path) -> None:
    console = recorded(tmp_path, lines=64)
    console.damage(3, b"????")

    console.start()
    told = _told(console)

    assert console.raw() == 67 * LINE + b"goes on\r\n"
    assert told.notes == []


def test_what_lies_behind_a_hole_is_recorded_and_the_hole_marked_between(
    tmp_path: Path,
) -> None:
    console = recorded(tmp_path, lines=0, drained=0)
    console.start()
    for n in range(2 * LINES_IN_A_SLAB):
        console.say(b"%06d" % n + LINE[6:])
    console.die()
    first, *_ = console.slabs()
    console.damage(first + 92 + 10 * (len(LINE) + 16) + 20, b"!")

    console.start()
    told = _told(console)

    texts = [line[30:36] for line in console.logs().splitlines()]
    lost = LINES_IN_A_SLAB - 10
    (place,) = [n for n, text in enumerate(texts) if text.startswith("gap: ")]
    assert (texts[place - 1], texts[place + 1]) == ("000009", "000027")
    assert told.bytes_counted == lost * len(LINE)


def test_what_was_archived_before_a_hole_is_not_recorded_again(tmp_path: Path) -> None:
    console = recorded(tmp_path, lines=2 * LINES_IN_A_SLAB, drained=6)
    first, *_ = console.slabs()
    console.damage(first + 92 + 3 * (len(LINE) + 16) + 20, b"!")

    console.start()
    told = _told(console)

    whole = 6 + 2 * LINES_IN_A_SLAB - (LINES_IN_A_SLAB - 6)
    assert console.raw() == whole * LINE + b"goes on\r\n"
    assert told.bytes_counted == (LINES_IN_A_SLAB - 6) * len(LINE)


def test_a_loss_found_while_writing_cuts_no_line_of_what_is_printed(
    tmp_path: Path,
) -> None:
    console = ReopenedConsole(tmp_path)
    console.say(b"one\r\n")
    console.drain()
    console.say(b"first half, ")
    (raw,) = (console.log_dir / "n1").glob("2*.raw")
    os.truncate(raw, 1)

    console.inspect()
    console.say(b"second half\r\n")
    told = _told(console)

    assert "first half, second half\n" in console.logs()
    assert told.bytes_counted == len(b"one\r\n") - 1


def test_a_flood_of_overruns_is_one_event_a_minute_with_their_number(
    tmp_path: Path,
) -> None:
    console = ReopenedConsole(tmp_path)
    for n in range(3000):
        console.say(b"x")
        if n % 100 == 0:
            console.drain()
        console.console.mark_loss(Gap(GapReason.OVERRUN, "bytes lost (overrun)"))
        console.now += 30_000
    console.finish()

    rows = {(e.time, e.name): e for e in console.told.events if e.kind == "gap"}
    assert [e.fields["count"] for e in rows.values()] == [1936, 1064]
    assert len(rows) == 2
    assert console.metrics.gaps == {"overrun": 3000}
    assert min(rows)[0] > EPOCH
