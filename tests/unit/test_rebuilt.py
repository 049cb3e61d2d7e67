"""An index that is rebuilt says what the recorder said: of each log, and in between."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from solrecd.config.model import STAGE_TIMEOUTS
from solrecd.events.boots import Boot
from solrecd.events.event import Kind
from solrecd.events.operator_acts import ORDERS, OperatorAct
from solrecd.storage.history.segments import Archive
from solrecd.storage.index import Batch, Index, open_or_replace
from solrecd.storage.rebuild import Rebuilding
from tests.support.golden import RULES, Case, cases
from tests.support.reopened_console import NAME, ReopenedConsole

SECOND = 1_000_000
READ = (Kind.STAGE, Kind.FAILURE, Kind.STUCK)
"""What is read in the output."""

KERNEL = b"[    0.000000] Linux version 6.12.1-amd64 (x@example.org) (gcc 14) #1\r\n"


_PIECE = re.compile(rb"[^\n]{0,255}\n|[^\n]{1,255}")


class Live:
    """A console that is recorded, and the archive of it."""

    def __init__(self, folder: Path) -> None:
        self.recorded = ReopenedConsole(folder, STAGE_TIMEOUTS)
        self.index = folder / "index.sqlite"

    def print(self, data: bytes, *, seconds: float = 0.0) -> None:
        """Print lines, each in packets of its own, and be quiet for a while."""
        for number, piece in enumerate(_PIECE.findall(data)):
            self.recorded.say(piece)
            if number % 16 == 0:
                self.recorded.drain()
        self.recorded.console.interpret()
        self.pass_time(1.0)
        self.pass_time(seconds)

    def pass_time(self, seconds: float) -> None:
        """Let the recorder look at the clock every five seconds."""
        end = self.recorded.now + round(seconds * SECOND)
        while self.recorded.now < end:
            self.recorded.now = min(end, self.recorded.now + 5 * SECOND)
            self.recorded.console.settle(self.recorded.now)
            self.recorded.console.check(self.recorded.now)

    def told(self) -> list[str]:
        """Return what was said of the output."""
        self.recorded.drain()
        found = [e.as_dict() for e in self.recorded.told.events if e.kind in READ]
        return sorted(map(_event, found))

    def boots(self) -> list[dict[str, Any]]:
        """Return what was said of the boots."""
        self.recorded.drain()
        return [_boot(b) for _, b in sorted(self.recorded.told.boots.items())]

    def rebuild(self) -> Index:
        """Return an index of the archive."""
        self.recorded.drain()
        archive = Archive(self.recorded.log_dir)
        now = self.recorded.now
        work = Rebuilding(archive, RULES, _fault, _fault, until=now)
        work.rebuild(self.index, [NAME], everything=True)
        return Index.read(self.index)


def _fault(fault: object) -> None:
    raise AssertionError(fault)


def _event(told: dict[str, Any]) -> str:
    if told["kind"] == "stuck" or told["name"] == "unexplained":
        # The recorder looks at the clock every few seconds.
        title = str(told["title"]).split(" for ")[0]
        told = told | {"time": None, "fields": None, "title": title}
    return repr(sorted(told.items()))


def _boot(boot: Boot) -> dict[str, Any]:
    # What follows the last news of a boot is counted when there is news again.
    return replace(boot, bytes=0).as_dict()


def _rebuilt(live: Live) -> tuple[list[str], list[dict[str, Any]]]:
    with closing(live.rebuild()) as index:
        events = sorted(map(_event, index.events(kinds=READ)))
        return events, [each | {"bytes": 0} for each in index.boots()]


@pytest.fixture
def live(tmp_path: Path) -> Live:
    return Live(tmp_path)


@pytest.mark.parametrize("case", [*cases()], ids=lambda case: case.name)
def test_a_rebuilt_index_says_what_was_said_live(live: Live, case: Case) -> None:
    live.print(case.data)

    assert _rebuilt(live) == (live.told(), live.boots())


def test_what_the_firmware_kept_of_a_crash_is_the_boots_before(live: Live) -> None:
    live.print(KERNEL + b"[    9.000000] working\r\n", seconds=30)
    live.print(
        KERNEL
        + b"[    1.000000] BERT: Error records from previous boot:\r\n"
        + b"[    1.000001] [Hardware Error]: event severity: fatal\r\n"
    )

    assert _rebuilt(live) == (live.told(), live.boots())
    with closing(Index.read(live.index)) as index:
        (error,) = index.events(names=["hw_error"])
    assert error["boot"] == 1


def test_a_kernel_that_a_kernel_started_is_known(live: Live) -> None:
    live.print(KERNEL + b"[   99.000000] kexec_core: Starting new kernel\r\n")
    live.print(KERNEL)

    assert _rebuilt(live) == (live.told(), live.boots())
    with closing(Index.read(live.index)) as index:
        assert [each["cause"] for each in index.boots()] == ["kernel", "kexec"]


def test_what_became_of_a_dump_is_the_crashed_boots(live: Live) -> None:
    crash = b"[   50.000000] Kernel panic - not syncing: sysrq triggered crash\r\n"
    live.print(KERNEL + crash)
    live.print(
        KERNEL
        + b"[    0.000000] Command line: elfcorehdr=0x20000000 reset_devices\r\n"
        + b"[   30.000000] kdump[312]: saving vmcore complete\r\n"
        + b"[   31.000000] reboot: Restarting system\r\n"
    )
    live.print(KERNEL)

    assert _rebuilt(live) == (live.told(), live.boots())
    with closing(Index.read(live.index)) as index:
        assert [each["facts"].get("dump") for each in index.boots()] == [
            *("saved", "saved"),
            None,
        ]


def test_a_boot_that_got_stuck_without_a_reason_is_told_again(live: Live) -> None:
    live.print(KERNEL + b"[    3.000000] scanning everything\r\n", seconds=1800)
    live.print(KERNEL)

    assert _rebuilt(live) == (live.told(), live.boots())
    with closing(Index.read(live.index)) as index:
        assert [*index.events(names=["unexplained"])]


def test_a_reboot_loop_is_told_again(live: Live) -> None:
    panic = b"[    2.000000] Kernel panic - not syncing: no root\r\n"
    for _ in range(4):
        live.print(KERNEL + panic, seconds=20)

    assert _rebuilt(live) == (live.told(), live.boots())


@pytest.mark.parametrize("action", ["power_reset", "power_cycle"])
def test_a_reset_that_a_user_asked_for_is_no_surprise(live: Live, action: str) -> None:
    live.print(KERNEL + b"[   40.000000] working\r\n")
    console, act = live.recorded.console, OperatorAct(action)
    console.note_act(act, f"jo asked for power {action.removeprefix('power_')}", "jo")
    console.expect(*ORDERS[act])
    live.print(KERNEL, seconds=10)

    assert _rebuilt(live) == (live.told(), live.boots())
    with closing(Index.read(live.index)) as index:
        assert [each["cause"] for each in index.boots()] == ["kernel", action]
        assert not [*index.events(names=["reboot"])]


def test_a_boot_ends_and_begins_with_the_power(live: Live) -> None:
    console = live.recorded.console
    console.power_seen(on=True)
    live.print(KERNEL + b"[   40.000000] working\r\n", seconds=30)
    console.power_seen(on=False)
    live.pass_time(60)
    console.power_seen(on=True)
    live.print(KERNEL, seconds=10)

    assert _rebuilt(live) == (live.told(), live.boots())
    with closing(Index.read(live.index)) as index:
        first, second = index.boots()
    assert (first["outcome"], second["cause"]) == ("unknown", "power")


def test_what_a_running_boot_said_before_its_index_was_lost_is_told(
    live: Live,
) -> None:
    live.print(KERNEL + b"[    2.000000] Run /init as init process\r\n")
    (boot,) = live.recorded.told.boots.values()
    later = [e for e in live.recorded.told.events if e.name == "initramfs"]
    with closing(open_or_replace(live.index, "old").index) as index:
        index.write(Batch([boot], later))

    assert _rebuilt(live)[0] == live.told()


def test_the_clock_of_a_rebuild_does_not_tell_twice_what_a_running_boot_said(
    live: Live,
) -> None:
    live.print(KERNEL + b"[    3.000000] scanning everything\r\n", seconds=1800)
    told = live.recorded.told
    with closing(open_or_replace(live.index, "old").index) as index:
        index.write(Batch([*told.boots.values()], told.events))
    live.print(b"[ 1903.000000] still scanning\r\n")

    assert _rebuilt(live)[0] == live.told()
