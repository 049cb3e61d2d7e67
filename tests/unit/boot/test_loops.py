"""Boots that fail one after the other are a loop, told once."""

from __future__ import annotations

from dataclasses import replace

from solrecd.analysis.boot.loops import LAPS, WITHIN, LoopWatch
from solrecd.events.boots import Boot, Outcome
from solrecd.events.event import Event
from solrecd.events.stages import Stage

MINUTE = 60_000_000


def failed(at: int, stage: Stage = Stage.KERNEL, title: str | None = "panic") -> Boot:
    return Boot(
        "node01", 1, at, outcome=Outcome.FAILED, stages={stage.value: 1.0}, title=title
    )


def loops(*boots: Boot, every: int = MINUTE) -> list[Event]:
    watch = LoopWatch()
    found = [watch.lap(boot, boot.started + every, 7) for boot in boots]
    return [loop for loop in found if loop is not None]


def test_the_third_beginning_without_a_login_is_a_loop() -> None:
    (loop,) = loops(failed(0), failed(MINUTE, Stage.INITRAMFS, "no root"))

    assert (loop.name, loop.boot, loop.line) == ("reboot_loop", 1, 7)
    assert loop.fields == {"laps": LAPS, "stage": "initramfs", "reason": "no root"}


def test_a_loop_is_told_once_until_there_was_a_login() -> None:
    laps = [failed(at * MINUTE) for at in range(5)]
    login = failed(5 * MINUTE, Stage.LOGIN)

    assert len(loops(*laps)) == 1
    assert len(loops(*laps, login, *laps)) == 2


def test_beginnings_far_apart_are_no_loop() -> None:
    assert loops(failed(0), failed(WITHIN)) == []


def test_a_shutdown_in_between_is_no_loop() -> None:
    off = Boot("node01", 1, 0, outcome=Outcome.SHUTDOWN)

    assert loops(failed(0), off, failed(MINUTE)) == []


def test_firmware_that_resets_itself_before_anything_fails_counts_too() -> None:
    lap = Boot("node01", 1, 0, last_stage=Stage.FIRMWARE, outcome=Outcome.UNKNOWN)

    assert loops(lap, lap)[0].fields == {"laps": LAPS, "stage": "firmware"}


def test_laps_before_a_restart_of_the_recorder_count() -> None:
    before = replace(failed(0), ended=MINUTE)
    goes_on = failed(MINUTE)
    watch = LoopWatch()

    watch.remember([before, goes_on])
    loop = watch.lap(goes_on, 2 * MINUTE, 7)

    assert loop is not None
    assert loop.fields["laps"] == LAPS


def test_a_loop_that_was_told_before_a_restart_is_not_told_again() -> None:
    laps = [replace(failed(at * MINUTE), ended=(at + 1) * MINUTE) for at in range(3)]
    watch = LoopWatch()

    watch.remember(laps)

    assert watch.lap(failed(3 * MINUTE), 4 * MINUTE, 7) is None
