"""Consoles as rows of a wall: how each is, which come first, which are shown.

Pure: rows of ``/v1/watch`` in, rows to show out. Text of consoles is hostile; a row
holds nothing that could move a cursor.
"""

from __future__ import annotations

import enum
import fnmatch
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from solrecd.analysis.text.visible import visible
from solrecd.api.console_objects import is_unseen, labels_of, together
from solrecd.process.stamps import parse_stamp

_DIGITS: Final = re.compile(r"(\d+)")

_WORTH_A_LOOK: Final = 300
"""Characters of a line that are kept: more than the widest terminal shows."""


class State(enum.StrEnum):
    """How a console is, in a word; those that need attention first."""

    FAILED = "failed"
    STUCK = "stuck"
    DOWN = "down"
    FOREIGN = "foreign"
    CONNECTING = "connecting"
    YIELDED = "yielded"
    BOOTING = "booting"
    RUNNING = "running"
    """Recorded since it was up: nothing of its boot was seen."""
    UNKNOWN = "unknown"
    SHUTDOWN = "shutdown"
    OFF = "off"
    OK = "ok"


TROUBLE: Final = frozenset({State.FAILED, State.STUCK, State.DOWN, State.FOREIGN})
"""What can be acknowledged."""

_RANK: Final = MappingProxyType({state: rank for rank, state in enumerate(State)})
_ACKNOWLEDGED_RANK: Final = _RANK[State.YIELDED] + 0.5
"""Behind all that needs attention, before what is well."""

_BY_OUTCOME: Final[Mapping[str, State]] = MappingProxyType(
    {
        "running": State.BOOTING,
        "ok": State.OK,
        "shutdown": State.SHUTDOWN,
    }
)


def state_of(row: Mapping[str, Any]) -> State:
    """Return how a console is; a boot that failed counts more than its session."""
    outcome, session = row["outcome"], row["session"]
    if outcome in {State.FAILED, State.STUCK}:
        return State(outcome)
    if session != "up":
        return State(session) if session in set(State) else State.UNKNOWN
    if row["power"] == "off" or row["stage"] == "off":
        return State.OFF
    if is_unseen(row):
        return State.RUNNING
    return _BY_OUTCOME.get(outcome or "", State.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Row:
    """One console. Times are stamps, 0 where there is none."""

    name: str
    """As the daemon has it, for requests."""
    shown: str
    """The name, safe to show."""
    state: State
    stage: str
    since: int
    """Of the stage."""
    output: int
    """Of the last byte."""
    line: str
    """What it printed last."""
    problem: str
    """What is wrong: the session's error, or the headline of the worst failure."""
    acknowledged: str
    """By whom; empty: not acknowledged."""
    machine: str
    """Empty: it is the only console of its own."""
    facts: str
    """Everything else, in a line."""
    labels: Mapping[str, str]
    natural: tuple[str | int, ...]
    """Orders node9 before node10."""

    @property
    def needs_attention(self) -> bool:
        """Whether there is a problem that is not acknowledged."""
        return self.state in TROUBLE and not self.acknowledged

    @property
    def has_trouble(self) -> bool:
        """Whether something is wrong, be it acknowledged or not."""
        return self.state in TROUBLE


def row_of(found: Mapping[str, Any]) -> Row:
    """Return the row of an object of ``/v1/watch``."""
    given = found.get("acknowledged") or {}
    problem = found["error"] or found.get("title") or ""
    return Row(
        name=found["console"],
        shown=_safe(found["console"]),
        state=state_of(found),
        stage=_safe(found["stage"] or "-"),
        since=_stamp(found["stage_since"]),
        output=_stamp(found["last_output"]),
        line=_short(found.get("line") or ""),
        problem=_short(problem),
        acknowledged=_safe(given.get("user", "")),
        machine=_safe(found.get("machine") or ""),
        facts=_facts(found),
        labels=labels_of(found),
        natural=tuple(
            int(part) if part.isdecimal() else part
            for part in _DIGITS.split(found["console"])
        ),
    )


def _safe(text: str) -> str:
    return visible(text).replace("\t", " ")


def _stamp(time: str | None) -> int:
    return 0 if time is None else parse_stamp(time)


def _short(text: str) -> str:
    return _safe(text[:_WORTH_A_LOOK]).strip()


def _facts(found: Mapping[str, Any]) -> str:
    boot = found["boot"]
    parts = [
        f"session {found['session']}",
        f"power {found['power']}",
        f"boot {'-' if boot is None else boot} {found['outcome'] or ''}".rstrip(),
        f"machine {found['machine']}" if found.get("machine") else "",
        f"{found['viewers']} attached" if found["viewers"] else "",
        *(f"@{key}={value}" for key, value in found["labels"].items()),
    ]
    return _safe(" · ".join(part for part in parts if part))


# Which come first.


class Order(enum.Enum):
    """What rows are sorted by; the values are what the title says."""

    TROUBLE = "trouble first"
    NAME = "name"
    STAGE = "longest in stage"
    OUTPUT = "latest output"


_Key = Callable[[Row], tuple[Any, ...]]


def trouble_rank(row: Row) -> float:
    """Return a number that is smaller the more a console needs attention."""
    is_known = row.has_trouble and row.acknowledged
    return _ACKNOWLEDGED_RANK if is_known else _RANK[row.state]


def by_trouble(row: Row) -> tuple[Any, ...]:
    """Return what sorts trouble first, the latest before all."""
    # What is well stays where people look for it.
    return (trouble_rank(row), -row.since if row.has_trouble else 0, row.natural)


_KEYS: Final[Mapping[Order, _Key]] = MappingProxyType(
    {
        Order.TROUBLE: by_trouble,
        Order.NAME: lambda row: (row.natural,),
        Order.STAGE: lambda row: (not row.since, row.since, row.natural),
        Order.OUTPUT: lambda row: (-row.output, row.natural),
    }
)


# Which are shown.


class Filter:
    """What the user wants to see; all of the words have to match.

    Args:
        text: words: ``@label=value``, a range ``node[1-8]``, a glob ``node*``, or a
            part of name, state, stage, problem or last line.
    """

    def __init__(self, text: str = "") -> None:
        self.text = text
        self._tests = [_test_of(word) for word in text.split()]

    def admits(self, row: Row) -> bool:
        """Whether a row is shown."""
        return all(test(row) for test in self._tests)


_Test = Callable[[Row], bool]


def _test_of(word: str) -> _Test:
    if word.startswith("@") and "=" in word:
        key, _, pattern = word[1:].partition("=")
        return lambda row: fnmatch.fnmatchcase(row.labels.get(key, "\0"), pattern)
    if "[" in word and "]" in word:
        names = _in_range(word)
        return lambda row: row.name in names
    if "*" in word or "?" in word:
        return lambda row: fnmatch.fnmatchcase(row.name, word)
    return _part(word.lower())


def _part(word: str) -> _Test:
    def test(row: Row) -> bool:
        places = (row.shown, row.machine, row.state, row.stage, row.problem, row.line)
        return any(word in place.lower() for place in places)

    return test


def _in_range(word: str) -> frozenset[str]:
    # Imported here: ClusterShell takes longer than all else at the start.
    from solrecd.config.names import expand_names  # noqa: PLC0415

    try:
        return frozenset(expand_names(word))
    except ValueError:
        # Half of it is typed.
        return frozenset()


@dataclass(slots=True)
class News:
    """What has changed since the last look.

    Attributes:
        is_whole: these are all rows; what is not among them is gone.
        rows: objects of ``/v1/watch`` by name; None: gone.
        time: the daemon's stamp; 0: it has not said.
        problem: why nothing comes; empty: it does.
    """

    is_whole: bool = False
    rows: dict[str, Mapping[str, Any] | None] = field(default_factory=dict)
    time: int = 0
    problem: str = ""


class Wall:
    """All rows, and which of them are shown in which order."""

    def __init__(self) -> None:
        self.order = Order.TROUBLE
        self.is_reversed = False
        self.filter = Filter()
        self.shown: Sequence[Row] = ()
        self._rows: dict[str, Row] = {}

    def __len__(self) -> int:
        """Return how many there are, shown or not."""
        return len(self._rows)

    def take(self, news: News) -> None:
        """Take what changed."""
        if news.is_whole:
            self._rows.clear()
        for name, found in news.rows.items():
            if found is None:
                self._rows.pop(name, None)
            else:
                self._rows[name] = row_of(found)
        self._arrange()

    def sort(self, order: Order, *, is_reversed: bool = False) -> None:
        """Change the order."""
        self.order, self.is_reversed = order, is_reversed
        self._arrange()

    def narrow(self, text: str) -> None:
        """Show only what a filter admits (see `Filter`)."""
        self.filter = Filter(text)
        self._arrange()

    def counts(self) -> Mapping[str, int]:
        """Return how many are in each state; those acknowledged on their own."""
        return Counter(
            "acknowledged" if row.has_trouble and row.acknowledged else row.state.value
            for row in self._rows.values()
        )

    def _arrange(self) -> None:
        rows: Iterable[Row] = self._rows.values()
        if self.filter.text:
            rows = filter(self.filter.admits, rows)
        rows = sorted(rows, key=_KEYS[self.order], reverse=self.is_reversed)
        self.shown = together(rows, lambda row: row.machine)
