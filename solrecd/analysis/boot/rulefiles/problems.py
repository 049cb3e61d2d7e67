"""What is wrong with marker files: every problem at once, each with its place."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import NamedTuple

from solrecd.config.problems import in_lines, placed


class Problem(NamedTuple):
    """One thing that is wrong, and where."""

    file: str
    line: int | None
    """1-based; None where the text does not tell."""
    rule: str
    """The rule's id, or what else the problem is in; empty for a whole file."""
    text: str
    """What was found and what to do."""

    def __str__(self) -> str:
        return placed(self.file, self.line, self.rule, self.text)


class RuleError(ValueError):
    """Marker files cannot be used; `problems` says all that is wrong with them.

    Its text has one line for each problem, up to a bound (`solrecd.config.problems`).
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return in_lines(self.problems)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint to the known word that is most like another, if one is."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
