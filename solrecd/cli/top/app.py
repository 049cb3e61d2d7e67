"""The wall's screen and keys. The only module that imports textual."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Final, Protocol

from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input, Static

from solrecd.api.rows import News, Order, Row, Wall
from solrecd.cli.top import text

LOOK_EVERY: Final = 0.25
"""Seconds between two looks at what has come."""

TICK: Final = 1.0
"""Seconds between two changes of what is counted in seconds."""

SILENT: Final = 15.0
"""Seconds without a word of the daemon, which speaks every five."""

_HEADING: Final = 1
"""Lines above the rows."""

_ORDERS: Final = tuple(Order)
_SECOND: Final = 1_000_000


class Source(Protocol):
    """Where news come from; `solrecd.cli.top.feed.Feed` is one."""

    def take(self) -> News | None:
        """Return what is new, or None."""


READING: Final[Mapping[str, str]] = MappingProxyType(
    {"l": "log", "b": "boots", "d": "diff"}
)
"""Commands about the selected console, by their keys."""


@dataclass(frozen=True, slots=True)
class RowActions:
    """What the wall can do with a console; each gets its name.

    Attributes:
        attach: takes the terminal until the person detaches.
        watch: the same, to watch only.
        acknowledge: returns what to tell, or nothing.
        unacknowledge: the same.
        read: takes the terminal for another command, one of `READING`.
    """

    attach: Callable[[str], None]
    watch: Callable[[str], None]
    acknowledge: Callable[[str], str]
    unacknowledge: Callable[[str], str]
    read: Callable[[str, str], None]


class Rows(Widget, can_focus=True):
    """The rows that fit, one of them marked. Only these are ever drawn."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)"),
        Binding("down,j", "move(1)"),
        Binding("pageup,ctrl+b", "page(-1)"),
        Binding("pagedown,ctrl+f,space", "page(1)"),
        Binding("home,g", "go_to(0)"),
        Binding("end,G", "go_to(-1)"),
    ]

    def __init__(self, wall: Wall) -> None:
        super().__init__()
        self._wall = wall
        self._marked = ""
        """Name of the marked row: it stays marked wherever it goes."""
        self._at = 0
        self._top = 0
        self.now = 0
        """Stamp."""

    @property
    def row(self) -> Row | None:
        """The marked row."""
        rows = self._wall.shown
        return rows[self._at] if rows else None

    def settle(self) -> None:
        """Find the marked row again after rows came, went or moved."""
        rows = self._wall.shown
        if not (self._at < len(rows) and rows[self._at].name == self._marked):
            names = (at for at, row in enumerate(rows) if row.name == self._marked)
            self._at = next(names, min(self._at, max(len(rows) - 1, 0)))
        self._show()

    def action_move(self, by: int) -> None:
        """Mark a row nearby."""
        self._mark(self._at + by)

    def action_page(self, by: int) -> None:
        """Mark a row a screen away."""
        self._mark(self._at + by * self._room)

    def action_go_to(self, at: int) -> None:
        """Mark the first row, or the last one for -1."""
        self._mark(at if at >= 0 else len(self._wall.shown) - 1)

    def on_mouse_scroll_down(self) -> None:
        """Follow the wheel."""
        self._mark(self._at + 1)

    def on_mouse_scroll_up(self) -> None:
        """Follow the wheel."""
        self._mark(self._at - 1)

    def on_click(self, event: events.Click) -> None:
        """Mark the row that is meant."""
        if event.y >= _HEADING:
            self._mark(self._top + event.y - _HEADING)

    def on_resize(self) -> None:
        """Keep the marked row in sight."""
        self._show()

    @property
    def _room(self) -> int:
        return max(self.size.height - _HEADING, 1)

    def _mark(self, at: int) -> None:
        rows = self._wall.shown
        self._at = min(max(at, 0), max(len(rows) - 1, 0))
        self._marked = rows[self._at].name if rows and self._at else ""
        self._show()

    def _show(self) -> None:
        last = max(len(self._wall.shown) - self._room, 0)
        self._top = min(max(self._top, self._at - self._room + 1), self._at, last)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return a line of the screen."""
        width, rows = self.size.width, self._wall.shown
        seen = rows[self._top : self._top + self._room]
        names = text.name_width(seen)
        if y < _HEADING:
            return Strip(text.heading(names, width)).adjust_cell_length(width)
        at = y - _HEADING
        if at >= len(seen):
            return Strip.blank(width)
        is_marked = self._top + at == self._at
        segments = text.line(seen[at], names, width, self.now, is_selected=is_marked)
        return Strip(segments).adjust_cell_length(width)


class Help(ModalScreen[None]):
    """The keys."""

    _is_left = False

    def compose(self) -> ComposeResult:
        """Show them."""
        yield Static(text.HELP, markup=False)

    def on_key(self, event: events.Key) -> None:
        """Go back, once: the next key may be here already."""
        event.stop()
        if not self._is_left:
            self._is_left = True
            self.dismiss()


class WallApp(App[None]):
    """The wall.

    Args:
        source: of news.
        actions: what keys do with a console.
        clock: monotonic seconds.
    """

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #title, #keys { height: 1; }
    #details { height: 3; }
    #keys { color: ansi_bright_black; }
    #filter { height: 1; border: none; padding: 0; display: none; }
    Rows { height: 1fr; }
    Help { align: center middle; background: ansi_default; }
    Help Static { width: 76; height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "attach"),
        Binding("m", "watch"),
        *(Binding(key, f"read('{command}')") for key, command in READING.items()),
        Binding("a", "acknowledge"),
        Binding("u", "unacknowledge"),
        Binding("slash", "filter"),
        Binding("escape", "show_all"),
        Binding("s", "sort"),
        Binding("r", "reverse"),
        Binding("question_mark,h,f1", "help"),
        Binding("q", "quit"),
        Binding("ctrl+c", "quit", priority=True),
    ]

    def __init__(
        self,
        source: Source,
        actions: RowActions,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(ansi_color=True)
        self._source = source
        self._actions = actions
        self._clock = clock
        self._wall = Wall()
        self.rows = Rows(self._wall)
        self._problem = "asking solrecd ..."
        self._heard = clock()
        self._time = 0
        """The daemon's stamp at that moment."""

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield Static(id="title", markup=False)
        yield self.rows
        yield Static(id="details", markup=False)
        yield Input(id="filter", placeholder="filter", compact=True)
        yield Static(text.KEYS, id="keys", markup=False)

    def on_mount(self) -> None:
        """Begin to look."""
        self.theme = "ansi-dark"
        self.rows.focus()
        self.look()
        self.set_interval(LOOK_EVERY, self.look)
        self.set_interval(TICK, self._show)

    def look(self) -> None:
        """Take what has come, and show it."""
        news = self._source.take()
        if news is None:
            return
        self._problem = news.problem
        if news.time:
            self._time, self._heard = news.time, self._clock()
        if news.rows or news.is_whole:
            self._wall.take(news)
            self.rows.settle()
        self._show()

    @property
    def _now(self) -> int:
        """The daemon's time now: ours may differ."""
        if not self._time:
            return 0
        return self._time + int((self._clock() - self._heard) * _SECOND)

    def _show(self) -> None:
        if not self.query("#title"):
            return  # News came before the screen was built, or after it was left.
        now = self._now
        silent = self._clock() - self._heard
        problem = self._problem
        if not problem and silent > SILENT:
            problem = f"solrecd has said nothing for {silent:.0f} s"
        self.query_one("#title", Static).update(text.title(self._wall, now, problem))
        self.query_one("#details", Static).update(text.details(self.rows.row, now))
        keys = Text(text.describe_order(self._wall) + text.KEYS, no_wrap=True)
        self.query_one("#keys", Static).update(keys)
        self.rows.now = now
        self.rows.refresh()

    # What keys do.

    def action_attach(self) -> None:
        """Connect to the selected console."""
        self._run_in_terminal(self._actions.attach)

    def action_watch(self) -> None:
        """The same, to watch only."""
        self._run_in_terminal(self._actions.watch)

    def action_read(self, command: str) -> None:
        """Read about the selected console, by another command."""
        self._run_in_terminal(lambda name: self._actions.read(command, name))

    def _run_in_terminal(self, action: Callable[[str], None]) -> None:
        """Suspend the screen until the action is done."""
        row = self.rows.row
        if row is None:
            return
        with self.suspend():
            action(row.name)
        self.look()
        self.refresh(layout=True)

    async def action_acknowledge(self) -> None:
        """Say that the marked console's trouble is known."""
        row = self.rows.row
        if row is not None and row.has_trouble:
            await self._do(self._actions.acknowledge, row, "acknowledged; u undoes it")
        elif row is not None:
            self._tell(f"nothing is wrong with {row.shown}")

    async def action_unacknowledge(self) -> None:
        """Take that back."""
        row = self.rows.row
        if row is not None and row.acknowledged:
            await self._do(self._actions.unacknowledge, row, "no longer acknowledged")

    async def _do(self, action: Callable[[str], str], row: Row, done: str) -> None:
        refusal = await asyncio.to_thread(action, row.name)
        self._tell(refusal or f"{row.shown}: {done}")

    def _tell(self, words: str) -> None:
        self.notify(words, markup=False)

    def action_filter(self) -> None:
        """Ask what to show."""
        asked = self.query_one("#filter", Input)
        asked.display = True
        asked.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what fits, as it is typed."""
        self._wall.narrow(event.value)
        self.rows.settle()
        self._show()

    def on_input_submitted(self) -> None:
        """Go back to the rows; the filter stays."""
        self.query_one("#filter", Input).display = bool(self._wall.filter.text)
        self.rows.focus()

    def action_show_all(self) -> None:
        """Forget the filter."""
        asked = self.query_one("#filter", Input)
        asked.value = ""
        asked.display = False
        self.rows.focus()

    def action_sort(self) -> None:
        """Sort by something else."""
        at = _ORDERS.index(self._wall.order) + 1
        self._wall.sort(_ORDERS[at % len(_ORDERS)])
        self.rows.settle()
        self._show()

    def action_reverse(self) -> None:
        """Turn the order round."""
        self._wall.sort(self._wall.order, is_reversed=not self._wall.is_reversed)
        self.rows.settle()
        self._show()

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(Help())
