"""Rows and titles as styled text; widths are cells of a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from solrecd.api.rows import Order, Row, State, Wall
from solrecd.cli.shared.amounts import counted
from solrecd.cli.shared.when import duration, format_when
from solrecd.events.stages import Stage

LEAST_NAME: Final = 7
MOST_NAME: Final = 24
"""Cells of the first column."""

_STATE_WIDTH: Final = len("(foreign)") + 1
_STAGE_WIDTH: Final = max(map(len, Stage))
_AGE_WIDTH: Final = 5
_GAP: Final = "  "
_SECOND: Final = 1_000_000

_PLAIN: Final = Style()
_QUIET: Final = Style(dim=True)
_BAD: Final = Style(color="red", bold=True)
_WARNING: Final = Style(color="yellow")
_SELECTED: Final = Style(reverse=True)
TITLE: Final = Style(bold=True)

_STYLES: Final[Mapping[State, Style]] = MappingProxyType(
    {
        State.FAILED: _BAD,
        State.STUCK: _BAD,
        State.DOWN: _BAD,
        State.FOREIGN: _WARNING,
        State.CONNECTING: _WARNING,
        State.YIELDED: _WARNING,
        State.BOOTING: Style(color="cyan"),
        State.OK: Style(color="green"),
    }
)

KEYS: Final = "Enter attach  l log  d diff  / filter  a acknowledge  ? help  q quit"

HELP: Final = """\
 solrecctl top: every console, as it changes

 Enter     attach to the console; &. comes back here
 m         attach to watch only
 l  b  d   its log, opened at the failure; its boots; compare its last boot
 a         acknowledge: you know of it and take care of it; others see that
           until something new happens to the console
 u         withdraw an acknowledgement
 /         filter: parts of name, state, stage or text, node[1-8], node*,
           @label=value; all words have to match; Escape shows all again
 s  r      sort by the next column; reverse the order
 arrows, j k, PgUp PgDn, Home End, wheel
 ?  q      this help; quit

 STATE in brackets: acknowledged. FOR: time in this stage.
 The lines below describe the selected console.
                                                        any key goes back"""


def name_width(rows: Sequence[Row]) -> int:
    """Return the cells that the names of these rows need, within reason."""
    longest = max((len(row.shown) for row in rows), default=0)
    return min(max(longest, LEAST_NAME), MOST_NAME)


def heading(names: int, width: int) -> list[Segment]:
    """Return the line above the rows."""
    titles = _columns("CONSOLE", "STATE", "STAGE", "FOR", names)
    return [Segment(set_cell_size(f"{titles}LAST LINE", width), TITLE)]


def line(
    row: Row, names: int, width: int, now: int, *, is_selected: bool
) -> list[Segment]:
    """Return a row as a line of a width.

    Args:
        row: which.
        names: cells of its first column.
        width: cells of the line.
        now: stamp.
        is_selected: whether it is marked.
    """
    is_known = row.has_trouble and row.acknowledged
    state = f"({row.state})" if is_known else row.state.value
    head = set_cell_size(row.shown, names) + _GAP
    middle = set_cell_size(state, _STATE_WIDTH) + _GAP
    rest = _columns("", "", row.stage, age(row.since, now), 0)[_STATE_WIDTH + 4 :]
    text = row.problem if row.state in {State.DOWN, State.FOREIGN} else row.line
    left = width - len(rest) - _STATE_WIDTH - names - 2 * len(_GAP)
    style = _QUIET if is_known else _STYLES.get(row.state, _QUIET)
    base = _SELECTED if is_selected else _PLAIN
    return [
        Segment(head, base),
        Segment(middle, base + style),
        Segment(rest + set_cell_size(text or row.problem, max(left, 0)), base),
    ]


def _columns(name: str, state: str, stage: str, since: str, names: int) -> str:
    cells = (
        set_cell_size(name, names),
        set_cell_size(state, _STATE_WIDTH),
        set_cell_size(stage, _STAGE_WIDTH),
        f"{since:>{_AGE_WIDTH}}",
    )
    return _GAP.join(cells) + _GAP


def age(since: int, now: int) -> str:
    """Return how long ago a stamp is; nothing for none."""
    return duration((now - since) / _SECOND) if since and now else "-"


def title(wall: Wall, now: int, problem: str) -> Text:
    """Return the line at the top: how many are how, and what is shown of them."""
    text = Text(no_wrap=True, overflow="ellipsis")
    if problem:
        return text.append(problem, _BAD)
    counts = wall.counts()
    text.append(counted(len(wall), "console"), TITLE)
    for state in State:
        if counts.get(state):
            text.append(f"  {counts[state]} {state}", _STYLES.get(state, _QUIET))
    if counts.get("acknowledged"):
        text.append(f"  {counts['acknowledged']} acknowledged", _QUIET)
    if wall.filter.text:
        text.append(f"  {len(wall.shown)} shown", TITLE)
    return text.append(f"  {format_when(now)[11:19] if now else ''}", _QUIET)


def describe_order(wall: Wall) -> str:
    """Return what rows are sorted by, where that is not as usual."""
    turned = ", reversed" if wall.is_reversed else ""
    usual = wall.order is Order.TROUBLE and not turned
    return "" if usual else f"[{wall.order.value}{turned}]  "


def details(row: Row | None, now: int) -> Text:
    """Return all of the row that is marked, in three lines."""
    text = Text(no_wrap=True, overflow="ellipsis")
    if row is None:
        return text.append("no console fits the filter; Escape shows all", _QUIET)
    text.append(row.shown, TITLE).append(f"  {row.facts}")
    text.append(f" · last output {age(row.output, now)} ago\n" if row.output else "\n")
    if row.problem:
        text.append(row.problem, _BAD if row.needs_attention else _QUIET)
    if row.acknowledged:
        text.append(f"  acknowledged by {row.acknowledged}", _QUIET)
    return text.append(f"\n{row.line}")
