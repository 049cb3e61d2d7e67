"""The row that is being written, and the cursor in it. Pure.

Only as much of a terminal as is needed to know where a row ends and what stands on
it: one row, a column, and a cursor move that no text has followed yet.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from solrecd.analysis.text.visible import visible
from solrecd.events.lines import Line, Lines

LINE_LIMIT: Final = 8192
"""Characters in a line; what is longer goes on in the next line. Menus that redraw
without a newline would otherwise make one line of minutes of output."""

TAB_STOP: Final = 8
_UNKNOWN: Final = -1

_WIDEST: Final = TAB_STOP
"""Characters that a byte may make: a tab makes the most."""

_SHORT: Final = 256
"""Bytes that nearly always fit into the row."""

# One character of UTF-8, or one byte that is none.
_CHARACTER: Final = re.compile(rb"[\xc2-\xf4][\x80-\xbf]{1,3}|.", re.DOTALL)
_CONTINUES: Final = re.compile(rb"[\x80-\xbf]{1,3}")

_NARROW: Final = bytes(range(0x20, 0x7F))
"""Printable ASCII: a byte makes one character."""

# A driver that lost a line feed leaves two kernel messages on one row; the second
# must not be painted over the first.
_KERNEL_ROW: Final = re.compile(r"\[ *\d+\.\d{3,}\]")

# DEC Special Graphics, the VT100 line drawing set (VT220 manual, table 2-4).
_LINE_DRAWING: Final = str.maketrans("`ajklmnqtuvwx~", "◆▒┘┐┌└┼─├┤┴┬│·")


class _Cursor(NamedTuple):
    """A 1-based screen position; `_UNKNOWN` where nothing has told us."""

    row: int
    column: int


class Screen:
    """One console's row and cursor.

    Args:
        stamp: returns the stamp of the byte at a stream offset.
    """

    __slots__ = (
        "_column", "_drawing", "_moved", "_origin", "_row", "_screen_row", "_stamp",
        "_start", "lines",
    )  # fmt: skip

    def __init__(self, stamp: Callable[[int], int]) -> None:
        self._stamp = stamp
        self.lines = Lines()
        # The row being written: its text, the cursor in it, the screen column of
        # its first character, its screen row, and a move that no text followed yet.
        self._row = ""
        self._column = 0
        self._origin = 0
        self._screen_row = _UNKNOWN
        self._moved: _Cursor | None = None
        self._drawing = False
        # Stamp and offset of the row's first byte, None before there is one.
        self._start: tuple[int, int] | None = None

    @property
    def tail(self) -> Line | None:
        """The unfinished row, None when there is nothing on it."""
        if not self._row or self._start is None:
            return None
        return Line(*self._start, self._row)

    @property
    def is_plain(self) -> bool:
        """Whether the next byte begins a row like a printer would begin it."""
        return (
            self._start is None
            and not self._row
            and not self._origin
            and self._moved is None
            and not self._drawing
        )

    def taken(self) -> Lines:
        """Hand over the finished lines; an idle console keeps none."""
        lines, self.lines = self.lines, Lines()
        return lines

    def scroll(self, rows: int) -> None:
        """Note that whole rows were written past this object."""
        if self._screen_row != _UNKNOWN:
            self._screen_row += rows

    def touch(self, offset: int) -> None:
        """Note where the row begins, if nothing has come of it yet."""
        if self._start is None:
            self._start = (self._stamp(offset), offset)

    def flush(self) -> None:
        """Finish the row if there is something on it."""
        if self._row:
            self._emit()

    def text(self, data: bytes, offset: int) -> None:
        """Write bytes at the cursor: text, tabs and NULs."""
        if data and self._start is None:
            self._start = (self._stamp(offset), offset)
        seen = data.lstrip(b"\0")
        offset += len(data) - len(seen)
        if seen and self._moved is not None:
            self._settle(self._moved)
        if len(seen) <= _SHORT and self._column <= LINE_LIMIT - _SHORT * _WIDEST:
            if seen:
                self._write(self._decoded(seen), offset)
            return
        while seen:
            size = self._fitting(seen)
            self._write(self._decoded(seen[:size]), offset)
            seen, offset = seen[size:], offset + size

    def _fitting(self, data: bytes) -> int:
        """Return how many bytes to write next: what surely fits, or a character."""
        room = LINE_LIMIT - self._column
        if len(data) <= room // _WIDEST or (len(data) <= room and _is_narrow(data)):
            return len(data)
        size = (room if _is_narrow(data[:room]) else room // _WIDEST) or 1
        if size == 1:
            found = _CHARACTER.match(data)
            return 1 if found is None else found.end()
        rest = _CONTINUES.match(data, size)
        return size if rest is None else rest.end()

    def _decoded(self, data: bytes) -> str:
        text = data.decode("utf-8", "replace")
        if self._drawing:
            text = text.translate(_LINE_DRAWING)
        if text.isprintable():
            return text
        text = visible(text.replace("\0", ""))
        if "\t" not in text:
            return text
        before = " " * ((self._origin + self._column) % TAB_STOP)
        return (before + text).expandtabs(TAB_STOP)[len(before) :]

    # Where the cursor is not followed.

    def leave_cursor(self, limit: int) -> None:
        """Go on at the row's end, or in a new one if it has more than `limit`."""
        self._moved = None
        self._drawing = False
        self._origin = 0
        self._screen_row = _UNKNOWN
        if len(self._row) > limit:
            self._emit()
        self._column = len(self._row)

    def append(self, text: str) -> None:
        """Write at the row's end."""
        self._row += text
        self._column = len(self._row)

    def _write(self, text: str, offset: int) -> None:
        """Write what fits into one row."""
        if self._moved is not None:
            self._settle(self._moved)
        overprints = self._column == 0 and _KERNEL_ROW.match(self._row)
        if overprints or self._column + len(text) > LINE_LIMIT:
            self._emit()
        if not self._row:
            self._start = (self._stamp(offset), offset)
        row, column = self._row, self._column
        if column >= len(row):
            self._row = row + " " * (column - len(row)) + text
        else:
            self._row = row[:column] + text + row[column + len(text) :]
        self._column = column + len(text)

    def newline(self) -> None:
        """Go to the next row: LF, VT, FF.

        Nothing draws lines across it: what switched that on was noise, and must not
        make the next boot unreadable.
        """
        self._emit()
        self._origin = 0
        self._drawing = False
        if self._moved is not None:
            self._screen_row = self._moved.row
            self._moved = None
        if self._screen_row != _UNKNOWN:
            self._screen_row += 1

    def _emit(self) -> None:
        """Finish the row, even an empty one."""
        if self._start is None:
            return
        self.lines.append(Line(*self._start, self._row))
        self._row = ""
        self._column = 0
        self._start = None

    def _break(self) -> None:
        """Finish the row because the cursor leaves it; an empty one is not a line."""
        if self._row:
            self._emit()
        self._column = 0

    def _settle(self, to: _Cursor) -> None:
        """Text follows a cursor move: decide whether it is still the same row.

        SeaBIOS moves the cursor to where it already is in the middle of a word, so
        a move to the end of the row, or back into it, goes on with the row.
        """
        self._moved = None
        column = to.column - 1 - self._origin
        same = self._screen_row in (to.row, _UNKNOWN) or to.row == _UNKNOWN
        known = self._screen_row == to.row != _UNKNOWN
        if self._row and (
            (column == len(self._row) and same) or (known and 0 <= column < LINE_LIMIT)
        ):
            self._column = column
        else:
            self._break()
            self._origin = max(to.column - 1, 0)
        self._screen_row = to.row

    def control(self, token: bytes) -> None:
        """Apply a control character that has a meaning, as often as it stands there."""
        _CONTROLS[token[0]](self, len(token))

    def _return(self, _times: int) -> None:
        if self._moved is not None:
            self._moved = self._moved._replace(column=1)
        else:
            self._column = 0

    def _backspace(self, times: int) -> None:
        self._column = max(self._column - times, 0)

    def _shift(self, *, drawing: bool) -> None:
        self._drawing = drawing

    def escape(self, token: bytes) -> None:
        """Apply an escape sequence of two or three bytes."""
        if token in _CHARSETS:
            self._drawing = _CHARSETS[token]
        elif token in _LEAVES_ROW:
            self._break()
            self._drawing = False
            self._origin = 0
            self._screen_row = _UNKNOWN
            self._moved = None

    def csi(self, token: bytes, offset: int) -> None:
        """Apply a control sequence: ECMA-48 §5.4."""
        if self._start is None:
            self._start = (self._stamp(offset), offset)
        if token[-1] in _CSI:
            action, numbers = _parsed(token)
            action(self, numbers)

    # Cursor moves and erasures: ECMA-48 §8.3.

    def _position(self) -> _Cursor:
        if self._moved is not None:
            return self._moved
        return _Cursor(self._screen_row, self._origin + self._column + 1)

    def _cup(self, numbers: tuple[int, ...]) -> None:
        row = numbers[0] if numbers else 1
        column = numbers[1] if len(numbers) > 1 else 1
        self._moved = _Cursor(max(row, 1), max(column, 1))

    def _vertical(self, _numbers: tuple[int, ...]) -> None:
        """CUU, CUD, CNL, CPL, VPA, SU, SD: some other row; which is irrelevant."""
        column = self._position().column
        self._break()
        self._screen_row = _UNKNOWN
        self._origin = column - 1
        self._moved = None

    def _cha(self, numbers: tuple[int, ...]) -> None:
        column = numbers[0] if numbers else 1
        self._across(max(column, 1))

    def _forward(self, numbers: tuple[int, ...]) -> None:
        self._across(self._position().column + max(numbers[0] if numbers else 1, 1))

    def _back(self, numbers: tuple[int, ...]) -> None:
        step = max(numbers[0] if numbers else 1, 1)
        self._across(max(self._position().column - step, 1))

    def _across(self, column: int) -> None:
        column = min(column, LINE_LIMIT)
        if self._moved is not None:
            self._moved = self._moved._replace(column=column)
        else:
            self._column = max(column - 1 - self._origin, 0)

    def _erase_line(self, numbers: tuple[int, ...]) -> None:
        if self._moved is not None or not self._row:
            return
        mode = numbers[0] if numbers else 0
        if mode == 0:
            self._row = self._row[: self._column]
        elif mode == 2:
            self._row = ""
            self._start = None

    def _erase_display(self, numbers: tuple[int, ...]) -> None:
        if (numbers[0] if numbers else 0) >= 2:
            self._break()
        else:
            self._erase_line((0,))

    def _delete(self, numbers: tuple[int, ...]) -> None:
        count = max(numbers[0] if numbers else 1, 1)
        column = self._column
        self._row = self._row[:column] + self._row[column + count :]


def _is_narrow(data: bytes) -> bool:
    """Whether each byte makes one character."""
    return not data.translate(None, _NARROW)


_CONTROLS: Final[dict[int, Callable[[Screen, int], None]]] = {
    0x08: Screen._backspace,  # noqa: SLF001 - a table of this class's own actions
    0x0D: Screen._return,  # noqa: SLF001
    0x0E: lambda screen, _: screen._shift(drawing=True),  # noqa: SLF001
    0x0F: lambda screen, _: screen._shift(drawing=False),  # noqa: SLF001
}

_CHARSETS: Final = {b"\x1b(0": True, b"\x1b(B": False, b"\x1b)0": False}

_LEAVES_ROW: Final = frozenset({b"\x1bc", b"\x1bD", b"\x1bE", b"\x1bM"})
"""RIS, IND, NEL, RI."""

_Action: TypeAlias = Callable[[Screen, tuple[int, ...]], None]

_CSI: Final[dict[int, _Action]] = {
    ord("H"): Screen._cup,  # noqa: SLF001
    ord("f"): Screen._cup,  # noqa: SLF001
    ord("A"): Screen._vertical,  # noqa: SLF001
    ord("B"): Screen._vertical,  # noqa: SLF001
    ord("E"): Screen._vertical,  # noqa: SLF001
    ord("F"): Screen._vertical,  # noqa: SLF001
    ord("S"): Screen._vertical,  # noqa: SLF001
    ord("T"): Screen._vertical,  # noqa: SLF001
    ord("d"): Screen._vertical,  # noqa: SLF001
    ord("G"): Screen._cha,  # noqa: SLF001
    ord("`"): Screen._cha,  # noqa: SLF001
    ord("C"): Screen._forward,  # noqa: SLF001
    ord("D"): Screen._back,  # noqa: SLF001
    ord("K"): Screen._erase_line,  # noqa: SLF001
    ord("J"): Screen._erase_display,  # noqa: SLF001
    ord("P"): Screen._delete,  # noqa: SLF001
}


# Menus move to the same places again and again.
@lru_cache(maxsize=4096)
def _parsed(token: bytes) -> tuple[_Action, tuple[int, ...]]:
    """Return what a control sequence of `_CSI` does, and its parameters."""
    parameters = token[2:-1].split(b";")
    return _CSI[token[-1]], tuple([int(n) for n in parameters if n.isdigit()])
