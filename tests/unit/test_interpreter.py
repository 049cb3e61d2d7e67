"""Bytes and silence become lines, cuts, events and boots."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st

from solrecd.analysis.boot.machine import ORDERED_WITHIN
from solrecd.analysis.interpreter import Interpreter
from solrecd.events.boots import Boot, Outcome
from solrecd.events.event import Kind
from solrecd.events.lines import Chunk
from solrecd.events.reading import Cut, Reading
from solrecd.events.stages import Stage
from tests.support.golden import RULES, interpret, render

SECOND = 1_000_000
KERNEL = b"[    0.000000] Linux version 6.1.0 (builder@example.org) (gcc) #1\r\n"
PANIC = b"[    2.000000] Kernel panic - not syncing: Attempted to kill init!\r\n"
RUNNING = b"[   30.000000] example: working\r\n"


def make(boot: Boot | None = None, offset: int = 0) -> Interpreter:
    timeouts = {"kernel": 180.0}
    return Interpreter(
        RULES, console="node01", boot=boot, offset=offset, timeouts=timeouts
    )


def feed(interpreter: Interpreter, data: bytes, at: int = 0) -> Reading:
    return interpreter.feed([Chunk(at, data)])


def names(reading: Reading) -> list[str]:
    return [event.name for event in reading.events]


def test_the_first_byte_begins_a_boot() -> None:
    interpreter = make()

    reading = feed(interpreter, b"hello", at=5)

    assert reading.cuts == [Cut(5, 0, 0, 1)]
    assert reading.boots[-1].cause == "attach"
    assert reading.tail is not None
    assert reading.tail.text == "hello"


def test_a_prompt_without_a_newline_is_seen_once_it_is_quiet() -> None:
    interpreter = make()
    before = feed(interpreter, KERNEL + b"node01 login: ")

    quiet = interpreter.idle(SECOND)
    again = interpreter.idle(2 * SECOND)

    assert names(before) == ["kernel"]
    assert names(quiet) == ["login"]
    assert names(again) == []
    assert interpreter.boot is not None
    assert interpreter.boot.outcome is Outcome.OK


def test_a_firmware_banner_after_a_running_kernel_cuts_at_its_line() -> None:
    interpreter = make()
    feed(interpreter, KERNEL + RUNNING)

    reading = feed(interpreter, b"tail of old\r\nSeaBIOS (version 1)\r\n", at=9)

    offset = len(KERNEL + RUNNING) + len(b"tail of old\r\n")
    assert reading.cuts == [Cut(9, offset, 1, 2)]
    assert [boot.boot for boot in reading.boots] == [1, 2]
    assert reading.boots[0].outcome is Outcome.FAILED
    assert reading.boots[0].bytes == offset
    assert reading.boots[0].ended == 9


def test_a_reset_without_a_shutdown_is_a_failure_of_the_boot_that_ended() -> None:
    interpreter = make()
    feed(interpreter, KERNEL + RUNNING)

    feed(interpreter, b"SeaBIOS (version 1)\r\n")
    reading = interpreter.idle(SECOND)

    assert [(event.name, event.boot) for event in reading.events] == [("reboot", 1)]


def test_an_announced_reboot_is_no_failure() -> None:
    interpreter = make()
    feed(interpreter, KERNEL + RUNNING + b"[   31.0] reboot: Restarting system\r\n")
    feed(interpreter, b"[   31.000000] reboot: Restarting system\r\n")

    reading = feed(interpreter, b"SeaBIOS (version 1)\r\n")

    assert names(reading) == ["firmware"]
    assert names(interpreter.idle(SECOND)) == []


def test_replaying_a_boot_that_goes_on_cuts_nothing() -> None:
    interpreter = make()
    whole = feed(interpreter, KERNEL + RUNNING)
    known = whole.boots[-1]

    resumed = make(boot=known, offset=0)
    reading = feed(resumed, KERNEL + RUNNING)

    assert reading.cuts == []
    assert resumed.stage is Stage.KERNEL
    assert resumed.boot is not None
    assert replace(resumed.boot, bytes=known.bytes) == known


def test_a_user_reading_proc_version_is_no_new_boot() -> None:
    interpreter = make()
    feed(interpreter, KERNEL + RUNNING + b"node01 login: root\r\n")

    reading = feed(interpreter, b"Linux version 6.1.0 (builder@example.org) (gcc)\r\n")

    assert reading.cuts == []


def test_a_boot_that_stays_too_long_in_a_stage_is_stuck_until_it_moves() -> None:
    interpreter = make()
    feed(interpreter, KERNEL, at=0)
    assert interpreter.deadline == 180 * SECOND

    stuck = interpreter.idle(181 * SECOND)
    feed(interpreter, b"[  200.000000] Run /init as init process\r\n", 200 * SECOND)

    assert [(event.kind, event.name) for event in stuck.events] == [
        (Kind.STUCK, "kernel")
    ]
    assert interpreter.boot is not None
    assert interpreter.boot.outcome is Outcome.RUNNING
    assert interpreter.idle(900 * SECOND).events == []


def test_power_on_begins_a_boot_and_power_off_ends_it() -> None:
    interpreter = make()
    feed(interpreter, KERNEL + RUNNING)

    off = interpreter.power(on=False, at=3)
    on = interpreter.power(on=True, at=4)
    firmware = feed(interpreter, b"SeaBIOS (version 1)\r\n")

    assert off.boots[-1].ended == 3
    assert on.cuts[0].boot == 2
    assert on.boots[-1].cause == "power"
    assert firmware.cuts == []


def test_a_report_is_told_when_the_console_falls_silent() -> None:
    interpreter = make()
    before = feed(interpreter, b"[    9.000000] Kernel panic - not syncing: x\r\n")

    assert names(before) == []
    assert names(interpreter.idle(SECOND)) == ["panic"]


def test_a_marker_across_the_cut_of_a_long_line_is_seen() -> None:
    interpreter = make()
    padding = b"x" * (8192 - 8)

    reading = feed(interpreter, padding + b"Welcome to GRUB!\r\n")

    assert names(reading) == ["loader"]


_EXAMPLES = st.builds(
    lambda prefix, example, ending: prefix + example.encode() + ending,
    st.sampled_from(
        [
            b"",
            b"[    9.000000] ",
            b"[    9.000001][   T62] ",
            b"[    0.000000] ",
            b"Nov 17 04:03:47 node01 kernel: [    9.000000] ",
            b"node01 login: ",
        ]
    ),
    st.sampled_from([rule.example for rule in RULES.rules]),
    st.sampled_from([b"\r\n", b"\n\r", b"\r\r\n", b"\n", b""]),
)
_PIECES = st.sampled_from(
    [
        KERNEL,
        RUNNING,
        RUNNING * 210,
        b"SeaBIOS (version 1)\r\n",
        b"[    9.000000] BUG: kernel NULL pointer dereference, address: 0\r\n",
        b"[    9.000001] Oops: 0000 [#1] SMP\r\n",
        b"[    9.000002] RIP: 0010:example_read+0x1/0x2\r\n",
        b"[    9.000003] Kernel panic - not syncing: Fatal exception\r\n",
        b"[    9.000004] reboot: Restarting system\r\n",
        b"[    9.000005] INFO: task a:1 blocked for more than 120 seconds.\r\n",
        b"node01 login: ",
        b"You are in emergency mode.\r\n",
        b"\x1b[2J\x1b[01;01H",
        b"\x1b[07;07H\x1b[07;08Hscue> ",
        b"\x1b[0;1;31m",
        b"\x1b(0lqk\x1b(B",
        b"\x1b",
        b"\x1b]0;title",
        b"\r",
        b"\b\b\b",
        b"\xe0\xfc\x80\x8e\x1c\x06" * 8 + b"\r\n",
        b"x" * 8180,
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(_PIECES, _EXAMPLES, st.binary(max_size=9)), max_size=14),
    st.integers(1, 40),
)
def test_chunking_never_changes_events(pieces: list[bytes], size: int) -> None:
    data = b"".join(pieces)

    assert render(*interpret(data, size)) == render(*interpret(data, 1 << 20))


@pytest.mark.parametrize(
    "prompt",
    [
        "root@node01:~# ",
        "[root@node01 log]# ",
        "user@node01:/var/log$ ",
        "(chroot) root@node01:/# ",
        "bash-5.2# ",
        "~ # ",
        "# ",
        "$ ",
        "node01% ",
    ],
)
def test_a_shell_waits_at_its_prompt_until_the_line_moves(prompt: str) -> None:
    interpreter = make()
    feed(interpreter, KERNEL + b"node01 login: ")
    interpreter.idle(SECOND)
    feed(interpreter, b"root\r\n" + prompt.encode(), at=2 * SECOND)

    interpreter.idle(3 * SECOND)
    waiting = interpreter.shell
    feed(interpreter, b"l", at=4 * SECOND)

    assert waiting is not None
    assert waiting.at == 2 * SECOND
    assert interpreter.shell is None


@pytest.mark.parametrize(
    "text",
    ["# ", "$ ", "node01 login: ", "Password: ", "grub> ", "#####", "100% ", "a@b "],
)
def test_what_is_no_shell_is_not_taken_for_one(text: str) -> None:
    interpreter = make()
    feed(interpreter, KERNEL + text.encode())

    interpreter.idle(SECOND)

    assert interpreter.shell is None


def test_output_that_was_quicker_than_the_news_of_the_power_is_its_boot() -> None:
    interpreter = make()
    feed(interpreter, KERNEL)
    interpreter.power(on=False, at=SECOND)
    feed(interpreter, b"SeaBIOS (version 1)\r\n", at=2 * SECOND)

    reading = interpreter.power(on=True, at=3 * SECOND)

    assert reading.cuts == []
    assert [(boot.boot, boot.cause) for boot in reading.boots] == [(2, "power")]


def test_a_machine_that_stays_silent_after_its_power_on_is_stuck() -> None:
    interpreter = make()
    interpreter.limit({"firmware": 600.0})

    begun = interpreter.power(on=True, at=0)
    stuck = interpreter.idle(601 * SECOND)

    assert names(begun) == ["firmware"]
    assert [(event.kind, event.name) for event in stuck.events] == [
        (Kind.STUCK, "firmware")
    ]


def test_the_last_line_before_the_power_went_belongs_to_its_own_boot() -> None:
    interpreter = make()
    feed(interpreter, KERNEL + b"node01 login: ")
    off = interpreter.power(on=False, at=SECOND)

    on = interpreter.power(on=True, at=2 * SECOND)
    after = feed(interpreter, b"SeaBIOS (version 1)\r\n", at=3 * SECOND)

    assert [line.text.rstrip() for line in off.lines] == ["node01 login:"]
    assert [(cut.line, cut.boot) for cut in on.cuts] == [(0, 2)]
    assert [line.text for line in after.lines] == ["SeaBIOS (version 1)"]


def test_what_was_known_of_a_boot_survives_a_replay_of_its_end() -> None:
    first = make()
    feed(first, b"SeaBIOS (version 1)\r\n")
    feed(first, KERNEL, at=5 * SECOND)
    known = first.boot
    assert known is not None
    second = make(known)
    feed(second, RUNNING, at=9 * SECOND)

    second.recall(known)

    assert (second.stage, second.stage_since) == (Stage.KERNEL, 5 * SECOND)
    assert second.boot is not None
    assert (second.boot.kernel, second.boot.stages) == ("6.1.0", known.stages)


def test_gaps_are_counted() -> None:
    interpreter = make()
    feed(interpreter, KERNEL)

    reading = interpreter.gap()

    assert [boot.gaps for boot in reading.boots] == [1]


BANNER = b"SeaBIOS (version 1.16.2-debian-1.16.2-1)\r\n"


def test_a_reset_without_a_shutdown_counts_for_the_boot_that_it_ended() -> None:
    interpreter = make()
    feed(interpreter, KERNEL + RUNNING)

    reset = feed(interpreter, BANNER + KERNEL, at=60 * SECOND)
    later = interpreter.idle(70 * SECOND)

    old, new = reset.boots[0], later.boots[-1]
    assert [event.boot for event in later.events] == [1]
    assert (old.boot, old.failures, old.outcome) == (1, 1, Outcome.FAILED)
    assert (old.title or "").startswith("Reset without a shutdown")
    assert (new.boot, new.failures, new.title) == (2, 0, None)


def test_a_reset_that_was_asked_for_is_no_failure() -> None:
    interpreter = make()
    feed(interpreter, KERNEL + RUNNING)

    interpreter.expect("reset", 59 * SECOND)
    reset = feed(interpreter, BANNER, at=60 * SECOND)

    assert names(reset) == ["firmware"]
    assert names(interpreter.idle(70 * SECOND)) == []
    assert reset.boots[0].failures == 0


def test_a_boot_that_a_user_asked_for_has_that_as_its_cause() -> None:
    interpreter = make()
    feed(interpreter, KERNEL + RUNNING)

    interpreter.expect("reset", 59 * SECOND, "power_cycle")
    first = feed(interpreter, BANNER, at=65 * SECOND).boots[-1]
    feed(interpreter, KERNEL + RUNNING, at=90 * SECOND)
    second = feed(interpreter, BANNER, at=95 * SECOND).boots[-1]

    assert (first.boot, first.cause) == (2, "power_cycle")
    assert (second.boot, second.cause) != (3, "power_cycle")


def test_a_wish_of_long_ago_is_no_cause() -> None:
    interpreter = make()
    feed(interpreter, KERNEL + RUNNING)

    interpreter.expect("reset", 59 * SECOND, "power_cycle")
    late = feed(interpreter, BANNER, at=59 * SECOND + ORDERED_WITHIN + 1)

    assert late.boots[-1].cause == "firmware"


def test_a_machine_that_hangs_may_be_reset() -> None:
    interpreter = make()
    feed(interpreter, KERNEL + RUNNING)
    interpreter.idle(200 * SECOND)

    reset = feed(interpreter, BANNER, at=300 * SECOND)
    later = interpreter.idle(310 * SECOND)

    assert names(reset) + names(later) == ["firmware"]
    assert reset.boots[0].outcome is Outcome.STUCK


def test_noise_is_told_in_the_boot_that_printed_it() -> None:
    interpreter = make()
    noise = b"\xe0\xfc\x80\x8e\x1c\x06" * 8 + b"\r\n"

    reading = feed(interpreter, KERNEL + RUNNING + noise * 3 + BANNER + noise)

    told = [(each.boot, each.line) for each in reading.events if "noise" in each.name]
    assert told == [(1, 3), (2, 2)]


@pytest.mark.parametrize("size", [1 << 18, 2560])
def test_output_without_a_line_end_stays_in_bounded_memory(size: int) -> None:
    interpreter = make()
    data = b"x" * size
    tracemalloc.start()

    for at in range(20_000_000 // size):
        interpreter.feed([Chunk(at, data)])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 30 * size + 1_000_000


def test_a_power_off_does_not_take_away_how_far_a_boot_came() -> None:
    interpreter = Interpreter(RULES, console="n1")
    interpreter.feed([Chunk(1, b"Linux version 6.1.0-1 (x)\r\n")])

    reading = interpreter.power(on=False, at=5_000_000)

    assert reading.boots[-1].last_stage is Stage.KERNEL
    assert interpreter.stage is Stage.OFF


def test_a_prompt_counts_from_its_first_byte_not_from_the_look_at_it() -> None:
    interpreter = Interpreter(RULES, console="n1")
    interpreter.feed([Chunk(1_000_000, b"Linux version 6.1.0-1 (x)\r\n")])
    interpreter.feed([Chunk(3_000_000, b"n1 login: ")])

    reading = interpreter.idle(4_000_000)

    assert reading.boots[-1].stages["login"] == 2.0


@pytest.mark.parametrize(
    ("text", "is_awaited"),
    [
        (b"", False),
        (RUNNING, False),
        (KERNEL, True),
        (KERNEL + PANIC, False),
        (KERNEL + b"\nDebian GNU/Linux 12 node01 ttyS0\n\nnode01 login: ", False),
        (KERNEL + b"[    9.000000] reboot: Restarting system\r\n", True),
        (KERNEL + b"[    9.000000] reboot: Power down\r\n", False),
    ],
)
def test_output_is_awaited_of_a_boot_and_of_nothing_else(
    *, text: bytes, is_awaited: bool
) -> None:
    interpreter = make()

    feed(interpreter, text)
    interpreter.idle(SECOND)

    assert interpreter.is_on_its_way is is_awaited


def test_output_is_awaited_of_a_machine_that_was_switched_on() -> None:
    interpreter = make()
    feed(interpreter, KERNEL)
    interpreter.power(on=False, at=SECOND)
    assert not interpreter.is_on_its_way

    interpreter.power(on=True, at=2 * SECOND)

    assert interpreter.is_on_its_way
