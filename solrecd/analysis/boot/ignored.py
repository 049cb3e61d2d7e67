"""Lines that look like events and are none, for people who ask why. Pure."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import re2

from solrecd.analysis.boot.nearest import Nearest
from solrecd.analysis.boot.prefix import Message, Origin, messages
from solrecd.analysis.boot.rules import Matcher, Role, Rule, RuleSet, re2_options


class Why(enum.StrEnum):
    """Why a line is not an event."""

    HARMLESS = "harmless"
    """A rule says that it looks like a failure but is not."""
    COPY = "copy"
    """syslog wrote a message of the kernel to the console again."""
    ECHO = "echo"
    """A person typed it or looks at old messages."""
    PART = "part"
    """It belongs to a report that began before."""
    REPEAT = "repeat"
    """The same was told less than an hour ago."""
    KNOWN = "known"
    """The boot is in that stage already, or past it."""
    EXCLUDED = "excluded"
    """The rule's own ``unless`` is there as well."""
    QUOTED = "quoted"
    """A rule's words, but not at the beginning of a message."""
    ELSEWHERE = "elsewhere"
    """Means something in other stages of a boot only."""
    NEAR = "near"
    """No rule is meant; this is the one that it is most like."""
    OFF = "switched off"
    """An administrator's file switches the rule off."""


TYPED: Final = "a user typed it, or looks at old messages"
"""Said of what a shell shows again."""


class Ignored(NamedTuple):
    """One such line."""

    line: int
    """Number, as events count."""
    rule: str
    """Id of the rule that it looks like."""
    why: Why
    explanation: str
    """For people; what it belongs to, who says so."""
    text: str
    """What the line says."""


Listener = Callable[[Ignored], None]

# A caret that is neither escaped nor in a class: the beginning of a message.
_ANCHOR: Final = re.compile(r"(?<![\\\[])\^")


class NearMisses:
    """Finds out what lines without any marker look like.

    Slow, as it tries rules that cannot match: only for those who ask.

    Args:
        rules: the rules.
        ignored: is told.
    """

    __slots__ = ("_anywhere", "_ignored", "_nearest", "_rules", "_words")

    def __init__(self, rules: RuleSet, ignored: Listener) -> None:
        self._rules = rules
        self._ignored = ignored
        self._nearest = Nearest(rules)
        self._anywhere: dict[str, Matcher] = {}
        # Knows the rules whose words are in a text, wherever they stand in it.
        self._words = re2.Filter()
        for rule in rules.searched:
            self._words.Add(rule.pattern, re2_options())
        self._words.Compile()

    def look(self, text: str, line: int) -> None:
        """Tell what a line is like, if it is like anything."""
        found = messages(text)
        likely = list(self._likely(text))
        told = [rule for rule in likely if rule.role is not Role.NOTE]
        if any(rule.match(each.text) for rule in told for each in found):
            return
        near = next(self._switched_off(found, line), None)
        near = near or next(self._misses(likely, found, line), None)
        near = near or next(self._like(found, line), None)
        if near is not None:
            self._ignored(near)

    def _like(self, found: list[Message], line: int) -> Iterator[Ignored]:
        for message in found:
            near = self._nearest.find(message.text)
            if near is not None:
                lacks = ", ".join(near.lacks)
                said = (
                    f"most like this rule, but lacks: {lacks}"
                    if lacks
                    else ("has this rule's words, in another order or form")
                )
                yield Ignored(line, near.rule.id, Why.NEAR, said, message.text)

    def _switched_off(self, found: list[Message], line: int) -> Iterator[Ignored]:
        for rule, source in self._rules.switched_off:
            for message in found:
                if rule.match(message.text) is not None:
                    said = f"{source} switches it off"
                    yield Ignored(line, rule.id, Why.OFF, said, message.text)

    def _likely(self, text: str) -> Iterator[Rule]:
        """Yield the rules whose words are in a line."""
        for index in sorted(self._words.Match(text.encode(), True) or ()):
            yield self._rules.searched[index]

    def _misses(
        self, likely: list[Rule], found: list[Message], line: int
    ) -> Iterator[Ignored]:
        for rule in likely:
            if rule.role is not Role.FAILURE and rule.role is not Role.STAGE:
                continue
            for message in found:
                if rule.matcher.search(message.text) is not None:
                    said = "the rule's unless excludes it"
                    yield Ignored(line, rule.id, Why.EXCLUDED, said, message.text)
                elif self._unanchored(rule).search(message.text) is not None:
                    why, said = _elsewhere(message)
                    yield Ignored(line, rule.id, why, said, message.text)

    def _unanchored(self, rule: Rule) -> Matcher:
        known = self._anywhere.get(rule.id)
        if known is None:
            known = re2.compile(_ANCHOR.sub("", rule.pattern), re2_options())
            self._anywhere[rule.id] = known
        return known


def _elsewhere(message: Message) -> tuple[Why, str]:
    """Say why words do not count where they stand."""
    if message.origin is Origin.ECHO:
        return Why.ECHO, TYPED
    return Why.QUOTED, "counts at the beginning of a message only"
