"""A crash is one event, however much it prints."""

from __future__ import annotations

from solrecd.events.event import Event, Severity
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


def test_a_task_is_named_without_the_word_that_a_crash_kernel_is_loaded() -> None:
    panic = "[    9.0000] Kernel panic - not syncing: sysrq triggered crash"
    for taint in ("Not tainted", "Tainted: G"):
        task = f"CPU: 0 PID: 1 Comm: tmux: server Kdump: loaded {taint} 6.1.0-50 #1"

        (event,) = failures(f"{panic}\n[    9.0000] {task}\n")

        assert event.fields["comm"] == "tmux: server"
        assert event.fields["kernel"] == "6.1.0-50"


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


def test_a_prelude_gives_way_to_the_headline_it_announces() -> None:
    text = (
        '[    1.0000] VFS: Cannot open root device "sda2" or unknown-block(0,0)\n'
        "[    1.0001] 0800         2097152 sda\n"
        "[    1.0002] Kernel panic - not syncing: VFS: Unable to mount root fs\n"
    )

    (event,) = failures(text)

    assert (event.name, event.line) == ("panic", 1)
    assert event.fields["reason"] == "VFS: Unable to mount root fs"


def test_a_prelude_titles_the_crash_that_says_less() -> None:
    text = (
        "[    9.0000] list_del corruption. prev->next should be ffff8, but was ffff9\n"
        "[    9.0001] ------------[ cut here ]------------\n"
        "[    9.0002] kernel BUG at lib/list_debug.c:62!\n"
        "[    9.0003] RIP: 0010:__list_del_entry_valid+0xa0/0xd0\n"
        "[    9.0004] Call Trace:\n"
        "[    9.0005]  example_remove+0x10/0x20\n"
    )

    (event,) = failures(text)

    assert (event.name, event.title) == ("bug", "BUG: corrupted list in example_remove")


def test_a_programs_fault_on_arm_is_no_crash_of_the_kernel() -> None:
    text = "[    9.0000] Unhandled fault: alignment exception (0x011) at 0x00508ae4\n"
    died = "[    9.0001] Internal error: : 1b [#1] PREEMPT SMP ARM\n"

    assert [event.name for event in failures(text)] == ["user_segv"]
    assert [event.name for event in failures(text + died)] == ["oops"]


def test_a_shell_and_its_prompt_are_one_failure() -> None:
    text = "You are in emergency mode. Type exit to continue.\n\n(initramfs) \n"

    assert [event.name for event in failures(text)] == ["emergency"]


def test_a_shell_after_another_was_left_is_a_failure_of_its_own() -> None:
    text = "(initramfs) exit\n" + "booting on\n" * 50 + "You are in emergency mode.\n"

    assert [event.name for event in failures(text)] == ["initramfs_shell", "emergency"]


def test_a_bsd_trap_and_the_panic_it_becomes_are_one_incident() -> None:
    text = (
        "Fatal trap 12: page fault while in kernel mode\n"
        "instruction pointer = 0x20:0xffffffff80ac2563\n"
        "panic: page fault\n"
        "KDB: stack backtrace:\n"
        "#0 0xffffffff80aada97 at kdb_backtrace+0x67\n"
        "#1 0xffffffff80a6b9e3 at panic+0x43\n"
        "#2 0xffffffff80ec3641 at calltrap+0x8\n"
        "#3 0xffffffff80c65e72 at example_close+0x142\n"
    )

    (event,) = failures(text)

    assert event.title.endswith("while in kernel mode in example_close")
    assert event.fields["reason"] == "page fault"


def test_an_openbsd_kernel_that_stops_names_where() -> None:
    text = (
        "uvm_fault(0xfffffd807f0e0a38, 0x10, 0, 1) -> e\n"
        "kernel: page fault trap, code=0\n"
        "Stopped at      example_read+0x1e:      movl    0x10(%rax),%ecx\n"
    )

    (event,) = failures(text)

    assert (event.name, event.title) == ("panic", "uvm_fault in example_read")


def test_a_headline_that_was_cut_and_is_printed_again_is_one() -> None:
    text = (
        "[    9.0000] WARNING: CPU: 0 PID: 1 at net/exa\n"
        "** replaying previous printk message **\n"
        "[    9.0000] WARNING: CPU: 0 PID: 1 at net/example.c:3 example_send+0x1/0x2\n"
    )

    (event,) = failures(text)

    assert (event.line, event.fields["function"]) == (3, "example_send")
