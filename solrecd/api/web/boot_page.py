"""One boot as HTML: a page that needs nothing else, to attach to a ticket, or a part.

The page has no script and fetches nothing (a policy in it says so, too). Sections are
``<details>``, failures are anchors, and everything that a console printed is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from importlib import resources
from typing import Any, Final, NamedTuple

from solrecd import __version__
from solrecd.analysis.text.visible import visible
from solrecd.process.stamps import SECOND, parse_stamp
from solrecd.storage.history.stages import UNKNOWN, Span
from solrecd.storage.history.text import TextLine

LONG_PAUSE: Final = 1.0
"""Seconds between two lines that the page points out."""

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"

_ALARMS: Final = frozenset({"failure", "stuck", "gap"})

Row = Mapping[str, Any]


class Section(NamedTuple):
    """The lines that a boot printed during one stay in a stage."""

    stage: str
    first: int
    """Number of its first line."""
    since: str
    """The contract's text; empty where it is not known."""
    until: str | None


def page(
    boot: Row, events: Sequence[Row], spans: Sequence[Span], lines: Iterable[TextLine]
) -> Iterator[str]:
    """Yield the page in pieces.

    Args:
        boot: as the index has it.
        events: all of this boot's.
        spans: its stays in stages.
        lines: its text.
    """
    yield from _head(boot)
    yield from body(boot, events, spans, lines)
    made = (
        f"Made by solrecd {escape(__version__)}. Times in seconds since the boot began."
    )
    yield f'<footer class="quiet">{made}</footer>\n</body>\n</html>\n'


def body(
    boot: Row, events: Sequence[Row], spans: Sequence[Span], lines: Iterable[TextLine]
) -> Iterator[str]:
    """Yield what stands below the headline, in pieces; arguments as of `page`."""
    sections = _sections(boot, spans)
    alarms = [event for event in events if event["kind"] in _ALARMS]
    yield from _facts(boot)
    yield from _timeline(boot, sections, alarms)
    yield from _alarms(boot, alarms)
    yield "<h2>Log</h2>\n"
    yield from _Log(boot, sections, alarms).write(lines)


def bars(boot: Row, spans: Sequence[Span], scale: float) -> Iterator[str]:
    """Yield the stages of one boot as bars.

    Args:
        boot: as the index has it.
        spans: its stays in stages.
        scale: seconds that the whole width stands for.
    """
    sections = _sections(boot, spans)
    length = _length(boot, sections, ())
    yield '<div class="bar">'
    for section in sections:
        took = _took(boot, section, length)
        text = _text(f"{section.stage} {took:.1f} s")
        yield (
            f'<span class="{_text(section.stage)}" title="{text}"'
            f' style="flex:0 1 {100 * took / scale:.3f}%">{text}</span>'
        )
    yield "</div>"


def length_of(boot: Row, spans: Sequence[Span]) -> float:
    """Return seconds until the last thing that is known of a boot."""
    return _length(boot, _sections(boot, spans), ())


def _sections(boot: Row, spans: Sequence[Span]) -> list[Section]:
    found = [Section(it.stage, it.lines.start, it.since, it.until) for it in spans]
    if not found or found[0].first > 1:
        until = found[0].since if found else None
        found.insert(0, Section(UNKNOWN, 1, boot["started"], until))
    return found


def _head(boot: Row) -> Iterator[str]:
    title = f"{boot['console']}: boot {boot['boot']}, {boot['outcome']}"
    outcome = _text(boot["outcome"])
    style = resources.files("solrecd.api.web").joinpath("page.css").read_text("utf-8")
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f"<h1>{_text(boot['console'])}, boot {boot['boot']} "
        f'<span class="outcome {outcome}">{outcome}</span></h1>\n'
    )
    if boot["title"]:
        yield f'<p class="error">{_text(boot["title"])}</p>\n'


def _facts(boot: Row) -> Iterator[str]:
    facts = {
        "began": f"{boot['started']} ({boot['cause']})",
        "ended": boot["ended"] or "not yet",
        "reached": boot["last_stage"],
        "kernel": boot["kernel"],
        "command line": boot["cmdline"],
        **boot["facts"],
        "output": f"{boot['bytes']:,} bytes",
    }
    yield "<dl>\n"
    for name, value in facts.items():
        if value:
            yield f"<dt>{_text(name)}</dt><dd>{_text(str(value))}</dd>\n"
    yield "</dl>\n"


def _timeline(
    boot: Row, sections: Sequence[Section], alarms: Sequence[Row]
) -> Iterator[str]:
    length = _length(boot, sections, alarms)
    yield '<h2>Stages</h2>\n<div class="timeline">\n<div class="bar">\n'
    for number, section in enumerate(sections):
        took = _took(boot, section, length)
        text = f"{section.stage} {took:.1f} s"
        yield (
            f'<a class="{_text(section.stage)}" href="#stage-{number}"'
            f' style="flex-grow:{1 + 1000 * took / length:.0f}" title="{_text(text)}">'
            f"{_text(text)}</a>\n"
        )
    yield "</div>\n"
    for event in alarms:
        place = 100 * min(max(_after(boot, event["time"]) / length, 0.0), 1.0)
        yield (
            f'<a class="tick {_text(event["severity"])}" href="#{_anchor(event)}"'
            f' style="left:{place:.2f}%" title="{_text(event["title"])}">&#9660;</a>\n'
        )
    yield "</div>\n"


def _length(boot: Row, sections: Sequence[Section], alarms: Sequence[Row]) -> float:
    """Return seconds until the last thing that is known of the boot."""
    times = [section.since for section in sections]
    times += [event["time"] for event in alarms]
    times += [boot["ended"]] if boot["ended"] else []
    return max(0.001, *(_after(boot, time) for time in times))


def _took(boot: Row, section: Section, length: float) -> float:
    end = length if section.until is None else _after(boot, section.until)
    return max(end - _after(boot, section.since), 0.0)


def _alarms(boot: Row, alarms: Sequence[Row]) -> Iterator[str]:
    if not alarms:
        return
    yield "<h2>Failures</h2>\n<table>\n"
    for event in alarms:
        yield (
            f'<tr class="{_text(event["severity"])}">'
            f"<td>{_after(boot, event['time']):.3f}</td><td>{_text(event['name'])}</td>"
            f'<td><a href="#{_anchor(event)}">{_text(event["title"])}</a></td></tr>\n'
        )
    yield "</table>\n"


class _Log:
    """Writes the lines into sections."""

    def __init__(
        self, boot: Row, sections: Sequence[Section], alarms: Sequence[Row]
    ) -> None:
        self._boot = boot
        self._sections = sections
        self._next = 0
        self._last: str | None = None
        self._hits = {
            event["line"]: event["severity"] for event in alarms if event["line"]
        }

    def write(self, lines: Iterable[TextLine]) -> Iterator[str]:
        """Yield the sections."""
        for line in lines:
            while not line.note and self._begins(line.number):
                yield from self._open()
            if not self._next:
                yield from self._open()
            yield self._line(line)
            self._last = line.time or self._last
        if self._next:
            yield "</ol></details>\n"

    def _begins(self, number: int) -> bool:
        next_ = self._next
        return next_ < len(self._sections) and self._sections[next_].first <= number

    def _open(self) -> Iterator[str]:
        number, section = self._next, self._sections[self._next]
        self._next += 1
        if number:
            yield "</ol></details>\n"
        opened = " open" if self._is_of_interest(number) else ""
        since = _after(self._boot, section.since)
        yield (
            f'<details id="stage-{number}"{opened}><summary>'
            f"<b>{_text(section.stage)}</b>"
            f'<span class="quiet">from {since:.3f} s, line {section.first}</span>'
            '</summary><ol class="log">\n'
        )

    def _is_of_interest(self, number: int) -> bool:
        """Whether a section is unfolded: it has a failure, or is the last."""
        if number + 1 == len(self._sections):
            return True
        begin, end = self._sections[number].first, self._sections[number + 1].first
        return any(begin <= line < end for line in self._hits)

    def _line(self, line: TextLine) -> str:
        hit = None if line.note else self._hits.get(line.number)
        kind = "note" if line.note else "" if hit is None else f"hit {hit}"
        marks = f' class="{_text(kind)}"' if kind else ""
        if not line.note:
            marks += f' id="L{line.number}"'
        after = f"{_after(self._boot, line.time):.3f}" if line.time else ""
        note = "# " if line.note else ""
        text = _text(line.text)
        time = f"<time>{after}</time>"
        if not line.note:
            # For the keyboard, thousands of them would hide all that follows.
            time = f'<a href="#L{line.number}" tabindex="-1">{time}</a>'
        return f"<li{marks}>{time}{self._pause(line)}{note}{text}</li>\n"

    def _pause(self, line: TextLine) -> str:
        if not line.time or self._last is None:
            return ""
        pause = _seconds_between(self._last, line.time)
        if pause < LONG_PAUSE:
            return ""
        return f'<span class="pause">[{pause:.1f} s later] </span>'


def _anchor(event: Row) -> str:
    return f"L{event['line'] or 1}"


def _after(boot: Row, time: str) -> float:
    return _seconds_between(boot["started"], time)


def _seconds_between(earlier: str, later: str) -> float:
    return (parse_stamp(later) - parse_stamp(earlier)) / SECOND


def _text(text: str) -> str:
    return escape(visible(text))
