"""Which function a crash report points at. Pure.

The name on top of a call trace is rarely the one to blame: it printed the report, or
took a lock, or copied memory for a caller. How far to look down differs by the kind
of report; which names never count is data (`markers/95-frames.toml`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from solrecd.analysis.boot.rules import Blame, Frames

NAMES: Final = 4096
"""Names of functions remembered to be at fault or not."""

_NAME: Final = r"([A-Za-z_]\w*)(?:\.[\w.]+)?"
_ADDRESS: Final = r"(?:\(?\[<?(?:0x)?[0-9a-f]+>?\]\)? *){0,2}"

# Patterns begin with a line end where they mean the start of a line, because that is
# found ten times as fast; a report therefore begins with one.

# A frame as x86, arm64, s390, powerpc, MIPS and RISC-V print it, plain or symbolised
# (with inlined callers); then the two forms of 32-bit Arm.
_FRAME: Final = re.compile(
    rf"\n *{_ADDRESS} *(?P<doubt>\? +)?(?:\d+:)?{_NAME}"
    r"(?:(?P<offset>\+0x[0-9a-f]+)(?:/0x[0-9a-f]+)?\b(?P<after>.*)"
    r"| \S+:\d+ \[inline\])"
)
_ENTRY: Final = "+0x0"

_FRAME_ARM: Final = re.compile(
    rf"\n *(?:\[<[0-9a-f]+>\] \({_NAME}(?:\+0x[^)]*)?\) from "
    rf"|{_NAME} from {_NAME}\+0x)"
)

# Frames of ddb and KDB: "panic() at panic+0x43", "#2 0xffffffff80a6b9e3 at panic+0x43",
# "#0  witness_lock+0x52e", "Stopped at      panic+0x43:".
_FRAME_BSD: Final = re.compile(
    rf"\n *(?:Stopped (?:in .{{1,60}}? )?at +|#\d+ +(?:0x[0-9a-f]+ )?(?:at )?"
    rf"|[\w.]+\([^\n]{{0,200}}?\) at )(?:\w+:)?{_NAME}\+0x[0-9a-f]+"
)

# The instruction that faulted: x86, Arm, powerpc, RISC-V, MIPS, LoongArch, s390, SPARC,
# PA-RISC, ARC; and where powerpc says which interrupt was taken.
_POINTER: Final = re.compile(
    r"(?:\b[RE]?IP(?: is at|:)|^ *PC is at|^ *pc *:|^ *epc *:|^ *NIP\b|^ *PC:"
    r"|--- interrupt: \w+ at|^ *ip *:|^ *Krnl PSW"
    r"|^ *(?:ERA|TPC|IAOQ\[0\]|\[ERET\]) *:)"
    r"(?: *(?:\w{2,4}:)?(?:\[?<?[0-9a-f]{8,}>?\]?)?:?){0,3} *(?:\w{2,4}:)?"
    rf"[(<]?{_NAME}"
    r"(?:\+0x[0-9a-f]+|/0x| \S+:\d+ \[inline\])",
    re.MULTILINE,
)

# Finding these words first is ten times as fast as letting _POINTER look everywhere.
_POINTER_WORDS: Final = (
    "IP:", "IP is at", "PC is at", "pc ", "NIP", "PC:", "--- interrupt:", "ip ", "PSW",
    "ERA:", "IAOQ[0]:", "[ERET]:",
)  # fmt: skip

_TRACE_STARTS: Final = re.compile(
    r"\n *(?:Call [Tt]race|[Bb]acktrace|stack backtrace|Trace|Call backtrace).{0,60}"
    r"(?=\n|\Z)"
)

# lockdep says where each lock is taken; what these lines announce is the culprit's.
_LOCK_TAKEN: Final = re.compile(
    r"(?:trying to acquire|just changed the state of|takes|trying to release lock"
    r"|trying to lock|is freeing memory|locks? (?:still )?held|leaving the kernel|"
    r"still has locks? held)"
)
_LOCK_AT: Final = re.compile(
    rf"(?:\bat:? *|\n *){_ADDRESS} *{_NAME}"
    r"(?:\+0x[0-9a-f]+/0x|/0x| \S+:\d+ \[inline\])"
)

# Below these is what an interrupt interrupted.
_INTERRUPTED: Final = (
    "<EOI>", "</IRQ>", "apic_timer_interrupt+0x", "el1_irq+0x", "el1h_64_irq+0x",
    "retint_kernel", "reschedule_interrupt+0x",
)  # fmt: skip

_SYSCALL_PREFIX: Final = re.compile(
    r"^(?:__x64_(?=sys_)|__ia32_(?=sys_)|__arm64_(?=sys_)|__(?:do|se)_(?:compat_)?sys_"
    r"|(?:compat_)?(?:SYSC|SyS)_)"
)

# kernel/workqueue.c: the work is over, and not in the trace any more.
_LAST_FUNCTION: Final = re.compile(rf"\n *last function: {_NAME}")

# Which lock is taken in interrupts, where the interrupt takes it.
_LOCK_BECAME: Final = re.compile(r"which became \S+-safe at:")

# kernel/rcu/tree_stall.h (Linux 6.12): which CPUs stalled, then what each was doing.
_STALLED: Final = re.compile(r"\n(?:rcu:)? *(\d+)-[.!?OoN]{3,4}:? \(")
_SHOWN: Final = r"\n *(?:NMI backtrace for cpu {cpu}\b|Task dump for CPU {cpu}:)"

# What follows shows RCU's own thread and is the same for every stall.
_GRACE_PERIOD: Final = re.compile(
    r"grace-period kthread stack dump:.*?(?=^NMI backtrace|Sending NMI|CPU: *\d|\Z)",
    re.MULTILINE | re.DOTALL,
)


class CulpritFinder:
    """Finds the function at fault in reports; immutable after construction."""

    __slots__ = ("_frames", "_is_machinery", "_ways")

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        # The same few hundred names stand in all reports.
        self._is_machinery = lru_cache(NAMES)(frames.machinery.search)
        self._ways: dict[Blame, Callable[[str, str | None, Sequence[str]], str | None]]
        self._ways = {
            Blame.TRACE: self._trace,
            Blame.FRAMES: self._first_frame,
            Blame.LOCK: self._lock,
            Blame.STALL: self._stall,
            Blame.HUNG: self._hung,
            Blame.BSD: self._bsd,
        }

    def find(
        self, way: Blame, report: str, named: str | None, skip: Sequence[str]
    ) -> str | None:
        """Return the function that a report blames.

        Args:
            way: how to look.
            report: the messages after the headline, one per line, stamps removed.
            named: the function that the headline names itself.
            skip: further parts of names that do not count.
        """
        if way is Blame.NONE:
            return named
        found = self._ways[way]("\n" + report, named, skip)
        return found and _SYSCALL_PREFIX.sub("", found)

    def _trace(self, report: str, named: str | None, skip: Sequence[str]) -> str | None:
        pointer = _pointer(report)
        names = [named] if named else []
        if pointer is not None:
            names.append(pointer[1])
        return self._first([*names, *_calls(report)], skip) or _first_of(names)

    def _first_frame(
        self, report: str, named: str | None, skip: Sequence[str]
    ) -> str | None:
        worked = _LAST_FUNCTION.search(report)
        if worked is not None:
            return worked[1]
        return self._first(_calls(report), skip) or named

    def _lock(self, report: str, named: str | None, skip: Sequence[str]) -> str | None:
        taken_before = _LOCK_BECAME.search(report)
        if taken_before is not None:
            return self._first(_frames(report[taken_before.end() :]), skip)
        announced = _LOCK_TAKEN.search(report)
        taken = announced and _LOCK_AT.search(report, announced.end())
        names = [taken[1]] if taken else []
        found = self._first(names, ()) or self._first([named] if named else [], skip)
        return found or self._first_frame(report, named, skip) or _first_of(names)

    def _stall(self, report: str, named: str | None, skip: Sequence[str]) -> str | None:
        """Look below the loop: the frame above the first one that dispatches work."""
        report = _of_stalled(_GRACE_PERIOD.sub("", report))
        interrupted = _find_any(report, _INTERRUPTED, 0)
        below = report
        if interrupted >= 0:
            below = report[report.rfind("\n", 0, interrupted) :]
        quiet = (*self._frames.quiet, *skip)
        calls = [n for n in _frames(below) if not self._is_skipped(n, quiet)]
        pointer = _pointer(below)
        if pointer is not None and not self._is_skipped(pointer[1], quiet):
            calls.insert(0, pointer[1])
        gathered = _gathered(calls, self._frames.stalling)
        if gathered is not None:
            return gathered
        before = None
        for name in calls:
            if self._frames.anchors.search(name) and before is not None:
                return before
            before = name
        return _first_of(calls) or named

    def _hung(self, report: str, named: str | None, skip: Sequence[str]) -> str | None:
        calls = list(_calls(report))
        gathered = _gathered(calls, self._frames.gathering)
        if gathered is not None:
            return gathered
        waiting = (*self._frames.waiting, *skip)
        for name in calls:
            if not any(part in name for part in waiting):
                return name
        return named

    def _bsd(self, report: str, named: str | None, skip: Sequence[str]) -> str | None:
        names = [frame[1] for frame in _FRAME_BSD.finditer(report)]
        return self._first([named, *names], skip) or named

    def _first(self, names: Iterable[str | None], skip: Sequence[str]) -> str | None:
        for name in names:
            if name and not self._is_skipped(name, skip):
                return name
        return None

    def _is_skipped(self, name: str, skip: Sequence[str]) -> bool:
        return bool(self._is_machinery(name)) or any(part in name for part in skip)


def _first_of(names: Sequence[str]) -> str | None:
    return names[0] if names else None


def _pointer(report: str) -> re.Match[str] | None:
    """Find the first line that says which instruction faulted."""
    begin = 0
    while True:
        place = _find_any(report, _POINTER_WORDS, begin)
        if place < 0:
            return None
        start = report.rfind("\n", 0, place) + 1
        end = report.find("\n", place)
        end = len(report) if end < 0 else end
        found = _POINTER.search(report, start, end)
        if found is not None:
            return found
        begin = end


def _of_stalled(report: str) -> str:
    """Return the part of a report that shows the CPU which another one saw stall."""
    stalled = _STALLED.search(report)
    if stalled is None or "(detected by " not in report:
        return report
    shown = re.search(_SHOWN.format(cpu=stalled[1]), report[stalled.end() :])
    return report if shown is None else report[stalled.end() + shown.start() :]


def _find_any(text: str, words: Sequence[str], begin: int) -> int:
    """Return where the first of some words is, -1 when none is there."""
    places = [text.find(word, begin) for word in words]
    return min((place for place in places if place >= 0), default=-1)


def _gathered(calls: Sequence[str], gathering: Mapping[str, str]) -> str | None:
    for name in calls:
        for part, blamed in gathering.items():
            if part in name:
                return blamed
    return None


def _calls(report: str) -> Iterator[str]:
    """Yield the functions of the call trace from the innermost on."""
    begin = _TRACE_STARTS.search(report)
    return _frames(report if begin is None else report[begin.end() :])


def _frames(report: str) -> Iterator[str]:
    """Yield the functions of all frames, in order.

    Frames with a question mark are leftovers on the stack, not callers. A frame at the
    very first byte of a function is the one before it in memory: the return address of
    a call that never returns.
    """
    if " from " in report and _FRAME_ARM.search(report):
        for frame in _FRAME_ARM.finditer(report):
            yield frame[1] or frame[2]
        return
    for frame in _FRAME.finditer(report):
        if frame["doubt"] or frame["offset"] == _ENTRY:
            continue
        if "(unreliable)" not in (frame["after"] or ""):
            yield frame[2]
