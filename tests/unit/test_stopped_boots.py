"""Boots that wait, get stuck without a reason, or are begun without firmware."""

from __future__ import annotations

from dataclasses import replace

import pytest

from solrecd.analysis.boot.patience import PUZZLED_AFTER
from solrecd.analysis.interpreter import Interpreter
from solrecd.events.boots import Boot, Outcome
from solrecd.events.event import Event, Kind
from solrecd.events.lines import Chunk
from solrecd.events.reading import Reading
from solrecd.events.stages import Stage
from tests.support.golden import RULES

SECOND = 1_000_000

KERNEL = b"[    0.000000] Linux version 6.1.0 (builder@example.org) (gcc) #1 SMP\r\n"
INIT = b"[    2.000000] Run /init as init process\r\n"
LOGIN = b"\r\nnode01 login: \r\n"
TIMEOUTS = {
    "firmware": 600.0,
    "loader": 120.0,
    "kernel": 180.0,
    "initramfs": 180.0,
    "waiting": 900.0,
}


def make(boot: Boot | None = None) -> Interpreter:
    return Interpreter(RULES, console="node01", boot=boot, timeouts=TIMEOUTS)


def feed(interpreter: Interpreter, data: bytes, at: int = 0) -> Reading:
    return interpreter.feed([Chunk(at, data)])


def failures(reading: Reading) -> list[str]:
    return [e.name for e in reading.events if e.kind is Kind.FAILURE]


def test_a_boot_that_got_stuck_without_a_reason_is_told_with_its_last_words() -> None:
    interpreter = make()
    feed(
        interpreter, KERNEL + INIT + b"ldap-sync: waiting for its server\r\n\r\n  \r\n"
    )

    stuck = interpreter.idle(180 * SECOND)
    puzzled = interpreter.idle(180 * SECOND + PUZZLED_AFTER)

    (event,) = puzzled.events
    assert failures(stuck) == []
    assert (event.name, event.line, event.title) == (
        "unexplained",
        3,
        "ldap-sync: waiting for its server",
    )
    assert event.fields["stage"] == "initramfs"
    assert interpreter.deadline is None


def test_the_last_words_may_be_those_of_the_unfinished_line() -> None:
    interpreter = make()
    feed(interpreter, KERNEL + INIT + b"Waiting for the root device ... ")

    interpreter.idle(180 * SECOND)
    puzzled = interpreter.idle(180 * SECOND + PUZZLED_AFTER)

    assert [event.title for event in puzzled.events] == [
        "Waiting for the root device ..."
    ]


def test_a_boot_that_goes_on_soon_after_it_got_stuck_is_no_puzzle() -> None:
    interpreter = make()
    feed(interpreter, KERNEL)

    interpreter.idle(180 * SECOND)
    feed(interpreter, INIT, 181 * SECOND)
    later = interpreter.idle(181 * SECOND + PUZZLED_AFTER)

    assert failures(later) == []


def test_a_boot_that_said_why_it_got_stuck_is_no_puzzle() -> None:
    interpreter = make()
    feed(
        interpreter, KERNEL + INIT + b"[    3.0000] nfs: server nas not responding\r\n"
    )

    interpreter.idle(180 * SECOND)
    later = interpreter.idle(180 * SECOND + PUZZLED_AFTER)

    assert failures(later) == []


def test_a_boot_that_waits_for_a_passphrase_has_a_limit_of_its_own() -> None:
    interpreter = make()
    feed(interpreter, KERNEL + INIT + b"Please unlock disk md1_crypt: ", 5 * SECOND)

    asked = interpreter.idle(7 * SECOND)
    early = interpreter.idle(904 * SECOND)
    stuck = interpreter.idle(905 * SECOND)

    assert failures(asked) == ["waiting_for_input"]
    assert not early.events
    (event,) = stuck.events
    assert event.title.startswith(
        "Stuck in stage initramfs, waiting for input (Waits for the passphrase of md1_"
    )


def test_a_boot_may_wait_for_a_person_for_ever() -> None:
    limits = {name: limit for name, limit in TIMEOUTS.items() if name != "waiting"}
    interpreter = Interpreter(RULES, console="node01", timeouts=limits)

    feed(interpreter, KERNEL + INIT + b"Please unlock disk md1_crypt: ")
    interpreter.idle(7 * SECOND)

    assert interpreter.deadline is None


def test_a_boot_that_was_answered_has_the_limit_of_its_stage_again() -> None:
    interpreter = make()
    feed(interpreter, b"GRUB loading.\r\nEnter passphrase for hd0,msdos1: ")
    interpreter.idle(7 * SECOND)

    feed(interpreter, b"\r\n" + KERNEL, 60 * SECOND)

    assert interpreter.deadline == 240 * SECOND


def test_a_boot_that_was_answered_says_nothing_about_its_normal_times() -> None:
    interpreter = make()
    feed(interpreter, KERNEL + INIT + b"Please unlock disk md1_crypt: ")
    interpreter.idle(SECOND)

    feed(interpreter, LOGIN)

    boot = interpreter.boot
    assert boot is not None
    assert (boot.outcome, boot.facts["helped"]) == (Outcome.OK, "yes")


def test_a_memory_test_is_never_stuck() -> None:
    interpreter = make()

    feed(interpreter, b"SeaBIOS (version 1.16)\r\n  Memtest86+ v7.20   | CPU\r\n")

    assert interpreter.deadline is None


def test_after_kexec_the_kernel_is_awaited_and_no_firmware() -> None:
    interpreter = make()
    feed(interpreter, KERNEL + INIT + LOGIN)
    feed(interpreter, b"[   99.000000] kexec_core: Starting new kernel\r\n", SECOND)

    assert interpreter.deadline == 181 * SECOND
    began = feed(interpreter, KERNEL, 3 * SECOND)

    assert interpreter.boot is not None
    assert interpreter.boot.cause == "kexec"
    assert [e.fields.get("detail") for e in began.events] == ["kexec"]


def test_the_boot_that_crashed_knows_what_became_of_its_memory_image() -> None:
    interpreter = make()
    feed(interpreter, KERNEL + INIT + LOGIN)
    feed(interpreter, b"[   50.000000] Kernel panic - not syncing: example\r\n")
    feed(interpreter, KERNEL)
    command_line = (
        b"[    0.000000] Command line: elfcorehdr=0x20000000 root=/dev/vda\r\n"
    )

    started = feed(interpreter, command_line)
    saved = feed(interpreter, b"[   40.000000] kdump: saving vmcore complete\r\n")

    assert [(b.boot, b.facts.get("dump")) for b in started.boots] == [
        (1, "started"),
        (2, "started"),
    ]
    assert [(b.boot, b.facts.get("dump")) for b in saved.boots] == [
        (1, "saved"),
        (2, "saved"),
    ]


def test_a_halted_machine_is_shut_down_and_not_expected_to_come_back() -> None:
    interpreter = make()
    feed(interpreter, KERNEL + INIT + LOGIN)

    feed(interpreter, b"[   99.000000] reboot: System halted\r\n")

    assert interpreter.boot is not None
    assert interpreter.boot.outcome is Outcome.SHUTDOWN
    assert interpreter.stage is Stage.LOGIN
    assert interpreter.deadline is None


@pytest.mark.parametrize(
    "stamp", ["[Sun Jan 18 05:35:01 2026]", "[Sun Jan 18 05:35:01 2026][   12.000000] "]
)
def test_the_stamps_of_conserver_hide_nothing(stamp: str) -> None:
    line = f"{stamp}Kernel panic - not syncing: example\r\n".encode()

    assert [e.name for e in finished(line)] == ["panic"]


def test_messages_with_human_stamps_are_old_ones() -> None:
    line = b"[Sun Jan 18 05:35:01 2026] Kernel panic - not syncing: example\r\n"

    assert finished(line) == []


def finished(data: bytes) -> list[Event]:
    interpreter = make()
    events = feed(interpreter, data).events + interpreter.finish().events
    return [replace(event, fields={}) for event in events if event.kind is Kind.FAILURE]


def test_what_firmware_kept_of_a_crash_belongs_to_the_boot_before() -> None:
    boot = Boot("node01", 7, 0)
    interpreter = make(boot)
    feed(
        interpreter,
        KERNEL + b"[    1.000000] BERT: Error records from previous boot:\r\n",
    )
    feed(interpreter, b"[    1.000001] [Hardware Error]: event severity: fatal\r\n")

    (event,) = [e for e in interpreter.idle(SECOND).events if e.kind is Kind.FAILURE]

    assert (event.boot, event.line, event.fields["printed_in"]) == (6, 2, 7)
    assert interpreter.boot is not None
    assert interpreter.boot.failures == 0
