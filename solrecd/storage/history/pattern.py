"""Finds the lines of a log that match a pattern, a whole frame at a time.

Google's RE2 searches in linear time, whatever the pattern. It is asked once per match
and not once per line: a frame is searched as one text, stamps and all, and only what
was found is looked at more closely.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import re2

from solrecd.storage.formats.lines import LINE_MARK, MARK_POSITION, NOTE_MARK
from solrecd.storage.history.required_words import (
    Question,
    question_of_pattern,
    question_of_text,
)

TEXT_POSITION = MARK_POSITION + 2
"""Index of the text in a line of a log."""

_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")

_EDGES = re.compile(r"\^|\\[Az]|\(\?[imsU]*-[isU]*m")
"""What looks for the beginning or end of a text, and so must not see a whole frame."""

_UNSURE = re.compile(r"[|]|\\[Az]|\^|^[*+?{]|\(\?[imsU]*-[isU]*m")
"""Behind the beginning: what could make the beginning one alternative of several."""

_PREFIX = r"(?m:^).{27} [|#] "


class PatternError(Exception):
    """A pattern cannot be used."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position
        """Of the character in the pattern at which it is wrong."""


class Span(NamedTuple):
    """From where to where, bytes."""

    begin: int
    end: int


class Pattern:
    """A pattern ready to search with."""

    def __init__(self, pattern: str, *, fixed: bool, ignore_case: bool) -> None:
        """Compile a pattern.

        Args:
            pattern: a regular expression as RE2 has them.
            fixed: it is plain text.
            ignore_case: upper and lower case match each other.

        Raises:
            PatternError: it is not a regular expression.
        """
        pattern = pattern if fixed else _closed(pattern)
        fixed = fixed or not _SPECIAL.search(pattern)
        self.question: Question = (
            question_of_text(pattern) if fixed else question_of_pattern(pattern)
        )
        self._text = pattern.encode("utf-8", "replace")
        self._is_text = fixed and not ignore_case
        source = re2.escape(pattern) if fixed else pattern
        self._line = _compile(source, pattern, ignore_case=ignore_case)
        bulk = source if fixed else _bulk(source)
        self._bulk = (
            None
            if bulk is None
            else _compile(f"(?:{bulk})[^\\n]*", pattern, ignore_case=ignore_case)
        )

    def lines(self, text: bytes) -> Iterator[Span]:
        """Yield where the lines are that match, without their ends."""
        if self._is_text and self._text:
            return self._find(text)
        if self._bulk is None:
            return self._search_each(text)
        return self._search(text, self._bulk)

    def spans(self, text: bytes) -> list[Span]:
        """Return the parts of a line's text that match and are not empty."""
        found = (Span(*match.span()) for match in self._line.finditer(text))
        return [span for span in found if span.end > span.begin]

    def _find(self, text: bytes) -> Iterator[Span]:
        place = text.find(self._text)
        while place >= 0:
            line = _line_at(text, place)
            if place >= line.begin + TEXT_POSITION or self._in_text(text, line):
                yield line
            place = text.find(self._text, line.end)

    def _search(self, text: bytes, bulk: Any) -> Iterator[Span]:
        last = -1
        for match in bulk.finditer(text):
            place = match.start()
            line = _line_at(text, place)
            if line.begin == last or line.begin == len(text):
                continue
            last = line.begin
            if place >= line.begin + TEXT_POSITION or self._in_text(text, line):
                yield line

    def _search_each(self, text: bytes) -> Iterator[Span]:
        begin = 0
        while begin < len(text):
            line = _line_at(text, begin)
            if self._in_text(text, line):
                yield line
            begin = line.end + 1

    def _in_text(self, text: bytes, line: Span) -> bool:
        whole = text[line.begin : line.end]
        return self._line.search(whole[text_begin(whole) :]) is not None


_QUOTES = re.compile(r"\\Q(?:(?!\\E).)*(\\E)?|\\.", re.DOTALL)


def _closed(pattern: str) -> str:
    r"""Return a pattern whose last ``\Q`` ends; RE2 has it go on to the end.

    In a larger pattern it would take the rest of that, too.
    """
    quotes = [found for found in _QUOTES.finditer(pattern) if found[0][:2] == r"\Q"]
    is_open = bool(quotes) and quotes[-1][1] is None
    return pattern + r"\E" if is_open else pattern


def text_begin(line: bytes) -> int:
    """Return where a line's text begins: behind stamp and mark, if it has them."""
    marked = len(line) > MARK_POSITION and line[MARK_POSITION] in _MARKS
    return TEXT_POSITION if marked else 0


_MARKS = (LINE_MARK, NOTE_MARK)


def _line_at(text: bytes, place: int) -> Span:
    """Return the line around a place of a text."""
    end = text.find(b"\n", place)
    return Span(text.rfind(b"\n", 0, place) + 1, len(text) if end < 0 else end)


def _bulk(pattern: str) -> str | None:
    """Return what finds the same lines in a whole frame, and perhaps more; None: none.

    A beginning of a text can be told in a frame only where it is the whole pattern's.
    """
    if not _EDGES.search(pattern):
        return f"(?m:{pattern})"
    rest = pattern.removeprefix("^")
    if rest != pattern and not _UNSURE.search(rest):
        return f"{_PREFIX}(?m:{rest})"
    return None


def _compile(source: str, pattern: str, *, ignore_case: bool) -> Any:
    options = re2.Options()
    options.case_sensitive = not ignore_case
    options.never_nl = True
    options.never_capture = True
    options.log_errors = False
    try:
        return re2.compile(source, options)
    except re2.error as error:
        raise _explained(error, pattern) from None


def _explained(error: Exception, pattern: str) -> PatternError:
    """Return RE2's words, and where in the pattern they apply."""
    words = error.args[0]
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    reason, _, fragment = text.partition(": ")
    if reason.startswith("missing )"):
        return PatternError(reason, len(pattern))
    position = pattern.find(")" if reason.startswith("unexpected )") else fragment)
    return PatternError(text, max(position, 0))
