"""pyte's terminal, right where pyte 0.8 is not: what console output really holds.

Each method names what pyte does otherwise. Only `terminal` uses this, and imports it
late: pyte takes 30 ms.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import copy, deepcopy
from types import MappingProxyType
from typing import Any, Final

import pyte
from pyte.charsets import LAT1_MAP

_STRAY = re.compile(
    r"""\x1b(?:
        \[ (?: [<=>] [0-?]* [ -/]*      # private: CSI = 3 h of firmware, CSI > 4 m
             | [0-?]* [ -/]+            # with an intermediate: CSI ! p, CSI 2 SP q
             | [0-9;]* : [0-9:;]*       # colours with colons
             ) [@-~]
      | [PX^_] [^\x07\x1b]{0,4096} (?: \x07 | \x1b\\ )   # DCS, SOS, PM, APC
      | [ $*+./-] [ -/]* [0-~]          # other sets of characters
      )""",
    re.VERBOSE,
)
"""Sequences (ECMA-48 §5.4, §8.3.27) whose ends pyte takes for text; none draws."""

_MORE_SEQUENCES: Final = MappingProxyType(
    {
        "b": "repeat",
        "S": "scroll_up",
        "T": "scroll_down",
        "`": "cursor_to_column",  # HPA, which pyte has under an apostrophe
    }
)
"""Final characters of CSI sequences that pyte ignores (ECMA-48 §8.3), with methods."""

_ALTERNATE: Final = frozenset({47, 1047, 1049})
"""Private modes of the other screen (xterm, ctlseqs)."""


class Screen(pyte.Screen):
    """A screen that no text disturbs, with a second one beside it."""

    _main: tuple[Any, Any] | None = None
    """Buffer and cursor of the first screen, while the other one is shown."""
    _last: str = ""

    def reset(self) -> None:
        """Reset; G1 is ASCII until it is chosen, as in xterm."""
        super().reset()
        self.g1_charset = LAT1_MAP
        self._main, self._last = None, ""

    def draw(self, data: str) -> None:
        """Draw text; pyte drops what follows a character that has no width."""
        self._last = data[-1]
        if data.isascii() and data.isprintable():
            super().draw(data)
            return
        for char in data:
            super().draw(char)

    def repeat(self, count: int = 1) -> None:
        """Draw the last character again (REP, ECMA-48 §8.3.103); pyte ignores it."""
        if self._last:
            self.draw(self._last * min(count or 1, self.columns * self.lines))

    def scroll_up(self, count: int = 1) -> None:
        """Move the lines of the scrolling region up (SU, ECMA-48 §8.3.147)."""
        self._scroll(count, -1, self.index)

    def scroll_down(self, count: int = 1) -> None:
        """Move them down (SD, ECMA-48 §8.3.113)."""
        self._scroll(count, 0, self.reverse_index)

    def _scroll(self, count: int, edge: int, move: Callable[[], None]) -> None:
        """Move lines from an edge of the region; the cursor stays where it is."""
        row = self.cursor.y
        for _ in range(min(count or 1, self.lines)):
            self.cursor.y = (self.margins or (0, self.lines - 1))[edge]
            move()
        self.cursor.y = row

    def set_mode(self, *modes: int, **kwargs: Any) -> None:
        """Set modes, among them the other screen, which pyte has none of."""
        if kwargs.get("private") and _ALTERNATE & set(modes) and self._main is None:
            self._main = self.buffer, self.cursor
            self.buffer = deepcopy(self.buffer)
            self.buffer.clear()
            self.cursor = copy(self.cursor)
        super().set_mode(*modes, **kwargs)

    def reset_mode(self, *modes: int, **kwargs: Any) -> None:
        """Reset modes; the first screen is as it was left."""
        if kwargs.get("private") and _ALTERNATE & set(modes) and self._main:
            (self.buffer, self.cursor), self._main = self._main, None
        super().reset_mode(*modes, **kwargs)

    def rows(self) -> list[str]:
        """Return the lines; half a wide character is a blank, pyte fails there."""
        return [self._row(y) for y in range(self.lines)]

    def _row(self, y: int) -> str:
        cells = [self.buffer[y][x].data for x in range(self.columns)]
        row = []
        for x, cell in enumerate(cells):
            is_wide = cells[x + 1 : x + 2] == [""]
            if cell:
                cut = not is_wide and pyte.screens.wcwidth(cell[0]) == 2
                row.append(" " if cut and x + 1 < self.columns else cell)
            elif not x or pyte.screens.wcwidth(cells[x - 1][:1] or " ") != 2:
                row.append(" ")
        return "".join(row).rstrip()


class Stream(pyte.Stream):
    """Feeds a screen; line drawing works in UTF-8, too, as on every terminal."""

    def __init__(self, screen: Screen) -> None:
        """Begin between sequences."""
        self.csi = {**self.csi, **_MORE_SEQUENCES}
        super().__init__(screen)
        # It is what pyte asks before it chooses a set of characters.
        self.use_utf8 = False

    def select_other_charset(self, code: str) -> None:
        """Stay with what the text was decoded as."""


def without_stray(text: str) -> str:
    """Return text without the sequences that pyte would draw parts of."""
    return _STRAY.sub("", text)
