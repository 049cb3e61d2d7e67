"""Reports of every kind and architecture point at the right function."""

from __future__ import annotations

import pytest

from solrecd.analysis.boot.culprit import CulpritFinder
from solrecd.analysis.boot.rules import Blame
from tests.support.golden import RULES

CULPRIT = CulpritFinder(RULES.frames)


@pytest.mark.parametrize(
    "line",
    [
        "RIP: 0010:example_read+0x1c/0x80",
        "RIP: 0010:[<ffffffff81234567>]  [<ffffffff81234567>] example_read+0x1c/0x80",
        "RIP: 0010:example_read fs/example.c:12 [inline]",
        "EIP: example_read+0x1c/0x80",
        "EIP is at example_read+0x1c/0x80",
        "PC is at example_read+0x1c/0x80",
        "pc : example_read+0x1c/0x80",
        "epc : example_read+0x1c/0x80",
        "NIP [c0000000000a1c88] example_read+0x1c/0x80",
        "Krnl PSW : 0704c00180000000 00000000001a2b3c (example_read+0x1c/0x80)",
        "Krnl PSW : 0704c00180000000 00000000001a2b3c (example_read+0x1c/0x80 [ext4])",
        "epc   : 80123456 example_read+0x1c/0x80",
        "   ERA: 9000000000201234 example_read+0x1c/0x80",
        "TPC: <example_read+0x1c/0x80>",
        " IAOQ[0]: example_read+0x1c/0x80",
        "PC: [<00012345>] example_read+0x1c/0x80",
        "[ERET]: example_read+0x1c/0x80",
    ],
)
def test_the_faulting_instruction_is_found(line: str) -> None:
    report = f"CPU: 0 PID: 1 Comm: a\n{line}\nCall Trace:\n vfs_read+0x1/0x2\n"

    assert CULPRIT.find(Blame.TRACE, report, None, ()) == "example_read"


@pytest.mark.parametrize(
    "frame",
    [
        " example_read+0x1c/0x80",
        " [<ffffffff81234567>] example_read+0x1c/0x80",
        " example_read.isra.0+0x1c/0x80 fs/example.c:12",
        " example_read fs/example.c:12 [inline]",
        "[c000000006f3fb10] [c0000000000a1c88] example_read+0x1c/0x80",
        "[<8010ef84>] (example_read) from [<807bb0d8>] (vfs_read+0xa0/0xc0)",
        " example_read from vfs_read+0xa0/0xc0",
    ],
)
def test_a_call_trace_is_read_past_the_machinery(frame: str) -> None:
    machinery = "" if " from " in frame else " dump_stack+0x1/0x2\n"
    report = f"Call Trace:\n{machinery}{frame}\n vfs_write+0x1/0x2\n"

    assert CULPRIT.find(Blame.FRAMES, report, None, ()) == "example_read"


def test_leftovers_on_the_stack_are_no_callers() -> None:
    report = "Call Trace:\n ? example_old+0x1/0x2\n example_read+0x1/0x2\n"

    assert CULPRIT.find(Blame.FRAMES, report, None, ()) == "example_read"


def test_a_stall_is_blamed_on_the_work_below_the_loop() -> None:
    report = (
        "Call Trace:\n <IRQ>\n dump_stack+0x1/0x2\n </IRQ>\n"
        "RIP: 0010:example_spin+0x1/0x2\n example_loop+0x1/0x2\n"
        " __x64_sys_example+0x1/0x2\n do_syscall_64+0x1/0x2\n"
    )

    assert CULPRIT.find(Blame.STALL, report, None, ()) == "sys_example"


def test_a_hung_task_is_blamed_on_what_waits_and_not_on_waiting() -> None:
    report = (
        "Call Trace:\n __schedule+0x1/0x2\n schedule+0x1/0x2\n"
        " wait_for_completion+0x1/0x2\n example_flush+0x1/0x2\n"
    )

    assert CULPRIT.find(Blame.HUNG, report, None, ()) == "example_flush"


def test_victims_of_one_lock_are_blamed_together() -> None:
    report = "Call Trace:\n schedule+0x1/0x2\n rtnl_lock+0x1/0x2\n a_victim+0x1/0x2\n"

    assert CULPRIT.find(Blame.HUNG, report, None, ()) == "rtnl_lock"


def test_a_deadlock_is_blamed_on_who_takes_the_lock() -> None:
    report = (
        "a/1 is trying to acquire lock:\n"
        "ffff88 (&a->lock){+.+.}-{3:3}, at: example_close+0x2c/0x60\n"
        "but task is already holding lock:\n"
        "ffff89 (&b->lock){+.+.}-{3:3}, at: example_open+0x1c/0x60\n"
    )

    assert CULPRIT.find(Blame.LOCK, report, None, ()) == "example_close"


def test_an_empty_report_leaves_what_the_headline_named() -> None:
    for way in Blame:
        assert CULPRIT.find(way, "", "example_read", ()) == "example_read"


@pytest.mark.parametrize(
    "name", ["sctp_wait_for_sndbuf", "nilfs_sysfs_delete_group", "vkms_atomic_destroy"]
)
def test_a_subsystems_own_function_is_to_blame_whatever_it_is_about(name: str) -> None:
    report = f"Call Trace:\n wait_for_common+0x1/0x2\n {name}+0x1/0x2\n ioctl+0x1/0x2\n"

    assert CULPRIT.find(Blame.FRAMES, report, None, ()) == name


def test_work_that_has_ended_is_named_beside_the_trace() -> None:
    report = "     last function: example_work\nCall Trace:\n worker_thread+0x1/0x2\n"

    assert CULPRIT.find(Blame.FRAMES, report, None, ()) == "example_work"


def test_a_lock_that_is_taken_by_machinery_alone_is_blamed_on_it() -> None:
    report = "a/1 is trying to acquire lock:\n (x){+.+.}, at: flush_work+0x0/0xb0\n"

    assert CULPRIT.find(Blame.LOCK, report, None, ()) == "flush_work"


@pytest.mark.parametrize(
    ("wrapper", "name"),
    [
        ("__x64_sys_openat", "sys_openat"),
        ("__arm64_sys_openat", "sys_openat"),
        ("__se_sys_openat", "openat"),
        ("SyS_openat", "openat"),
    ],
)
def test_what_wraps_a_system_call_is_not_its_name(wrapper: str, name: str) -> None:
    report = f"RIP: 0010:{wrapper}+0x1c/0x80\n"

    assert CULPRIT.find(Blame.TRACE, report, None, ()) == name
