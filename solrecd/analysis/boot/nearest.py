"""Which rule a line without a rule is most like, and what it lacks. Pure.

For people who ask why nothing was told of a line that reads like a failure. Slow, as it
compares words with those of all rules.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from solrecd.analysis.boot.rules import Role, Rule, RuleSet

SHARE: Final = 0.5
"""Part of a rule's words from which on a line is like it."""

COMMON: Final = 2
"""Words that they need to have in common; "failed" alone is everywhere."""

_WORD: Final = re.compile(r"[a-z]{4,}")

# What is not part of the text that a pattern matches.
_NO_TEXT: Final = re.compile(r"\(\?P<\w+>|\\[a-zA-Z]|\[[^\]]*\]")

_SOUNDS_BAD: Final = re.compile(
    r"(?i)\b(?:error|fail\w*|panic|fatal|cannot|can't|could not|couldn't|unable"
    r"|abort\w*|not found|time[d ]?\s?out|timeout|corrupt\w*|denied|refused|invalid"
    r"|missing|dead|hung|stuck|waiting|halted|emergency|press|enter)\b"
)


class Near(NamedTuple):
    """The rule that a line is most like."""

    rule: Rule
    lacks: tuple[str, ...]
    """Words of the rule that the line has not, in alphabetical order."""


class Nearest:
    """Finds the failure that a line is most like.

    Args:
        rules: the rules.
    """

    __slots__ = ("_words",)

    def __init__(self, rules: RuleSet) -> None:
        failures = [rule for rule in rules.rules if rule.role is Role.FAILURE]
        self._words = [(rule, _words_of(rule)) for rule in failures]

    def find(self, text: str) -> Near | None:
        """Return what a line is like, None where it does not sound like a failure."""
        if not _SOUNDS_BAD.search(text):
            return None
        words = set(_WORD.findall(text.lower()))
        best, share = None, 0.0
        for rule, needed in self._words:
            common = len(needed & words)
            if common >= COMMON and common > share * len(needed):
                best, share = (
                    Near(rule, tuple(sorted(needed - words))),
                    common / len(needed),
                )
        return best if share >= SHARE else None


def _words_of(rule: Rule) -> set[str]:
    """Return the words of a rule's example that its pattern asks for."""
    asked = set(_WORD.findall(_NO_TEXT.sub(" ", rule.pattern).lower()))
    return asked & set(_WORD.findall(rule.example.lower()))
