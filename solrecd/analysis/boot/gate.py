"""Finds the few lines in which rules are worth a try. Pure.

Nearly every line of a console means nothing, so most of the work is to find that out
cheaply. Two questions are asked of RE2, the cheap one first: where in all of these
lines is anything that some rule needs (see `required_pieces`), and which rules have
all that they need in the line where it stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple, Protocol

import re2

from solrecd.analysis.boot.required_pieces import required_pieces

FINDER_MEMORY: Final = 64 << 20
"""Bytes that the search for needles may use. It uses a few; with too little it would
forget what it has learned again and again, and be ten times as slow."""

_ANY_LINE: Final = r"[^\n]+"


class _Found(Protocol):
    """The part of a match object that is used here."""

    def start(self) -> int:
        """Return where a match begins."""


class _Finder(Protocol):
    """A compiled pattern of bytes."""

    def finditer(self, text: bytes) -> Iterator[_Found]:
        """Find all matches, from left to right."""


class _Filter(Protocol):
    """RE2's filter of many patterns."""

    def Match(self, text: bytes, potential: bool) -> list[int] | None:  # noqa: FBT001, N802
        """Return the indexes of the patterns whose literals are all in a text."""


class Candidate(NamedTuple):
    """A line in which patterns could match."""

    line: int
    """Which line of the block, counted from 0."""
    text: str
    patterns: list[int]
    """Indexes of those patterns, ascending."""


class CandidateFinder(Protocol):
    """Finds lines in which rules could match: a `Gate`, or what it is compared with."""

    def candidates(self, block: str) -> Iterator[Candidate]:
        """Yield the lines of a block that are worth a look, in order."""


class Gate:
    """Lets those lines pass that patterns could match.

    Args:
        patterns: of RE2, known to be right.
    """

    __slots__ = ("_filter", "_finder")

    def __init__(self, patterns: Sequence[str]) -> None:
        self._finder = _finder(patterns)
        self._filter = _filter(patterns)

    def candidates(self, block: str) -> Iterator[Candidate]:
        """Yield the lines of a block that are worth a look, in order."""
        data = block.encode()
        # The line looked at last, and where it ends.
        line = end = 0
        for found in self._finder.finditer(data):
            at = found.start()
            if at < end:
                continue
            line += data.count(b"\n", end, at)
            begin = data.rfind(b"\n", end, at) + 1
            end = data.find(b"\n", at)
            text = data[begin:] if end < 0 else data[begin:end]
            patterns = self._filter.Match(text, True)
            if patterns is not None:
                yield Candidate(line, text.decode(), sorted(patterns))
            if end < 0:
                break


def _finder(patterns: Sequence[str]) -> _Finder:
    """Return what finds a needle of any pattern."""
    wanted = [required_pieces(pattern) for pattern in patterns]
    options = re2.Options()
    options.never_capture = True
    options.max_mem = FINDER_MEMORY
    options.log_errors = False
    # A pattern without a needle could match in every line.
    known = sorted({*chain.from_iterable([found or () for found in wanted])})
    source = _ANY_LINE if None in wanted else "|".join(known)
    finder: _Finder = re2.compile(source.encode(), options)
    return finder


def _filter(patterns: Sequence[str]) -> _Filter:
    options = re2.Options()
    options.log_errors = False
    combined = re2.Filter()
    for pattern in patterns:
        combined.Add(pattern, options)
    combined.Compile()
    found: _Filter = combined
    return found
