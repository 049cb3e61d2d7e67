"""Marker rules: what is looked for on consoles. Pure.

A rule is data, so that a vendor's new wording is a line in a file and not a release
(see `rulefiles`). Patterns are RE2, whose matching time is linear in the text; what
look-ahead would do elsewhere is the key ``unless`` here.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

import re2

from solrecd.analysis.boot.gate import CandidateFinder, Gate
from solrecd.events.event import Severity
from solrecd.events.stages import Stage


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
    BSD = "bsd"
    """What BSD kernels print: where they stopped, then a backtrace."""


class Matched(Protocol):
    """The part of a match object that solrecd uses."""

    def group(self, name: int | str = 0, /) -> str | None:
        """Return a group's text."""

    def groupdict(self) -> dict[str, str | None]:
        """Return all named groups."""


class Matcher(Protocol):
    """A compiled RE2 pattern."""

    def search(self, text: str) -> Matched | None:
        """Find the first match."""

    @property
    def groupindex(self) -> Mapping[str, int]:
        """Named groups and their numbers."""


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
    line: int | None = None
    """Where in that file, 1-based, if it can be told."""
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
    """Only printed at the very start: of a stage, so that a new boot began where it is
    seen again; of a failure's report, so that each headline is a report of its own."""
    inside: bool = False
    """May follow later stages of the same boot: a loader that is itself a program of a
    small Linux, a set-up screen that the firmware starts like a loader."""
    chains: bool = False
    """A firmware that starts another one, whose banner begins no boot then."""
    summary: bool = False
    """Only says again that something failed: nothing new where a failure of this name
    was told in the boot."""
    reveals: bool = False
    """What follows within a few lines says whether this stage is the one: systemd
    begins with the same words in an initramfs."""
    details: tuple[Matcher, ...] = field(default=(), repr=False, compare=False)
    """Patterns whose groups are looked for in the lines after the headline, where the
    reason or the part at fault stands in one of those."""
    milder: Matcher | None = field(default=None, repr=False, compare=False)
    """A report with this in it is a warning: the hardware has corrected the error."""
    stages: tuple[Stage, ...] = ()
    """Meant in these stages only, where it means something else, or nothing, in others;
    empty: in all."""
    quiet: bool = False
    """Counts if the console then falls silent: a menu that counts down needs no
    answer."""
    previous: bool = False
    """Tells of the boot before the one that prints it."""
    read_from: str | None = None
    """Program and version whose source prints this, for people."""

    def is_meant(self, stage: Stage) -> bool:
        """Whether this means anything of a boot that is in a stage."""
        return not self.stages or stage in self.stages

    def match(self, text: str) -> Matched | None:
        """Return the match of this rule in a message or line."""
        found = self.matcher.search(text)
        if found is None or (self.unless is not None and self.unless.search(text)):
            return None
        return found


def _nothing() -> Matcher:
    return yes_or_no(r"\z\A.")


@dataclass(frozen=True, slots=True)
class Frames:
    """Which functions of a call trace say nothing about its cause."""

    machinery: Matcher = field(default_factory=_nothing, repr=False)
    """Finds names, of all families: reports, checkers, locks, copying ..."""
    waiting: tuple[str, ...] = ()
    """Parts of names: what every blocked task stands in."""
    gathering: Mapping[str, str] = field(default_factory=dict)
    """Waits that many victims share: prefix of a name -> the name to blame."""
    quiet: tuple[str, ...] = ()
    """Parts of names: interrupts that found a CPU stalled."""
    stalling: Mapping[str, str] = field(default_factory=dict)
    """Like `gathering`, for stalls."""
    anchors: Matcher = field(default_factory=_nothing, repr=False)
    """Finds names that dispatch work: the frame above one is the work."""


class SwitchedOff(NamedTuple):
    """A rule that an administrator does not want."""

    rule: Rule
    source: str
    """The file that says so."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules in order of priority, and what they share.

    Built once and shared by all consoles: compiling takes longer than reading a boot.
    """

    rules: tuple[Rule, ...]
    frames: Frames
    searched: tuple[Rule, ...]
    """Rules for finished lines; suppression decides before anything else does."""
    prompts: tuple[Rule, ...]
    switched_off: tuple[SwitchedOff, ...]
    """Rules that are not among the others."""
    gate: CandidateFinder = field(repr=False, compare=False)
    """Tells which of `searched` could match which lines."""

    @property
    def failure_names(self) -> list[str]:
        """The names that failure events can have, sorted."""
        named = {rule.name for rule in self.rules if rule.role is Role.FAILURE}
        return sorted(named | WITHOUT_RULE)


WITHOUT_RULE: Final = frozenset(
    {"console_noise", "reboot", "reboot_loop", "unexplained"}
)
"""Failures that no line tells: unreadable output, resets without a shutdown, many of
them without a login between, and boots that got stuck for no known reason."""


def rule_set(
    rules: Sequence[Rule], frames: Frames, switched_off: Sequence[SwitchedOff] = ()
) -> RuleSet:
    """Compile rules, in order of priority, into what detectors need."""
    searched = [rule for rule in rules if rule.scope is not Scope.PROMPT]
    searched.sort(key=lambda rule: rule.role is not Role.SUPPRESS)
    gate = Gate([rule.pattern for rule in searched])
    prompts = [rule for rule in rules if rule.scope is Scope.PROMPT]
    return RuleSet(
        tuple(rules),
        frames,
        tuple(searched),
        tuple(prompts),
        tuple(switched_off),
        gate,
    )


def yes_or_no(pattern: str) -> Matcher:
    """Compile a pattern that only says whether it matches: ten times as fast.

    Raises:
        re2.error: it is none.
    """
    options = re2_options()
    options.never_capture = True
    matcher: Matcher = re2.compile(pattern, options)
    return matcher


def re2_options() -> re2.Options:
    """Return what all patterns are compiled with; errors are ours to tell."""
    options = re2.Options()
    options.log_errors = False
    return options
