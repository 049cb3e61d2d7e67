"""Marker files put together: the packaged ones, then the administrator's. Pure.

An administrator's own files add rules, switch packaged ones off (``disable``), and
replace them (a rule with the same id, in the same place).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from solrecd.analysis.boot.rulefiles import frames
from solrecd.analysis.boot.rulefiles.entry import EntryReader
from solrecd.analysis.boot.rulefiles.places import Places, find_places
from solrecd.analysis.boot.rulefiles.problems import Problem, RuleError, did_you_mean
from solrecd.analysis.boot.rules import Rule, RuleSet, SwitchedOff, rule_set

_SHAPES: Final[Mapping[str, tuple[type, str]]] = {
    "disable": (list, "a list of rule ids, disable = ['io.err']"),
    "frames": (dict, "a table, [frames]"),
    "marker": (list, "tables, [[marker]] above each rule"),
}

_AT_LINE: Final = re.compile(r" \(at line (\d+), column \d+\)\Z")


def load_rules(
    packaged: Mapping[str, str],
    own: Mapping[str, str] | None = None,
    problems: Iterable[Problem] = (),
) -> RuleSet:
    """Read marker files.

    Args:
        packaged: file name -> its text, in order of priority.
        own: the administrator's; the same.
        problems: what is known to be wrong already, to be told with the rest.

    Raises:
        RuleError: anything in any file is wrong.
    """
    loader = _Loader(problems)
    for source, text in packaged.items():
        loader.read(source, text)
    loader.replaceable = dict(loader.rules)
    for source, text in (own or {}).items():
        loader.read(source, text)
    if loader.problems:
        raise RuleError(loader.problems)
    return loader.rule_set()


class _Loader:
    """Takes one file after the other."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        self.rules: dict[str, Rule] = {}
        self.replaceable: dict[str, Rule] = {}
        """Rules that a file may redefine: the packaged ones, once all are read."""
        self._switched_off: list[SwitchedOff] = []
        self._frames: dict[str, Any] = {}

    def rule_set(self) -> RuleSet:
        rules, built = list(self.rules.values()), frames.build(self._frames)
        return rule_set(rules, built, self._switched_off)

    def read(self, source: str, text: str) -> None:
        """Take a file: switch off, then add, so that it can do both with one id."""
        known = len(self.problems)
        self._read(source, text)
        found = self.problems[known:]
        self.problems[known:] = sorted(found, key=lambda problem: problem.line or 0)

    def _read(self, source: str, text: str) -> None:
        try:
            document = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            self.problems.append(_not_toml(source, error))
            return
        places = find_places(text)
        sound = self._sound(source, document, places)
        self._disable(source, sound.get("disable", []), places)
        self._add_frames(source, sound.get("frames", {}), places)
        for number, values in enumerate(sound.get("marker", [])):
            self._add_rule(source, number, values, places)

    def _sound(
        self, source: str, document: Mapping[str, Any], places: Places
    ) -> Mapping[str, Any]:
        """Return what has the right shape, and complain of the rest."""
        sound = {}
        for key, value in document.items():
            if key not in _SHAPES:
                hint = did_you_mean(key, _SHAPES)
                text = f"unknown key {key!r}{hint} (allowed: {', '.join(_SHAPES)})"
                self.problems.append(Problem(source, places.line(key), "", text))
            elif not isinstance(value, _SHAPES[key][0]):
                text = f"{key} must be {_SHAPES[key][1]}"
                self.problems.append(Problem(source, places.line(key), "", text))
            else:
                sound[key] = value
        return sound

    def _disable(self, source: str, names: list[object], places: Places) -> None:
        for name in map(str, names):
            rule = self.rules.pop(name, None)
            if rule is not None:
                self._switched_off.append(SwitchedOff(rule, source))
            elif name not in self.replaceable:
                hint = did_you_mean(name, self.rules)
                text = f"there is no rule {name!r}{hint}"
                line = places.line("disable")
                self.problems.append(Problem(source, line, "disable", text))

    def _add_frames(
        self, source: str, values: Mapping[str, Any], places: Places
    ) -> None:
        table = places.tables.get("frames") or places.top
        found = list(frames.complaints(values))
        self.problems += [
            Problem(source, table.line(key), "frames", text) for key, text in found
        ]
        if not found:
            frames.add(self._frames, values)

    def _add_rule(
        self, source: str, number: int, values: object, places: Places
    ) -> None:
        if not isinstance(values, dict):
            text = "marker must be tables, [[marker]] above each rule"
            self.problems.append(Problem(source, places.line("marker"), "", text))
            return
        table = places.marker(number)
        entry = EntryReader(source, number + 1, values, table, self.problems)
        rule = entry.read()
        if rule is None:
            return
        if self.replaceable:
            entry.check_words(rule)
        known = self.rules.get(rule.id)
        if known is not None and known is not self.replaceable.get(rule.id):
            line = "" if known.line is None else f":{known.line}"
            where = f"{known.source}{line}"
            entry.complain("id", f"already defined in {where}; choose another id")
        self.rules[rule.id] = rule


def _not_toml(source: str, error: Exception) -> Problem:
    text = str(error)
    place = _AT_LINE.search(text)
    line = None if place is None else int(place[1])
    return Problem(source, line, "", f"not TOML: {_AT_LINE.sub('', text)}")
