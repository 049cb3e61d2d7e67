"""What is allowed in marker files and hardly meant. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from solrecd.analysis.boot.detector import Detector, Marker
from solrecd.analysis.boot.rulefiles.problems import Problem
from solrecd.analysis.boot.rules import Role, Rule, RuleSet, Scope

_ALIKE: Final = 0.8
"""Similarity of a new name to a known one from which on it is a slip of the pen."""


def rule_warnings(
    rules: RuleSet, own: Sequence[Rule], known_names: Collection[str]
) -> Iterator[Problem]:
    """Yield doubts about an administrator's rules.

    Args:
        rules: all rules.
        own: the administrator's among them.
        known_names: names of failures that solrecd explains.
    """
    detector = Detector(rules)
    for rule in own:
        first = _first(detector, rule)
        if first is not None:
            yield Problem(
                rule.source, rule.line, rule.id,
                f"its example is taken by rule {first.id} ({first.name}), which comes "
                f"before it: add {first.id!r} to disable, or use that id to replace it",
            )  # fmt: skip
        if rule.role is Role.FAILURE and rule.name not in known_names:
            close = difflib.get_close_matches(rule.name, known_names, 1, _ALIKE)
            if close:
                text = f"the name {rule.name!r} is new; did you mean {close[0]!r}?"
                yield Problem(rule.source, rule.line, rule.id, text)


def _first(detector: Detector, rule: Rule) -> Rule | None:
    """Return the rule that takes a rule's example from it, if one does."""
    found: list[Marker] = []
    if rule.scope is Scope.PROMPT:
        prompt = detector.prompt(rule.example)
        found = [] if prompt is None else [prompt]
    else:
        found = list(detector.scan([rule.example]))
    taken = [marker.rule for marker in found]
    return taken[0] if taken and rule not in taken else None
