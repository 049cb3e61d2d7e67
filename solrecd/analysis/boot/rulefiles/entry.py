"""One ``[[marker]]`` of a marker file: checked, and made a rule. Pure."""

from __future__ import annotations

import enum
import re
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import Any, Final, TypeVar

from solrecd.analysis.boot.prefix import messages
from solrecd.analysis.boot.rulefiles.patterns import (
    PatternError,
    compile_pattern,
    has_words,
)
from solrecd.analysis.boot.rulefiles.places import Table
from solrecd.analysis.boot.rulefiles.problems import Problem, did_you_mean
from solrecd.analysis.boot.rules import Blame, Matcher, Role, Rule, Scope
from solrecd.events.event import Severity
from solrecd.events.stages import BOOT_STAGES, Stage

_E = TypeVar("_E", bound=enum.StrEnum)

_TEXTS: Final = (
    "id", "role", "name", "scope", "severity", "pattern", "unless", "example", "detail",
    "title", "blame", "demote", "keep", "milder", "read_from",
)  # fmt: skip
_SWITCHES: Final = (
    "prelude", "background", "begins", "inside", "previous", "quiet", "reveals",
    "chains", "summary",
)  # fmt: skip
_LISTS: Final = ("skip", "details", "stages")
_KEYS: Final = (*_TEXTS, *_SWITCHES, *_LISTS)
_REQUIRED: Final = ("id", "role", "name", "pattern", "example")

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")

_ENDINGS: Final = ("shutdown", "reset", "off", "halt", "kexec")

_FILLED_IN: Final = ("function", "headline")
"""Names that a title may use besides the pattern's groups."""

_DEFAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {"scope": Scope.SCREEN, "severity": Severity.INFO, "blame": Blame.NONE}
)


class EntryReader:
    """Reads one rule.

    Args:
        source: the file.
        number: of the rule in it, from 1.
        values: what stands there.
        places: on which lines.
        problems: are added to.
    """

    def __init__(
        self,
        source: str,
        number: int,
        values: Mapping[str, Any],
        places: Table,
        problems: list[Problem],
    ) -> None:
        self._source = source
        self._values = values
        self._places = places
        self._problems = problems
        known = values.get("id")
        self.label = known if isinstance(known, str) else f"marker {number}"
        """What the rule is called in problems."""

    def complain(self, key: str, text: str) -> None:
        """Note a problem with a key."""
        line = self._places.line(key)
        self._problems.append(Problem(self._source, line, self.label, text))

    def read(self) -> Rule | None:
        """Return the rule, None when there is anything wrong with it."""
        before = len(self._problems)
        self._check_keys()
        known = len(self._problems)
        self._check_shapes()
        if len(self._problems) > known:
            return None
        values = self._values
        role = self._member(Role, "role")
        if role is not None:
            self._check_name(role)
        pattern = self._pattern("pattern")
        scope = self._member(Scope, "scope")
        severity = self._member(Severity, "severity")
        blame = self._member(Blame, "blame")
        made: dict[str, Any] = {
            "unless": self._pattern("unless"),
            "demote": self._pattern("demote"),
            "keep": self._pattern("keep"),
            "milder": self._pattern("milder"),
            "stages": self._stages(),
            "details": self._patterns("details"),
        }
        if pattern is not None:
            self._check_title([pattern, *made["details"]])
        if not (role and scope and pattern and severity and blame):
            return None
        rule = Rule(
            id=values["id"],
            role=role,
            name=values["name"],
            scope=scope,
            severity=severity,
            blame=blame,
            pattern=values["pattern"],
            matcher=pattern,
            source=self._source,
            line=self._places.head,
            example=values["example"],
            detail=values.get("detail"),
            title=values.get("title"),
            read_from=values.get("read_from"),
            skip=tuple(values.get("skip", ())),
            **{key: values.get(key, False) for key in _SWITCHES},
            **made,  # None only where there is a problem
        )
        self._check_example(rule)
        return rule if len(self._problems) == before else None

    def check_words(self, rule: Rule) -> None:
        """Complain of a rule that would make all consoles slow.

        This takes as long as the rest of the reading; tests do it for packaged rules.
        """
        if rule.scope is not Scope.PROMPT and not has_words(rule.pattern):
            self.complain(
                "pattern",
                "pattern needs no text of three letters or more, so that every line of "
                "every console would have to be tried; add a word that is always there",
            )

    def _check_keys(self) -> None:
        for key in sorted(self._values.keys() - set(_KEYS)):
            hint = did_you_mean(key, _KEYS)
            allowed = ", ".join(sorted(_KEYS))
            self.complain(key, f"unknown key {key!r}{hint} (allowed: {allowed})")

    def _check_shapes(self) -> None:
        """Check that keys hold what they should."""
        for key in _REQUIRED:
            if key not in self._values:
                self.complain(key, f"{key} is missing")
        self._check_each(_TEXTS, lambda value: isinstance(value, str), "a text")
        self._check_each(
            _SWITCHES, lambda value: isinstance(value, bool), "true or false"
        )
        self._check_each(_LISTS, _is_texts, "a list of texts")
        known = self._values.get("id")
        if isinstance(known, str) and not _ID.match(known):
            self.complain("id", "id must be letters, digits, dots, dashes; at most 63")

    def _check_each(
        self, keys: Iterable[str], fits: Callable[[object], bool], what: str
    ) -> None:
        for key in keys:
            if key in self._values and not fits(self._values[key]):
                self.complain(key, f"{key} must be {what}")

    def _check_name(self, role: Role) -> None:
        name = self._values["name"]
        if role is Role.STAGE:
            self._check_word("name", name, BOOT_STAGES)
        elif role is Role.ENDING:
            self._check_word("name", name, _ENDINGS)
        elif not _NAME.match(name):
            text = f"name {name!r} must be like 'disk_full': it is a metric's label"
            self.complain("name", text)

    def _check_word(self, key: str, word: str, allowed: Iterable[str]) -> bool:
        words = [str(each) for each in allowed]
        if word in words:
            return True
        hint = did_you_mean(word, words)
        self.complain(key, f"{key} {word!r} is none of: {', '.join(words)}{hint}")
        return False

    def _member(self, kind: type[_E], key: str) -> _E | None:
        word = self._values.get(key, _DEFAULTS.get(key))
        return kind(word) if self._check_word(key, word, kind) else None

    def _stages(self) -> tuple[Stage, ...]:
        words = self._values.get("stages", ())
        allowed = (Stage.UNKNOWN, *BOOT_STAGES)
        return tuple(
            Stage(word) for word in words if self._check_word("stages", word, allowed)
        )

    def _pattern(self, key: str) -> Matcher | None:
        pattern = self._values.get(key)
        return None if pattern is None else self._compiled(key, pattern)

    def _patterns(self, key: str) -> tuple[Matcher, ...]:
        found = [self._compiled(key, each) for each in self._values.get(key, ())]
        return tuple(filter(None, found))

    def _compiled(self, key: str, pattern: str) -> Matcher | None:
        try:
            return compile_pattern(pattern)
        except PatternError as error:
            self.complain(key, f"{key} {error}")
            return None

    def _check_title(self, patterns: Sequence[Matcher]) -> None:
        title = self._values.get("title")
        if title is None:
            return
        known = {*_FILLED_IN, *chain.from_iterable(map(_groups, patterns))}
        try:
            used = [part[1] for part in string.Formatter().parse(title) if part[1]]
        except ValueError as error:
            self.complain("title", f"title cannot be filled in: {error}")
            return
        for name in used:
            if name not in known:
                self.complain(
                    "title",
                    f"title: there is no {{{name}}}; known: {', '.join(sorted(known))}",
                )

    def _check_example(self, rule: Rule) -> None:
        """Try the rule on its own example as a detector would."""
        example = rule.example
        if "\n" in example or "\r" in example:
            self.complain("example", "example must be one line")
            return
        texts = [example]
        if rule.scope is not Scope.PROMPT:
            texts = [message.text for message in messages(example)]
        if any(rule.match(text) is not None for text in texts):
            return
        if any(rule.matcher.search(text) is not None for text in texts):
            self.complain("unless", f"unless excludes the own example {example!r}")
            return
        seen = "" if example in texts else f" (looked at as {texts[-1]!r})"
        self.complain("pattern", f"does not match its own example {example!r}{seen}")


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _groups(pattern: Matcher) -> Iterable[str]:
    return pattern.groupindex
