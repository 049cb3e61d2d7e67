"""From lines to markers. Pure.

Where the gate sees that rules could match in a line, those few are tried on each of
the line's messages, in order of priority.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from solrecd.analysis.boot.prefix import (
    Message,
    messages,
    undoubled,
    without_caret_colours,
)
from solrecd.analysis.boot.rules import Matched, Rule, RuleSet, Scope
from solrecd.events.stages import Stage

DOUBLED: Final = "doubled"
"""The note of a line in which each character was printed twice."""


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
        block = without_caret_colours("\n".join(texts))
        for line, text, patterns in self._gate.candidates(block):
            rules = [self._rules[pattern] for pattern in patterns]
            for message in messages(text):
                marker = _first(rules, line, message)
                if marker is None:
                    continue
                yield marker
                if marker.rule.name == DOUBLED:
                    for single in self.scan([undoubled(text)]):
                        yield single._replace(line=line)

    def prompt(self, text: str, stage: Stage | None = None) -> Marker | None:
        """Look at an unfinished line that has been quiet for a while.

        Args:
            text: the line.
            stage: of the boot, because short prompts mean something else elsewhere;
                None: any.
        """
        message = Message(text.strip("\r "))
        for rule in itertools.chain(self._prompts, self._rules):
            if rule.scope is Scope.KERNEL:
                continue
            if stage is not None and not rule.is_meant(stage):
                continue
            found = rule.match(text)
            if found is not None:
                return _marker(rule, 0, message, found)
        return None


def _first(rules: Sequence[Rule], index: int, message: Message) -> Marker | None:
    for rule in rules:
        found = rule.match(message.text)
        if found is not None:
            return _marker(rule, index, message, found)
    return None


def _marker(rule: Rule, index: int, message: Message, found: Matched) -> Marker:
    groups = {name: text for name, text in found.groupdict().items() if text}
    return Marker(rule, index, message, groups)
