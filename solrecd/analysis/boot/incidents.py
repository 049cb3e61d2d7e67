"""From a failure's headline and the lines after it to one event. Pure.

A crash prints a headline, then a page of details, often a second headline for the
same trap, and in the end a panic. That is one incident: `Reporter` keeps a report open
while its lines come in, escalates it when it gets worse, and closes it with one event
that names the function, the process and the reason.

Two CPUs may crash at once. Where the kernel prints caller ids, each report keeps the
lines of its own caller; without them a new headline ends the report before it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from solrecd.analysis.boot.culprit import CulpritFinder
from solrecd.analysis.boot.detector import Marker
from solrecd.analysis.boot.ignored import Ignored, Listener, Why
from solrecd.analysis.boot.prefix import STAMP, SYSLOG_KERNEL, Message
from solrecd.analysis.boot.repeats import Repeats
from solrecd.analysis.boot.reports import (
    Panic,
    Report,
    continues,
    ends,
    escalate,
    is_complete,
)
from solrecd.analysis.boot.rules import Blame, Frames, Rule, Scope
from solrecd.events.event import Event, Kind, Severity

OPEN_REPORTS: Final = 4
"""Reports of different callers open at once; a fifth closes the first."""

_TITLE_LIMIT: Final = 240
_FIELD_LIMIT: Final = 200

# A line end first: that is found ten times as fast as the start of a line.
_STAMPS: Final = re.compile("\n" + STAMP.pattern)
_COPIES: Final = re.compile("\n" + SYSLOG_KERNEL.pattern)

_STAMP_SIZE: Final = 32
"""Characters; a stamp and a caller id are no longer."""

_TASK: Final = re.compile(
    r"CPU: *(?P<cpu>\d+) (?:UID: \d+ )?PID: *(?P<pid>\d+) *[Cc]omm: *"
    r"(?P<comm>.{1,40}?) (?:Kdump: loaded )?"
    r"(?:(?P<clean>Not tainted)|Tainted: (?P<taint>[A-Z ]+?))"
    r"(?: (?P<kernel>\d+\.\d+\S*)|$)",
    re.MULTILINE,
)
_ABOUT: Final = ("cpu", "pid", "comm", "taint", "kernel")
_OLD_TASK: Final = re.compile(
    r"\n *(?:Pid: (?P<pid>\d+), comm: (?P<comm>\S+)|Comm: (?P<comm2>\S+) )"
)
_VARYING: Final = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{8,}\b|\d+", re.IGNORECASE)


class Reporter:
    """Collects reports of one console and turns them into events."""

    __slots__ = (
        "_console", "_culprit", "_frames", "_open", "_repeats", "ignored",
    )  # fmt: skip

    def __init__(self, console: str, frames: Frames) -> None:
        self.ignored: Listener | None = None
        """Told of headlines that are not events of their own, if it is set."""
        self._console = console
        self._frames = frames
        # Most machines never crash, and it is large.
        self._culprit: CulpritFinder | None = None
        self._open: list[Report] = []
        self._repeats = Repeats()

    @property
    def is_open(self) -> bool:
        """Whether a report waits for more lines."""
        return bool(self._open)

    def follow(self, texts: Sequence[str]) -> list[Event]:
        """Give the next lines to the open reports; return those that are full."""
        if not self._open:
            return []
        for report in self._open:
            report.texts.extend(texts[: report.room])
        return self._close([r for r in self._open if not r.room])

    def begin(self, marker: Marker, line: int, at: int, boot: int) -> list[Event]:
        """Take a failure's headline; return the reports that it ends."""
        for report in reversed(self._open):
            if marker.rule.background and report.rule.blame is not Blame.NONE:
                self._ignore(marker, line, Why.PART, f"part of {_name(report)}")
                return []
        for report in reversed(self._open):
            if continues(report, marker):
                self._ignore(marker, line, Why.PART, f"merged into {_name(report)}")
                escalate(report, marker, line)
                return []
        ended = [r for r in self._open if ends(r, marker)]
        if len(self._open) - len(ended) >= OPEN_REPORTS:
            ended.append(next(r for r in self._open if r not in ended))
        events = self._close(ended)
        severity = marker.rule.severity
        report = Report(marker, line, at, boot, severity=severity)
        if marker.rule.name == "panic":
            escalate(report, marker, line)
        if is_complete(marker.rule):
            return [*events, *self._told([report])]
        self._open.append(report)
        return events

    def retract(self) -> None:
        """Forget a headline of which nothing has followed: it will be printed again.

        The kernel was interrupted in the middle of that message.
        """
        if not self._open or self._open[-1].texts:
            return
        if self._open[-1].rule.scope is Scope.KERNEL:
            self._open.pop()

    def close(self) -> list[Event]:
        """End all reports: the console is quiet, or the boot is over."""
        return self._close(list(self._open))

    def _close(self, reports: Sequence[Report]) -> list[Event]:
        if not reports:
            return []
        self._open = [r for r in self._open if r not in reports]
        return self._told(reports)

    def _told(self, reports: Sequence[Report]) -> list[Event]:
        """Make events of reports; repetitions are none."""
        events = []
        for report, event in self._with_panics(reports):
            if report.rule.summary and self._repeats.knows(event.boot, event.name):
                why = f"sums up a {event.name} that is reported already"
                self._ignore(report.marker, report.line, Why.REPEAT, why)
                continue
            before = self._repeats.line_before(event)
            if before is None:
                events.append(event)
            else:
                why = f"reported already in line {before}"
                self._ignore(report.marker, report.line, Why.REPEAT, why)
        return events

    def _ignore(self, marker: Marker, line: int, why: Why, explanation: str) -> None:
        if self.ignored is not None:
            text = marker.message.text
            self.ignored(Ignored(line, marker.rule.id, why, explanation, text))

    def _with_panics(self, reports: Sequence[Report]) -> Iterator[tuple[Report, Event]]:
        for report in reports:
            event = self._event(report)
            yield report, event
            if report.is_cause and report.panic is not None:
                own = _panic_alone(report, report.panic)
                yield own, self._event(own, event.fields.get("function"))

    def _event(self, report: Report, known: object = None) -> Event:
        """Make the event of a report.

        Args:
            report: the report.
            known: the function at fault, if what led to it has told that.
        """
        rule, message = report.rule, report.marker.message
        body = _body(report.texts, message.caller)
        name, severity = rule.name, report.severity
        if _is_program(rule, body):
            name, severity = "user_crash", Severity.WARNING
        elif rule.milder and rule.milder.search(f"{message.text}{body}"):
            severity = Severity.WARNING
        details = _details(rule, body, report.marker.groups)
        named = report.marker.groups.get("function", "").partition(".")[0] or None
        self._culprit = self._culprit or CulpritFinder(self._frames)
        found = self._culprit.find(rule.blame, body, named, rule.skip)
        function = str(known) if known else found
        fields = _fields(report, body, details)
        if function:
            fields["function"] = function
        titled = report.prelude if report.prelude and report.prelude.title else rule
        groups = report.marker.groups | details
        title = _title(titled, message, groups, function)
        return Event(
            time=report.at,
            console=self._console,
            kind=Kind.FAILURE,
            name=name,
            severity=severity,
            title=title,
            boot=(report.boot - 1 or None) if rule.previous else report.boot,
            line=report.line,
            signature=signature(name, title, function),
            fields=fields,
        )


def _panic_alone(report: Report, panic: Panic) -> Report:
    """Return what a panic says, apart from what led to it."""
    texts = report.texts[panic.before :]
    alone = Report(panic.marker, panic.line, report.at, report.boot, texts)
    escalate(alone, panic.marker, panic.line)
    return alone


def _details(rule: Rule, body: str, known: Mapping[str, str]) -> dict[str, str]:
    """Return what a rule looks for in the lines after its headline.

    The first of each name counts, and the headline's own before all others.
    """
    found: dict[str, str] = {}
    for pattern in rule.details:
        match = pattern.search(body)
        for name, text in match.groupdict().items() if match else ():
            if text and name not in known:
                found.setdefault(name, " ".join(text.split()))
    return found


def _name(report: Report) -> str:
    return f"the {report.rule.name} that begins in line {report.line}"


def _is_program(rule: Rule, body: str) -> bool:
    if rule.demote is None or rule.demote.search(body) is None:
        return False
    return rule.keep is None or rule.keep.search(body) is None


def _body(texts: Sequence[str], caller: str | None) -> str:
    """Join a report's messages, without stamps and without other callers' lines."""
    if caller is not None:
        texts = [text for text in texts if _is_by(caller, text)]
    body = _STAMPS.sub("\n", "\n".join(["", *texts]))
    if "kernel: " in body:
        body = _COPIES.sub("\n", body)
    return body


def _is_by(caller: str, text: str) -> bool:
    # Nearly always it is; looking for the id is quicker than reading the stamp.
    if f"{caller}]" in text[:_STAMP_SIZE]:
        return True
    stamp = STAMP.match(text)
    return stamp is None or stamp["caller"] in (caller, None)


def _fields(
    report: Report, body: str, details: Mapping[str, str]
) -> dict[str, str | int | float | bool]:
    """Collect what the headline and the report say about the crash."""
    fields: dict[str, str | int | float | bool] = {
        name: text[:_FIELD_LIMIT] for name, text in report.marker.groups.items()
    }
    fields["headline"] = report.marker.message.text[:_TITLE_LIMIT]
    fields["rule"] = report.rule.id
    if report.rule.previous:
        fields["printed_in"] = report.boot
    if report.marker.message.stamp is not None:
        fields["kernel_time"] = report.marker.message.stamp
    if report.reason:
        fields["reason"] = report.reason[:_FIELD_LIMIT]
    fields.update((name, text[:_FIELD_LIMIT]) for name, text in details.items())
    task = _TASK.search(body)
    if task is not None:
        found = task.groupdict()
        fields.update((k, " ".join(found[k].split())) for k in _ABOUT if found[k])
    elif (old := _OLD_TASK.search(body)) is not None:
        fields.update(_old_task(old))
    return fields


def _old_task(found: re.Match[str]) -> dict[str, str]:
    comm = found["comm"] or found["comm2"]
    return {"comm": comm} | ({"pid": found["pid"]} if found["pid"] else {})


def _title(
    rule: Rule, message: Message, groups: dict[str, str], function: str | None
) -> str:
    """Write the headline so that it is the same for the same crash elsewhere."""
    if rule.title is None:
        return message.text[:_TITLE_LIMIT]
    values = groups | {"headline": message.text}
    if function is not None:
        values["function"] = function
    try:
        return rule.title.format_map(values)[:_TITLE_LIMIT]
    except KeyError:
        return message.text[:_TITLE_LIMIT]


def signature(name: str, title: str, function: str | None) -> str:
    """Name a crash by what does not differ between machines and runs."""
    text = f"{name}\n{function}" if function else f"{name}\n{_VARYING.sub('N', title)}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]
