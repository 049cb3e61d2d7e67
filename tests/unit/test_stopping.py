"""A stop's time is shared by its phases, and the last resort ends what does not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import trio
from trio.testing import MockClock

from solrecd.alerts.senders.hook import REAPING as HOOKS
from solrecd.alerts.senders.members import FINISH
from solrecd.process import programs
from solrecd.process.programs import run_program
from solrecd.process.stopping import EXIT_RESERVE, LIMIT, LastResort, Phase, Stop
from solrecd.process.systemd import ASK_TIMEOUT
from solrecd.sources.ipmi.link.login import GOODBYE
from solrecd.storage.index.sink import CLOSE_TIMEOUT


def test_each_phase_has_room_for_what_it_waits_for() -> None:
    question, goodbyes, writing, services = (phase.value for phase in Phase)

    assert question >= ASK_TIMEOUT
    assert goodbyes - question > GOODBYE
    assert writing - goodbyes > FINISH + 2
    assert services - writing > CLOSE_TIMEOUT
    assert services - writing > HOOKS
    assert services - writing > programs.POLITENESS + programs.REAPING
    assert services <= LIMIT - EXIT_RESERVE < LIMIT


async def test_deadlines_count_from_the_first_signal(autojump_clock: MockClock) -> None:
    stop = Stop(trio.current_time)
    stop.begin()
    began = trio.current_time()
    await trio.sleep(3)
    stop.begin()

    assert stop.deadline(Phase.WRITING) == began + Phase.WRITING.value
    assert stop.lasts == pytest.approx(3)


def test_the_last_resort_is_armed_by_the_signal_and_the_handler_is_called_too() -> None:
    ended = threading.Event()
    handled: list[int] = []
    before = signal.signal(
        signal.SIGUSR1, lambda number, _frame: handled.append(number)
    )
    try:
        resort = LastResort(0.1, ended.set)
        with resort.listening(signal.SIGUSR1):
            quiet = ended.wait(0.3)
            os.kill(os.getpid(), signal.SIGUSR1)
            is_ended = ended.wait(10)
    finally:
        signal.signal(signal.SIGUSR1, before)

    assert not quiet
    assert is_ended
    assert handled == [signal.SIGUSR1]


STUCK = """
import signal, threading
from solrecd.process.stopping import LastResort
with LastResort(0.3).listening(signal.SIGTERM):
    print("ready", flush=True)
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()
"""


def test_a_process_whose_main_thread_is_stuck_ends_all_the_same() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STUCK], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.terminate()
        _, said = process.communicate(timeout=30)

    assert process.returncode == 1
    assert b"the next start goes on from the journal" in said


async def test_a_program_gives_its_output_and_status() -> None:
    ended = await run_program(["sh", "-c", "echo out; echo err >&2; exit 3"])

    assert ended.status == 3
    assert bytes(ended.output) == b"out\n"
    assert bytes(ended.errors) == b"err\n"


async def test_a_program_that_does_not_want_to_end_is_killed_soon() -> None:
    began = time.monotonic()

    with trio.move_on_after(0.2):
        await run_program(["sh", "-c", "trap '' TERM; while :; do sleep 60; done"])

    assert time.monotonic() - began < 10


async def test_a_program_that_cannot_be_started_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        await run_program(["/nowhere/at/all"])
