"""The host: power, and what its serial port prints."""

from __future__ import annotations

import pytest

from solrecd.simbmc.capture import Capture, Print
from solrecd.simbmc.machine import (
    ChassisControl,
    Echo,
    Machine,
    NumberedLines,
    Playlist,
    Source,
    numbered,
)

GOOD = Capture(b"good", (Print(1.0, 2), Print(2.0, 4)))
BAD = Capture(b"bad", (Print(0.5, 3),))


def printed(machine: Machine, until: float) -> list[tuple[float, bytes]]:
    """Return (time, bytes) of everything printed up to `until`."""
    out = []
    while (due := machine.deadline) is not None and due <= until:
        if data := machine.output(due):
            out.append((due, data))
    return out


def test_a_capture_is_printed_at_its_own_pace() -> None:
    machine = Machine(Playlist([GOOD], forever=False))

    assert printed(machine, 60.0) == [(1.0, b"go"), (2.0, b"od")]
    assert machine.deadline is None


def test_speed_divides_every_time() -> None:
    machine = Machine(Playlist([GOOD], speed=4.0, forever=False))

    assert printed(machine, 60.0) == [(0.25, b"go"), (0.5, b"od")]


def test_a_playlist_goes_on_with_the_next_capture_for_ever() -> None:
    machine = Machine(Playlist([GOOD, BAD], pause=1.0, first=1))

    assert printed(machine, 6.0) == [
        (0.5, b"bad"),
        (2.5, b"go"),
        (3.5, b"od"),
        (5.0, b"bad"),
    ]


def test_a_late_reader_gets_all_that_is_due_at_once() -> None:
    machine = Machine(Playlist([GOOD], forever=False))
    machine.output(0.0)

    assert machine.output(30.0) == b"good"


def test_a_power_cycle_cuts_the_capture_and_starts_the_next() -> None:
    machine = Machine(Playlist([GOOD, BAD], forever=False))
    before = printed(machine, 1.5)

    machine.control(ChassisControl.POWER_CYCLE, 1.5)
    off = machine.power_on
    after = printed(machine, 60.0)

    assert before == [(1.0, b"go")]
    assert off is False
    assert after == [(3.0, b"bad")]


@pytest.mark.parametrize(
    ("control", "powered", "after"),
    [
        (ChassisControl.POWER_UP, False, True),
        (ChassisControl.POWER_UP, True, True),
        (ChassisControl.POWER_DOWN, True, False),
        (ChassisControl.SOFT_SHUTDOWN, True, False),
        (ChassisControl.HARD_RESET, True, True),
        (ChassisControl.HARD_RESET, False, False),
        (ChassisControl.POWER_CYCLE, False, False),
        (ChassisControl.DIAGNOSTIC_INTERRUPT, True, True),
    ],
)
def test_chassis_control_changes_the_power(
    control: ChassisControl, *, powered: bool, after: bool
) -> None:
    machine = Machine(Echo(), powered=powered)
    machine.output(0.0)

    machine.control(control, 1.0)

    assert machine.power_on is after


def test_a_host_without_power_prints_nothing_and_hears_nothing() -> None:
    machine = Machine(Echo(b"hello"), powered=False)

    machine.receive(b"typed", 0.0)

    assert machine.deadline is None
    assert machine.output(1.0) == b""
    assert machine.typed == b""


def test_an_echo_greets_and_repeats() -> None:
    machine = Machine(Echo(b"hello"))

    greeting = machine.output(0.0)
    machine.receive(b"abc", 1.0)

    assert greeting == b"hello"
    assert printed(machine, 2.0) == [(1.0, b"abc")]


def test_numbered_lines_are_64_bytes_wherever_they_are_cut() -> None:
    whole = numbered("n1", 0, 640)

    lines = whole.splitlines(keepends=True)

    assert [len(line) for line in lines] == [64] * 10
    assert lines[3].startswith(b"n1 00000003 #")
    assert b"".join(numbered("n1", at, 7) for at in range(0, 640, 7))[:640] == whole


def test_bursts_come_at_their_rate_and_continue_the_stream() -> None:
    source = NumberedLines("n1", rate=10.0, size=100, phase=0.5)
    source.start(0.0)

    first = source.read(0.05)
    rest = source.read(0.36)

    assert first == numbered("n1", 0, 100)
    assert rest == numbered("n1", 100, 300)
    assert source.deadline == pytest.approx(0.45)


def test_a_total_ends_the_stream_on_the_byte() -> None:
    machine = Machine(NumberedLines("n1", rate=10.0, size=100, total=250))

    data = b"".join(chunk for _, chunk in printed(machine, 60.0))

    assert data == numbered("n1", 0, 250)


def test_a_source_not_asked_for_long_does_not_answer_with_a_flood() -> None:
    source: Source = NumberedLines("n1", rate=1000.0, size=64)
    source.start(0.0)

    assert len(source.read(3600.0)) == 64 * 64
