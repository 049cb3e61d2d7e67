"""Boots that hang, in virtual time: when it is told, when not, and how often."""

from __future__ import annotations

import pytest

from solrecd.analysis.boot.pace import FACTOR, Pace
from solrecd.analysis.interpreter import Interpreter
from solrecd.events.boots import Boot, Outcome
from solrecd.events.event import Kind
from solrecd.events.lines import Chunk
from solrecd.events.reading import Reading
from solrecd.events.stages import Stage
from tests.support.golden import RULES

SECOND = 1_000_000
LIMITS: dict[str, float] = {
    Stage.FIRMWARE: 600.0,
    Stage.LOADER: 120.0,
    Stage.KERNEL: 180.0,
}

FIRMWARE = b"SeaBIOS (version 1.16.2-debian-1.16.2-1)\r\n"
LOADER = b"Welcome to GRUB!\r\n"
KERNEL = b"[    0.000000] Linux version 6.1.0 (builder@example.org) (gcc) #1\r\n"
CHATTER = b"[   30.000000] example: still waiting\r\n"
PANIC = b"[   31.000000] Kernel panic - not syncing: example\r\n"
RESTART = b"[   32.000000] reboot: Restarting system\r\n"
LOGIN = b"node01 login: "


class Machine:
    """One console in virtual time, seconds."""

    def __init__(self, pace: Pace | None = None, boot: Boot | None = None) -> None:
        self.now = 0
        self.told: list[tuple[str, int]] = []
        self.pace = pace or Pace()
        self.interpreter = Interpreter(RULES, console="node01", boot=boot)
        self.interpreter.limit(self.pace.limits(LIMITS))

    @property
    def boot(self) -> Boot:
        """The boot that goes on."""
        assert self.interpreter.boot is not None
        return self.interpreter.boot

    def print(self, *texts: bytes) -> None:
        """Print something, now."""
        at = self.now * SECOND
        self.take(self.interpreter.feed([Chunk(at, text) for text in texts]))
        self.take(self.interpreter.idle(at))

    def wait(self, seconds: int) -> None:
        """Let time pass, and look at the deadline as the daemon does."""
        end = self.now + seconds
        while (due := self.interpreter.deadline) is not None and due <= end * SECOND:
            self.now = max(self.now, due // SECOND)
            self.take(self.interpreter.idle(max(due, self.now * SECOND)))
        self.now = end
        self.take(self.interpreter.idle(end * SECOND))

    def switch(self, *, on: bool) -> None:
        """Switch the chassis."""
        self.take(self.interpreter.power(on=on, at=self.now * SECOND))

    def take(self, reading: Reading) -> None:
        """Note what is told of being stuck, and when."""
        self.told += [
            (event.name, event.time // SECOND)
            for event in reading.events
            if event.kind is Kind.STUCK
        ]


def good(number: int, kernel: float) -> Boot:
    """Return a good boot that was in its kernel for so many seconds."""
    stages = {"firmware": 0.0, "kernel": 10.0, "login": 10.0 + kernel}
    return Boot("node01", number, 0, ended=1, outcome=Outcome.SHUTDOWN, stages=stages)


def test_a_boot_is_stuck_when_its_stage_lasts_longer_than_configured() -> None:
    machine = Machine()

    machine.print(FIRMWARE, KERNEL)
    machine.wait(179)
    before = list(machine.told)
    machine.wait(2)

    assert before == []
    assert machine.told == [("kernel", 180)]
    assert machine.boot.outcome is Outcome.STUCK


def test_a_machine_that_always_took_longer_gets_three_times_what_it_took() -> None:
    machine = Machine(Pace([good(1, 100.0), good(2, 110.0), good(3, 90.0)]))

    machine.print(KERNEL)
    machine.wait(1000)

    assert machine.told == [("kernel", round(FACTOR * 110))]


def test_a_machine_that_is_quick_keeps_the_configured_limit() -> None:
    machine = Machine(Pace([good(1, 5.0), good(2, 6.0)]))

    machine.print(KERNEL)
    machine.wait(1000)

    assert machine.told == [("kernel", 180)]


def test_what_a_boot_took_counts_for_the_next_one() -> None:
    machine = Machine()
    machine.print(FIRMWARE, KERNEL)
    machine.wait(100)
    machine.print(LOGIN, b"\r\n", RESTART)
    machine.print(FIRMWARE)
    machine.pace.add(good(1, 100.0))
    machine.interpreter.limit(machine.pace.limits(LIMITS))

    machine.print(KERNEL)
    began = machine.now
    machine.wait(1000)

    assert machine.told == [("kernel", began + 300)]


def test_a_stage_without_a_limit_is_never_too_long() -> None:
    machine = Machine()

    machine.print(KERNEL, b"[    1.000000] Run /init as init process\r\n")
    machine.wait(100_000)

    assert machine.told == []


def test_output_that_does_not_move_the_boot_does_not_help_it() -> None:
    machine = Machine()
    machine.print(KERNEL)

    for _ in range(20):
        machine.wait(10)
        machine.print(CHATTER)

    assert machine.told == [("kernel", 180)]


def test_a_stuck_boot_is_told_once() -> None:
    machine = Machine()

    machine.print(KERNEL)
    machine.wait(100_000)
    machine.print(CHATTER)
    machine.wait(100_000)

    assert machine.told == [("kernel", 180)]


def test_a_boot_that_moves_on_is_stuck_no_longer() -> None:
    machine = Machine()
    machine.print(KERNEL)
    machine.wait(200)

    machine.print(LOGIN)
    machine.wait(100_000)

    assert machine.boot.outcome is Outcome.OK
    assert machine.told == [("kernel", 180)]


def test_a_boot_that_moved_on_can_get_stuck_again() -> None:
    machine = Machine()
    machine.print(LOADER)
    machine.wait(200)

    machine.print(KERNEL)
    machine.wait(200)

    assert machine.told == [("loader", 120), ("kernel", 380)]


def test_the_next_boot_can_get_stuck_at_the_same_place() -> None:
    machine = Machine()
    machine.print(FIRMWARE, KERNEL)
    machine.wait(200)

    machine.print(FIRMWARE, KERNEL)
    machine.wait(200)

    assert machine.told == [("kernel", 180), ("kernel", 380)]


def test_a_machine_that_is_off_is_not_stuck() -> None:
    machine = Machine()
    machine.print(FIRMWARE)
    machine.wait(100)

    machine.switch(on=False)
    machine.wait(100_000)

    assert machine.told == []


def test_a_machine_that_is_switched_on_and_stays_silent_is_stuck() -> None:
    machine = Machine()
    machine.print(FIRMWARE)
    machine.switch(on=False)
    machine.wait(1000)

    machine.switch(on=True)
    machine.wait(1000)

    assert machine.told == [("firmware", 1600)]


def test_a_machine_at_its_login_prompt_may_stay_there() -> None:
    machine = Machine()

    machine.print(KERNEL, LOGIN)
    machine.wait(10_000_000)

    assert machine.told == []


def test_a_boot_that_failed_is_not_told_to_be_stuck_as_well() -> None:
    machine = Machine()

    machine.print(KERNEL, PANIC)
    machine.wait(100_000)

    assert machine.told == []
    assert machine.boot.outcome is Outcome.FAILED


@pytest.mark.parametrize("before", [KERNEL, KERNEL + LOGIN + b"\r\n"])
def test_a_machine_that_restarts_and_never_comes_back_is_stuck(before: bytes) -> None:
    machine = Machine()
    machine.print(FIRMWARE, before)
    machine.wait(50)

    machine.print(RESTART)
    machine.wait(100_000)

    assert machine.told == [("firmware", 650)]
    assert machine.boot.outcome is Outcome.STUCK


def test_a_boot_before_a_restart_that_took_long_is_as_good_as_it_was() -> None:
    machine = Machine()
    machine.print(FIRMWARE, KERNEL, LOGIN, b"\r\n", RESTART)
    machine.wait(700)

    at = machine.now * SECOND
    ended = machine.interpreter.feed([Chunk(at, FIRMWARE)]).boots[0]

    assert (ended.boot, ended.outcome) == (1, Outcome.OK)
    assert machine.boot.outcome is Outcome.RUNNING


def test_a_boot_that_hung_and_was_restarted_stays_a_stuck_one() -> None:
    machine = Machine()
    machine.print(FIRMWARE, KERNEL)
    machine.wait(200)
    machine.print(RESTART)

    at = machine.now * SECOND
    ended = machine.interpreter.feed([Chunk(at, FIRMWARE)]).boots[0]

    assert (ended.boot, ended.outcome) == (1, Outcome.STUCK)


def test_a_machine_that_was_reset_and_never_comes_back_is_stuck() -> None:
    machine = Machine()
    machine.print(KERNEL, LOGIN)

    machine.interpreter.expect("reset", 0)
    machine.wait(1000)

    assert machine.told == [("firmware", 600)]


def test_a_machine_whose_bmc_refused_a_reset_is_not_awaited() -> None:
    machine = Machine()
    machine.print(KERNEL, LOGIN)

    machine.interpreter.expect("reset", 0)
    machine.interpreter.expect(None, 0)
    machine.wait(1000)

    assert machine.told == []


def test_a_machine_that_restarts_in_time_is_not_stuck() -> None:
    machine = Machine()
    machine.print(FIRMWARE, KERNEL, LOGIN, b"\r\n", RESTART)
    machine.wait(500)

    machine.print(FIRMWARE, KERNEL, LOGIN)
    machine.wait(100_000)

    assert machine.told == []


def test_a_machine_that_said_that_it_goes_off_may_stay_silent() -> None:
    machine = Machine()

    machine.print(KERNEL, b"[   32.000000] reboot: Power down\r\n")
    machine.wait(100_000)

    assert machine.told == []


def restarted(before: Machine, *replayed: bytes) -> Machine:
    """Return the machine as a new daemon sees it that read the boot's end again."""
    after = Machine(boot=before.boot)
    after.now = before.now
    if replayed:
        after.take(after.interpreter.feed([Chunk(0, text) for text in replayed]))
    after.interpreter.recall(before.boot)
    after.told.clear()
    return after


@pytest.mark.parametrize("replayed", [(KERNEL,), ()])
def test_a_stage_that_began_before_a_restart_of_the_daemon_counts_in_full(
    replayed: tuple[bytes, ...],
) -> None:
    machine = Machine()
    machine.print(KERNEL)
    machine.wait(100)

    after = restarted(machine, *replayed)
    after.wait(1000)

    assert after.told == [("kernel", 180)]


@pytest.mark.parametrize("replayed", [(KERNEL,), ()])
def test_a_stuck_boot_is_not_told_again_after_a_restart_of_the_daemon(
    replayed: tuple[bytes, ...],
) -> None:
    machine = Machine()
    machine.print(KERNEL)
    machine.wait(200)

    after = restarted(machine, *replayed)
    after.wait(1000)

    assert after.told == []
    assert after.boot.outcome is Outcome.STUCK


def test_a_boot_that_moved_on_can_get_stuck_after_a_restart_of_the_daemon() -> None:
    machine = Machine()
    machine.print(LOADER)
    machine.wait(200)
    after = restarted(machine, LOADER)

    after.print(KERNEL)
    after.wait(200)

    assert after.told == [("kernel", 380)]
