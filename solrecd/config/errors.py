"""What is wrong with a configuration: every problem at once, each with its place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from solrecd.config.problems import MAX_SHOWN, in_lines, placed


class Problem(NamedTuple):
    """One thing that is wrong, and where."""

    file: str
    line: int | None
    """1-based; None where the text does not tell."""
    key: str
    """As TOML writes it, ``console."node[1-3]".port``; empty for a whole file."""
    text: str
    """What was found and what is allowed."""

    def __str__(self) -> str:
        return placed(self.file, self.line, self.key, self.text)


class ConfigError(Exception):
    """The configuration cannot be used; `problems` says all that is wrong with it.

    Its text has one line for each problem, at most `MAX_SHOWN` of them.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    @property
    def shown(self) -> tuple[Problem, ...]:
        """Those that people are told."""
        return self.problems[:MAX_SHOWN]

    def __str__(self) -> str:
        return in_lines(self.problems)


class Problems:
    """Collects problems in the order found; the same one counts once."""

    def __init__(self) -> None:
        self._found: dict[Problem, None] = {}

    def add(self, problem: Problem) -> None:
        """Note a problem."""
        self._found[problem] = None

    def raise_any(self) -> None:
        """Do nothing while there are none.

        Raises:
            ConfigError: with all that were noted.
        """
        if self._found:
            raise ConfigError(self._found)
