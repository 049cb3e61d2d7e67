"""From lines to markers. Pure.

Nearly every line of a console means nothing, so most of the work is to find that out
cheaply: RE2 looks for the literal texts that the rules need, first in a block of
lines, then in each line of a block that has one, and only then are the few rules that
could match tried on the line's messages, in order of priority.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from solrecd.boot.prefix import Message, messages
from solrecd.boot.rules import Matched, Rule, RuleSet, Scope

BLOCK_LINES: Final = (64, 16, 4, 1)
"""Lines looked at in one go; measured best on crash logs and on healthy boots."""


class Marker(NamedTuple):
    """A rule's match in a line."""

    rule: Rule
    line: int
    """Which of the lines, counted from 0."""
    message: Message
    groups: dict[str, str]


class Detector:
    """Matches lines against rules; holds no state between calls."""

    __slots__ = ("_gate", "_prompts", "_rules")

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules.searched
        self._prompts = rules.prompts
        self._gate = rules.gate

    def scan(self, texts: Sequence[str]) -> Iterator[Marker]:
        """Yield the markers in lines, in order."""
        yield from self._scan(texts, 0, len(texts), 0)

    def _scan(
        self, texts: Sequence[str], begin: int, end: int, level: int
    ) -> Iterator[Marker]:
        """Look at blocks, then at the blocks within those that have something."""
        size = BLOCK_LINES[level]
        for first in range(begin, end, size):
            last = min(first + size, end)
            block = "\n".join(texts[first:last]).encode()
            candidates = self._gate.Match(block, True)
            if candidates is None:
                continue
            if size > 1:
                yield from self._scan(texts, first, last, level + 1)
            else:
                yield from self._line(first, texts[first], sorted(candidates))

    def prompt(self, text: str) -> Marker | None:
        """Look at an unfinished line that has been quiet for a while."""
        message = Message(text.strip("\r "))
        for rule in itertools.chain(self._prompts, self._rules):
            if rule.scope is Scope.KERNEL:
                continue
            found = rule.match(text)
            if found is not None:
                return _marker(rule, 0, message, found)
        return None

    def _line(self, index: int, text: str, candidates: list[int]) -> Iterator[Marker]:
        rules = [self._rules[candidate] for candidate in candidates]
        for message in messages(text):
            marker = _first(rules, index, message)
            if marker is not None:
                yield marker


def _first(rules: Sequence[Rule], index: int, message: Message) -> Marker | None:
    for rule in rules:
        found = rule.match(message.text)
        if found is not None:
            return _marker(rule, index, message, found)
    return None


def _marker(rule: Rule, index: int, message: Message, found: Matched) -> Marker:
    groups = {name: text for name, text in found.groupdict().items() if text}
    return Marker(rule, index, message, groups)
