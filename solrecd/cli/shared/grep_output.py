"""How `solrecctl grep` shows what it found; runs where the search runs."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping

from solrecd.cli.shared.output import Screen, safe, to_json
from solrecd.storage.history.pattern import Pattern
from solrecd.storage.history.search import Found
from solrecd.storage.history.segments import Segment
from solrecd.storage.history.text import TextLine, parse_line

BLOCK = 64 * 1024
"""Characters handed over at once."""

# As in GNU grep.
_NAME, _BOOT, _SEPARATOR, _MATCH = "35", "32", "36", "1;31"
_TIME = "2"


class Form(enum.Enum):
    """What is shown of a match."""

    LINES = "lines"
    PARTS = "parts"
    """Only what matched."""
    COUNT = "count"
    """How many lines of each boot."""
    BOOTS = "boots"
    """That the boot has one."""


class Printer:
    """Makes lines of what was found."""

    def __init__(
        self,
        screen: Screen,
        pattern: Pattern,
        form: Form,
        *,
        as_json: bool,
        in_groups: bool,
    ) -> None:
        self._screen = screen
        self._pattern = pattern
        self._form = form
        self._as_json = as_json
        self._in_groups = in_groups
        self.gap = screen.paint("--", _SEPARATOR)
        """The line between two groups; the very first group has one before it, too."""

    def blocks(
        self, console: str, found: Iterable[tuple[Segment, Iterator[Found]]]
    ) -> Iterator[bytes]:
        """Yield the output about a console in blocks; none when nothing was found."""
        waiting: list[str] = []
        size = 0
        for line in self._lines(console, found):
            waiting.append(line)
            size += len(line)
            if size >= BLOCK:
                yield _encoded(waiting)
                waiting, size = [], 0
        if waiting:
            yield _encoded(waiting)

    def _lines(
        self, console: str, found: Iterable[tuple[Segment, Iterator[Found]]]
    ) -> Iterator[str]:
        if self._form in {Form.COUNT, Form.BOOTS}:
            yield from self._summary(console, found)
            return
        for segment, lines in found:
            # What begins a segment has no neighbours before it, wherever it is shown.
            begins = self._in_groups
            for each in lines:
                if (begins or each.apart) and not self._as_json:
                    yield self.gap
                begins = False
                yield from self._line(segment, each)

    def _summary(
        self, console: str, found: Iterable[tuple[Segment, Iterator[Found]]]
    ) -> Iterator[str]:
        counts: dict[int, int] = {}
        for segment, lines in found:
            boot = segment.name.boot
            if self._form is Form.COUNT:
                counts[boot] = counts.get(boot, 0) + sum(1 for _ in lines)
            elif not counts.get(boot):
                counts[boot] = sum(1 for _ in zip(lines, (1,), strict=False))
        for boot, count in counts.items():
            if count:
                yield self._counted(console, boot, count)

    def _counted(self, console: str, boot: int, count: int) -> str:
        if self._as_json:
            row: dict[str, object] = {"console": console, "boot": boot}
            return to_json(row | ({"count": count} if self._form is Form.COUNT else {}))
        name = self._head(console, boot, ":")
        if self._form is Form.BOOTS:
            return name
        return f"{name}{self._screen.paint(':', _SEPARATOR)}{count}"

    def _line(self, segment: Segment, found: Found) -> Iterator[str]:
        line = parse_line(found.line)
        if self._as_json:
            yield to_json(_object(segment, found, line))
            return
        separator = ":" if found.matched else "-"
        mark = f"{self._screen.time(line.time)} {'#' if line.note else '|'}"
        head = self._head(segment.console, segment.name.boot, separator)
        head += f" {self._screen.paint(mark, _TIME)} "
        if self._form is Form.LINES:
            yield head + (self._marked(line.text) if found.matched else safe(line.text))
        elif found.matched:
            text = line.text.encode()
            for begin, end in self._pattern.spans(text):
                yield head + self._screen.paint(_decoded(text[begin:end]), _MATCH)

    def _head(self, console: str, boot: int, separator: str) -> str:
        paint = self._screen.paint
        middle = paint(separator, _SEPARATOR)
        return f"{paint(safe(console), _NAME)}{middle}{paint(str(boot), _BOOT)}"

    def _marked(self, line: str) -> str:
        """Return a line's text with what matched in colour."""
        if not self._screen.coloured:
            return safe(line)
        text = line.encode()
        parts = []
        place = 0
        for begin, end in self._pattern.spans(text):
            parts.append(_decoded(text[place:begin]))
            parts.append(self._screen.paint(_decoded(text[begin:end]), _MATCH))
            place = end
        return "".join(parts) + _decoded(text[place:])


def _decoded(text: bytes) -> str:
    return safe(text.decode("utf-8", "replace"))


def _encoded(lines: list[str]) -> bytes:
    lines.append("")
    return "\n".join(lines).encode("utf-8", "replace")


def _object(segment: Segment, found: Found, line: TextLine) -> Mapping[str, object]:
    """Return the contract's object."""
    return {
        "console": segment.console,
        "boot": segment.name.boot,
        "time": line.time or None,
        "line": None if line.note else found.number,
        "note": line.note,
        "text": line.text,
        "match": found.matched,
    }
