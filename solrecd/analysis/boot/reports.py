"""One failure whose details still come in, and what belongs to it. Pure.

A crash says what it is more than once: a headline that only announces the real one,
the same trap in other words, in the end a panic. Here is what is merged, and what is
a failure of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from solrecd.analysis.boot.detector import Marker
from solrecd.analysis.boot.rules import Blame, Rule
from solrecd.events.event import Severity

REPORT_LINES: Final = 200
"""Lines after the headline that are kept and looked at. An oops needs 40 to 80, an RCU
stall with the traces of all CPUs more; what follows is no longer about the crash."""

DETAIL_LINES: Final = 24
"""Lines after a headline that say what it does not: the rest of a form, no trace."""

PRELUDE_LINES: Final = 12
"""The real headline follows its prelude ("refcount_t: underflow") within these."""

TRAP_LINES: Final = 24
"""Registers that BSD kernels print between a trap and the panic it becomes."""

_DIE: Final = re.compile(r"\[#(\d+)\]")

# What the same trap prints as a second headline.
_TRAPS: Final = frozenset({"oops", "bug"})
# What a report of these names may itself contain, in other words.
_SELF_REPEATING: Final = frozenset({"rcu_stall", "oom", "hw_error", "console_lost"})
# A panic ends these; it is not an incident of its own then.
_ESCALATES: Final = frozenset(
    [
        "oops",
        "bug",
        "kasan",
        "kmsan",
        "kcsan",
        "kfence",
        "ubsan",
        "leak",
        "lockup",
        "rcu_stall",
        "hung_task",
        "lockdep",
        "atomic",
        "warning",
        "oom",
        "hw_error",
        "fs_error",
        "panic",
    ]
)

_SURVIVABLE: Final = frozenset(["oom", "hung_task", "lockup", "rcu_stall", "fs_error"])
"""Failures that are as bad as they are, whether or not the kernel goes on."""

_CAUSES: Final = _SURVIVABLE | {"hw_error"}
"""Failures that are not crashes by themselves: a panic that they lead to is reported as
well, for those who are notified of panics only."""


@dataclass(frozen=True, slots=True)
class Panic:
    """Where a report became a panic."""

    marker: Marker
    line: int
    before: int
    """Lines of the report before it."""


@dataclass(slots=True)
class Report:
    """A failure whose details are still coming in."""

    marker: Marker
    line: int
    at: int
    boot: int
    texts: list[str] = field(default_factory=list)
    severity: Severity = Severity.INFO
    reason: str | None = None
    panic: Panic | None = None
    prelude: Rule | None = None
    """The rule of the headline that came before the real one."""

    @property
    def rule(self) -> Rule:
        """The rule of the headline that counts."""
        return self.marker.rule

    @property
    def room(self) -> int:
        """How many more lines are kept."""
        wanted = DETAIL_LINES if _is_form(self.rule) else REPORT_LINES
        return max(wanted - len(self.texts), 0)

    @property
    def is_cause(self) -> bool:
        """Whether the panic is an event beside the report's own."""
        return self.panic is not None and self.rule.name in _CAUSES


def is_complete(rule: Rule) -> bool:
    """Whether a headline says all there is, so that nothing needs to be awaited."""
    return _has_no_trace(rule) and not rule.details and rule.milder is None


def _is_form(rule: Rule) -> bool:
    """Whether a few lines after the headline are all that matters."""
    return _has_no_trace(rule) and not is_complete(rule)


def _has_no_trace(rule: Rule) -> bool:
    return (
        rule.blame is Blame.NONE
        and not rule.prelude
        and rule.name not in _SELF_REPEATING
    )


def continues(report: Report, marker: Marker) -> bool:
    """Whether a headline belongs to a report that is already open."""
    old, new = report.rule, marker.rule
    if new.name == "panic":
        again = report.panic is None or _says_again(report, marker)
        return old.name in _ESCALATES and again
    callers = {report.marker.message.caller, marker.message.caller}
    if len(callers - {None}) > 1:
        return False
    if old.prelude and len(report.texts) <= PRELUDE_LINES:
        return True
    if old.name in _TRAPS and new.name in _TRAPS:
        return _same_death(report, marker)
    if new.begins or (old.begins and not old.details):
        return False
    return new.name == old.name and new.name in _SELF_REPEATING


def _says_again(report: Report, marker: Marker) -> bool:
    """Whether a panic only repeats the trap that it comes from, of the same kernel."""
    old, new = report.rule, marker.rule
    if old.id == new.id or old.blame is Blame.NONE or old.blame is not new.blame:
        return False
    return len(report.texts) <= TRAP_LINES


def _same_death(report: Report, marker: Marker) -> bool:
    """Whether a second trap headline is the first one's, not a later crash's."""
    count = _DIE.search(marker.message.text)
    if count is None:
        return report.rule.id != marker.rule.id and len(report.texts) < PRELUDE_LINES
    counts = _DIE.findall("\n".join([report.marker.message.text, *report.texts]))
    return not counts or counts[-1] == count[1]


def ends(report: Report, marker: Marker) -> bool:
    """Whether a headline of something else ends a report: not another caller's."""
    callers = report.marker.message.caller, marker.message.caller
    return None in callers or callers[0] == callers[1]


def escalate(report: Report, marker: Marker, line: int) -> None:
    """Merge a second headline, of a line, into a report."""
    order = list(Severity)
    worse = order.index(marker.rule.severity) < order.index(report.severity)
    if report.rule.prelude:
        report.prelude = report.prelude or report.rule
        report.marker = marker
        report.severity = marker.rule.severity
        report.texts.clear()
    elif worse and report.rule.name == marker.rule.name:
        report.marker = marker
    elif report.rule.details and marker is not report.marker:
        report.texts.append(marker.message.text)
    if marker.rule.name == "panic":
        report.panic = Panic(marker, line, len(report.texts))
        report.reason = marker.groups.get("reason") or marker.message.text
    if marker.rule.name == "panic" and report.rule.name in _SURVIVABLE:
        return
    report.severity = min(report.severity, marker.rule.severity, key=order.index)
