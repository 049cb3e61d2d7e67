"""The same crash is one group on all machines, and another crash is another group."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings, strategies as st

from tests.support.golden import interpret


@dataclass(frozen=True, slots=True)
class Machine:
    """What differs between two machines that ran into the same thing."""

    address: int
    offset: int
    size: int
    pid: int
    cpu: int
    comm: str
    caller: str
    second: int
    minor: int
    build: str
    suffix: str


MACHINES = st.builds(
    Machine,
    address=st.integers(0x1000, 2**64 - 1),
    offset=st.integers(1, 0xFFF),
    size=st.integers(0x1000, 0xFFFF),
    pid=st.integers(1, 4_194_304),
    cpu=st.integers(0, 511),
    comm=st.sampled_from(["cat", "kworker/3:1", "systemd", "syz.0.17"]),
    caller=st.sampled_from(["", "[   T11]", "[   C3]"]),
    second=st.integers(2, 9_999_999),
    minor=st.integers(0, 400),
    build=st.sampled_from(["", " [example]", " [example abcdef0123456789]"]),
    suffix=st.sampled_from(["", ".isra.0", ".cold", ".constprop.0.part.1"]),
)

OOPS = (
    "BUG: unable to handle page fault for address: {m.address:016x}",
    "#PF: supervisor read access in kernel mode",
    "Oops: 0000 [#1] PREEMPT SMP NOPTI",
    "CPU: {m.cpu} PID: {m.pid} Comm: {m.comm} Not tainted 6.1.{m.minor}-1 #1",
    "RIP: 0010:{f}{m.suffix}+0x{m.offset:x}/0x{m.size:x}{m.build}",
    "RAX: {m.address:016x} RBX: 0000000000000000",
    "Call Trace:",
    " vfs_read+0x{m.offset:x}/0x{m.size:x}",
)
WARNING = (
    "WARNING: CPU: {m.cpu} PID: {m.pid} at a.c:12 {f}{m.suffix}+0x{m.offset:x}/0x99",
)
KASAN = (
    "BUG: KASAN: slab-use-after-free in {f}{m.suffix}+0x{m.offset:x}/0x{m.size:x}",
    "Read of size 8 at addr {m.address:016x} by task {m.comm}/{m.pid}",
)
HUNG = (
    "INFO: task {m.comm}:{m.pid} blocked for more than 120 seconds.",
    "Call Trace:",
    " __schedule+0x{m.offset:x}/0x{m.size:x}",
    " {f}{m.suffix}+0x{m.offset:x}/0x{m.size:x}{m.build}",
)
LOCKUP = (
    "watchdog: BUG: soft lockup - CPU#{m.cpu} stuck for 23s! [{m.comm}:{m.pid}]",
    "RIP: 0010:{f}{m.suffix}+0x{m.offset:x}/0x{m.size:x}{m.build}",
)
ARM64 = (
    "Unable to handle kernel paging request at virtual address {m.address:016x}",
    "Internal error: Oops: 0000000096000004 [#1] PREEMPT SMP",
    "CPU: {m.cpu} PID: {m.pid} Comm: {m.comm} Not tainted 6.1.{m.minor}-1 #1",
    "pc : {f}{m.suffix}+0x{m.offset:x}/0x{m.size:x}{m.build}",
)
REPORTS = pytest.mark.parametrize(
    "report",
    [OOPS, WARNING, KASAN, HUNG, LOCKUP, ARM64],
    ids=["oops", "warning", "kasan", "hung", "lockup", "arm64"],
)


def signature(report: tuple[str, ...], machine: Machine, function: str) -> str | None:
    stamp = f"[{machine.second:5}.000001]{machine.caller} "
    lines = (stamp + line.format(m=machine, f=function) for line in report)
    events, _ = interpret(("\n".join(lines) + "\n").encode(), 1 << 20)
    (event,) = (event for event in events if event.kind == "failure")
    return event.signature


@REPORTS
@settings(max_examples=25, deadline=None)
@given(one=MACHINES, other=MACHINES)
def test_a_crash_is_the_same_on_every_machine(
    report: tuple[str, ...], one: Machine, other: Machine
) -> None:
    first = signature(report, one, "example_read")

    assert first == signature(report, other, "example_read")


@REPORTS
@settings(max_examples=25, deadline=None)
@given(machine=MACHINES)
def test_a_crash_elsewhere_in_the_kernel_is_another_one(
    report: tuple[str, ...], machine: Machine
) -> None:
    first = signature(report, machine, "example_read")

    assert first != signature(report, machine, "example_write")


@settings(max_examples=25, deadline=None)
@given(one=MACHINES, other=MACHINES)
def test_a_report_without_a_function_is_known_by_its_text(
    one: Machine, other: Machine
) -> None:
    edac = (
        "EDAC MC{m.cpu}: {m.pid} CE memory read error on CPU_SrcID#0 0x{m.address:x}",
    )
    other_kind = (edac[0].replace("read error", "scrubbing error"),)

    first = signature(edac, one, "")

    assert first == signature(edac, other, "")
    assert first != signature(other_kind, one, "")
