"""Marker rules: TOML text in, checked and frozen rules out. Pure.

A rule is data, so that a vendor's new wording is a line in a file and not a release.
Each carries an example that it must match: a rule that cannot recognise its own
example is refused when it is loaded, with its file and name. Patterns are RE2, whose
matching time is linear in the text, so that a user's pattern can be wrong but never
slow; what look-ahead would do elsewhere is the key ``unless`` here.
"""

from __future__ import annotations

import enum
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final, Protocol, TypeVar

import re2

from solrecd.events import Severity, Stage

_E = TypeVar("_E", bound=enum.StrEnum)


class RuleError(ValueError):
    """A marker file cannot be used; the message names file, rule and remedy."""


class Role(enum.StrEnum):
    """What a rule's match is good for."""

    STAGE = "stage"
    FAILURE = "failure"
    ENDING = "ending"
    """The system announces that it goes down; `Rule.name` is shutdown or reset."""
    NOTE = "note"
    """Facts only: no event, no motion."""
    SUPPRESS = "suppress"
    """Looks like a failure and is none."""


class Scope(enum.StrEnum):
    """Where a rule looks."""

    KERNEL = "kernel"
    """A message after its stamp and prefixes; patterns are anchored there."""
    SCREEN = "screen"
    """Any line, searched."""
    PROMPT = "prompt"
    """The unfinished last line, once it has been quiet."""


class Blame(enum.StrEnum):
    """How the function at fault is found in a report (see `blame`)."""

    NONE = "none"
    TRACE = "trace"
    """Headline, then instruction pointer, then call trace."""
    FRAMES = "frames"
    """The call trace alone."""
    LOCK = "lock"
    """Where lockdep says that the lock is taken."""
    STALL = "stall"
    """The caller below the loop: stalls stop at a random frame."""
    HUNG = "hung"
    """The first frame that is not about waiting."""


class Matched(Protocol):
    """The part of a match object that solrecd uses."""

    def group(self, name: int | str = 0, /) -> str | None:
        """Return a group's text."""

    def groupdict(self) -> dict[str, str | None]:
        """Return all named groups."""


class Gate(Protocol):
    """RE2's filter of many patterns."""

    def Match(self, text: bytes, potential: bool) -> list[int] | None:  # noqa: FBT001, N802
        """Return the indexes of the patterns whose literals are all in a text."""


class Matcher(Protocol):
    """A compiled RE2 pattern."""

    def search(self, text: str) -> Matched | None:
        """Find the first match."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One marker."""

    id: str
    role: Role
    name: str
    """Stage or failure name as events carry it."""
    scope: Scope
    severity: Severity
    pattern: str
    matcher: Matcher = field(repr=False, compare=False)
    source: str
    """The file that the rule stands in."""
    example: str = ""
    unless: Matcher | None = field(default=None, repr=False, compare=False)
    """A message that this finds as well is not meant."""
    detail: str | None = None
    """A finer stage name."""
    title: str | None = None
    """Headline with ``{function}`` and groups filled in, where the printed one names
    a process or an address and would differ on every machine."""
    blame: Blame = Blame.NONE
    skip: tuple[str, ...] = ()
    """Further parts of function names that are never at fault here."""
    prelude: bool = False
    """The real headline follows within a few lines and replaces this one."""
    background: bool = False
    """Says nothing new while a report is open, where it is a detail."""
    demote: Matcher | None = field(default=None, repr=False, compare=False)
    """A report with this in it is a program's crash, ``user_crash``, not a kernel's:
    Go's panics read like BSD's."""
    keep: Matcher | None = field(default=None, repr=False, compare=False)
    """A report with this in it is not demoted: gVisor is a kernel written in Go."""
    begins: bool = False
    """Only printed at the very start of its stage: seen again, a new boot began."""

    def match(self, text: str) -> Matched | None:
        """Return the match of this rule in a message or line."""
        found = self.matcher.search(text)
        if found is None or (self.unless is not None and self.unless.search(text)):
            return None
        return found


@dataclass(frozen=True, slots=True)
class Frames:
    """Which functions of a call trace say nothing about its cause."""

    machinery: tuple[str, ...] = ()
    """Patterns of names, of all families: reports, checkers, locks, copying ..."""
    waiting: tuple[str, ...] = ()
    """Parts of names: what every blocked task stands in."""
    gathering: Mapping[str, str] = field(default_factory=dict)
    """Waits that many victims share: prefix of a name -> the name to blame."""
    quiet: tuple[str, ...] = ()
    """Parts of names: interrupts that found a CPU stalled."""
    stalling: Mapping[str, str] = field(default_factory=dict)
    """Like `gathering`, for stalls."""
    anchors: tuple[str, ...] = ()
    """Patterns of names that dispatch work: the frame above one is the work."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules in order of priority, and what they share.

    Built once and shared by all consoles: compiling takes longer than reading a boot.
    """

    rules: tuple[Rule, ...]
    frames: Frames

    @property
    def failure_names(self) -> list[str]:
        """The names that failure events can have, sorted."""
        named = {rule.name for rule in self.rules if rule.role is Role.FAILURE}
        return sorted(named | WITHOUT_RULE)

    searched: tuple[Rule, ...]
    """Rules for finished lines; suppression decides before anything else does."""
    prompts: tuple[Rule, ...]
    gate: Gate = field(repr=False, compare=False)
    """Tells which of `searched` could match a text, by the literals they need."""


WITHOUT_RULE: Final = frozenset({"console_noise", "reboot", "reboot_loop"})
"""Failures that no line tells: unreadable output, resets without a shutdown, and many
of them without a login between."""

_KEYS: Final = frozenset(
    [
        "id",
        "role",
        "name",
        "scope",
        "severity",
        "pattern",
        "unless",
        "example",
        "detail",
        "title",
        "blame",
        "skip",
        "prelude",
        "background",
        "demote",
        "keep",
        "begins",
    ]
)
_REQUIRED: Final = ("id", "role", "name", "pattern", "example")
_TOP_KEYS: Final = frozenset({"marker", "frames", "disable"})


def load_rules(texts: Mapping[str, str]) -> RuleSet:
    """Read marker files; a later file may add rules and switch off earlier ones.

    Args:
        texts: file name -> its text, in order of priority.

    Raises:
        RuleError: a file, a rule or a rule's own example is wrong.
    """
    rules: dict[str, Rule] = {}
    frames: dict[str, Any] = {}
    for source, text in texts.items():
        document = _document(source, text)
        frames.update(document.get("frames", {}))
        for rule in _rules(source, text, document):
            if rule.id in rules:
                where = rules[rule.id].source
                raise RuleError(f"{source}: {rule.id}: already defined in {where}")
            rules[rule.id] = rule
        for name in document.get("disable", ()):
            if rules.pop(name, None) is None:
                raise RuleError(f"{source}: disable: there is no rule {name!r}")
    return _rule_set(list(rules.values()), _frames(frames))


def _rule_set(rules: list[Rule], frames: Frames) -> RuleSet:
    searched = [rule for rule in rules if rule.scope is not Scope.PROMPT]
    searched.sort(key=lambda rule: rule.role is not Role.SUPPRESS)
    gate = re2.Filter()
    for rule in searched:
        gate.Add(rule.pattern, _options())
    gate.Compile()
    prompts = [rule for rule in rules if rule.scope is Scope.PROMPT]
    return RuleSet(tuple(rules), frames, tuple(searched), tuple(prompts), gate)


def _options() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    return options


def _document(source: str, text: str) -> dict[str, Any]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RuleError(f"{source}: not TOML: {error}") from None
    unknown = document.keys() - _TOP_KEYS
    if unknown:
        raise RuleError(
            f"{source}: unknown key {min(unknown)!r}; "
            f"allowed: {', '.join(sorted(_TOP_KEYS))}"
        )
    return document


def _frames(values: Mapping[str, Any]) -> Frames:
    return Frames(
        machinery=tuple(chain.from_iterable(values.get("machinery", {}).values())),
        waiting=tuple(values.get("waiting", ())),
        gathering=dict(values.get("gathering", {})),
        quiet=tuple(values.get("quiet", ())),
        stalling=dict(values.get("stalling", {})),
        anchors=tuple(values.get("anchors", ())),
    )


def _rules(source: str, text: str, document: Mapping[str, Any]) -> Iterator[Rule]:
    lines = [
        number
        for number, line in enumerate(text.splitlines(), 1)
        if line.partition("#")[0].strip() == "[[marker]]"
    ]
    for number, entry in enumerate(document.get("marker", ()), 1):
        # Somebody may have written the tables in another of TOML's ways.
        line = f":{lines[number - 1]}" if len(lines) >= number else ""
        where = f"{source}{line}: {entry.get('id', f'marker {number}')}"
        rule = _rule(where, source, entry)
        _prove(where, rule)
        yield rule


def _rule(where: str, source: str, entry: Mapping[str, Any]) -> Rule:
    unknown = entry.keys() - _KEYS
    if unknown:
        allowed = ", ".join(sorted(_KEYS))
        raise RuleError(f"{where}: unknown key {min(unknown)!r}; allowed: {allowed}")
    for key in _REQUIRED:
        if not isinstance(entry.get(key), str):
            raise RuleError(f"{where}: {key} is missing or no text")
    role = _member(where, Role, entry["role"])
    if role is Role.STAGE:
        _member(where, Stage, entry["name"])
    return Rule(
        id=entry["id"],
        role=role,
        name=entry["name"],
        scope=_member(where, Scope, entry.get("scope", "screen")),
        severity=_member(where, Severity, entry.get("severity", "info")),
        pattern=entry["pattern"],
        matcher=_compile(where, entry["pattern"]),
        source=source,
        example=entry["example"],
        unless=_optional(where, entry.get("unless")),
        detail=entry.get("detail"),
        title=entry.get("title"),
        blame=_member(where, Blame, entry.get("blame", "none")),
        skip=tuple(entry.get("skip", ())),
        prelude=bool(entry.get("prelude", False)),
        demote=_optional(where, entry.get("demote")),
        keep=_optional(where, entry.get("keep")),
        background=bool(entry.get("background", False)),
        begins=bool(entry.get("begins", False)),
    )


def _member(where: str, kind: type[_E], value: str) -> _E:
    try:
        return kind(value)
    except ValueError:
        allowed = ", ".join(kind)
        raise RuleError(f"{where}: {value!r} is none of: {allowed}") from None


def _optional(where: str, pattern: str | None) -> Matcher | None:
    return None if pattern is None else _compile(where, pattern)


def _compile(where: str, pattern: str) -> Matcher:
    try:
        matcher: Matcher = re2.compile(pattern, _options())
    except re2.error as error:
        raise RuleError(
            f"{where}: not a pattern of RE2 (no look-ahead, no back-reference; "
            f"use the key unless): {error}"
        ) from None
    return matcher


def _prove(where: str, rule: Rule) -> None:
    if rule.match(rule.example) is None:
        raise RuleError(f"{where}: does not match its own example {rule.example!r}")
