"""A crash is one event, however much it prints."""

from __future__ import annotations

from solrecd.events import Event, Severity
from tests.support.golden import interpret

OOPS = (
    "[    9.000001] BUG: kernel NULL pointer dereference, address: 0000000000000010\n"
    "[    9.000002] Oops: 0000 [#1] PREEMPT SMP\n"
    "[    9.000003] RIP: 0010:example_read+0x1c/0x80\n"
)
PANIC = "[    9.000009] Kernel panic - not syncing: Fatal exception\n"


def failures(text: str) -> list[Event]:
    events, _ = interpret(text.encode(), 1 << 20)
    return [event for event in events if event.kind == "failure"]


def test_an_oops_that_becomes_a_panic_is_one_incident_with_its_reason() -> None:
    (event,) = failures(OOPS + PANIC)

    assert (event.name, event.severity) == ("oops", Severity.FATAL)
    assert event.fields["reason"] == "Fatal exception"
    assert event.fields["function"] == "example_read"


def test_a_warning_that_panics_is_as_bad_as_the_panic() -> None:
    warning = "[    8.0000] WARNING: CPU: 0 PID: 1 at a.c:1 example_warn+0x1/0x2\n"

    (event,) = failures(warning + PANIC)

    assert (event.name, event.severity) == ("warning", Severity.FATAL)


def test_two_processors_that_crash_at_once_are_two_incidents() -> None:
    lines = [
        "[    9.000001][   T11] BUG: KASAN: use-after-free in example_a+0x1/0x2",
        "[    9.000002][   T22] BUG: KASAN: use-after-free in example_b+0x1/0x2",
        "[    9.000003][   T11] CPU: 0 PID: 11 Comm: a Not tainted 6.1.0 #1",
        "[    9.000004][   T22] CPU: 1 PID: 22 Comm: b Not tainted 6.1.0 #1",
    ]

    found = failures("\n".join(lines) + "\n")

    assert [(e.fields["function"], e.fields["comm"]) for e in found] == [
        ("example_a", "a"),
        ("example_b", "b"),
    ]


def test_the_same_crash_has_the_same_signature_on_another_machine() -> None:
    other = OOPS.replace("0000000000000010", "00000000deadbeef").replace("9.0", "70.1")

    assert failures(OOPS)[0].signature == failures(other)[0].signature


def test_a_different_crash_has_another_signature() -> None:
    other = OOPS.replace("example_read", "example_write")

    assert failures(OOPS)[0].signature != failures(other)[0].signature


def test_a_failure_that_repeats_itself_is_told_once() -> None:
    stuck = (
        "[   30.000000] watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [a:9]\n"
        "[   30.000001] RIP: 0010:example_spin+0x5/0x10\n"
    )

    assert len(failures(stuck * 5)) == 1


def test_a_program_written_in_go_is_no_kernel() -> None:
    program = "panic: no result\n\ngoroutine 1 [running]:\nmain.main()\n"

    (event,) = failures(program)

    assert (event.name, event.severity) == ("user_crash", Severity.WARNING)


def test_a_syslog_copy_is_told_only_when_the_original_was_not_seen() -> None:
    line = "Kernel panic - not syncing: example\n"
    copy = f"Nov 17 04:03:47 node01 kernel: [    9.000009] {line}"

    assert len(failures(copy)) == 1
    assert len(failures(f"[    9.000009] {line}" + copy)) == 1
