"""Terminal bytes in, console lines out: pure, incremental, bounded.

A console is written for a terminal, not for a file: words are split by cursor
moves, prompts end without a newline, screens are painted by address. `Assembler`
follows just enough of a terminal to know what a person would have read on each
row, one row at a time, and never holds more than one row.

Two paths give the same lines. Output made of printable ASCII and line ends, which is
nearly all of it, is split in bulk. Everything else is cut into tokens, each applied
to a row and a cursor. A token that is cut off by the end of the data waits for its
rest, so how bytes were packed into chunks never changes a line.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate, repeat
from typing import Final, NamedTuple

from solrecd.events import Chunk, Line

LINE_LIMIT: Final = 8192
"""Characters in a line; what is longer goes on in the next line. Menus that redraw
without a newline would otherwise make one line of minutes of output."""

_UNPLAIN: Final = bytes(set(range(0x20, 0x7F)) | {0x0A, 0x0D})
"""Deleting these leaves nothing of bytes that the bulk path may take."""

# Marks the bytes that keep their line out of the bulk path.
_ODD_MASK: Final = bytes(
    0x20 if 0x20 <= byte < 0x7F or byte == 0x0A else 0x01 for byte in range(256)
)

_TAB_STOP: Final = 8
_UNKNOWN: Final = -1

# An escape sequence longer than any real one is noise, and must not swallow text.
_TOKEN: Final = re.compile(
    rb"""
      (?P<text>[\x20-\x7e\x80-\xff]+)
    | (?P<newline>[\n\x0b\x0c])
    | (?P<csi>\x1b\[[0-?]{0,32}[ -/]{0,4}[@-~])
    | (?P<string>\x1b[\]P^_X][^\x07\x1b\r\n]{0,256}(?:\x07|\x1b\\))
    | (?P<partial>\x1b(?:\[[0-?]{0,32}[ -/]{0,4}|[\]P^_X][^\x07\x1b\r\n]{0,256}\x1b?
                      |[ -/]{0,2})\Z)
    | (?P<escape>\x1b[ -/]{0,2}[0-~])
    | (?P<control>[\x00-\x1f\x7f])
    """,
    re.VERBOSE,
)

# The start of a UTF-8 character whose rest may still come.
_CUT_UTF8: Final = re.compile(
    rb"(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\Z"
)

# One character of UTF-8, or one byte that is none.
_CHARACTER: Final = re.compile(rb"[\xc2-\xf4][\x80-\xbf]{1,3}|.", re.DOTALL)

# A driver that lost a line feed leaves two kernel messages on one row; the second
# must not be painted over the first.
_KERNEL_ROW: Final = re.compile(r"\[ *\d+\.\d{3,}\]")

# DEC Special Graphics, the VT100 line drawing set (VT220 manual, table 2-4).
_LINE_DRAWING: Final = str.maketrans("`ajklmnqtuvwx~", "◆▒┘┐┌└┼─├┤┴┬│·")


# Line(...) without the Python frame that a named tuple's constructor costs.
_line: Final = partial(tuple.__new__, Line)


class _Cursor(NamedTuple):
    """A 1-based screen position; `_UNKNOWN` where nothing has told us."""

    row: int
    column: int


class Assembler:
    """Turns the chunks of one console into lines.

    Args:
        offset: stream offset of the first byte that `feed` will get.
    """

    __slots__ = (
        "_column", "_drawing", "_lines", "_marks", "_moved", "_offset", "_origin",
        "_partial", "_row", "_screen_row", "_start",
    )  # fmt: skip

    def __init__(self, offset: int = 0) -> None:
        self._offset = offset
        # Bytes of an unfinished token; at most 300, by the bounds in _TOKEN.
        self._partial = b""
        # (stream offset, stamp) of the chunks being fed, ascending.
        self._marks: list[tuple[int, int]] = []
        self._lines: list[Line] = []
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
    def offset(self) -> int:
        """Stream offset of the next byte."""
        return self._offset

    @property
    def tail(self) -> Line | None:
        """The unfinished line, None when there is nothing in it yet."""
        if not self._row or self._start is None:
            return None
        return Line(*self._start, self._row)

    def feed(self, chunks: Sequence[Chunk]) -> list[Line]:
        """Take bytes as they arrived; return the lines they finished."""
        if not chunks:
            return []
        position = self._offset
        self._marks = self._marks[-1:] if self._partial else []
        for at, data in chunks:
            self._marks.append((position, at))
            position += len(data)
        data = b"".join([chunk.data for chunk in chunks])
        lines = self._lines = []
        self._take(self._partial + data, self._offset - len(self._partial))
        self._offset = position
        return lines

    def flush(self) -> list[Line]:
        """End the stream: return the unfinished line, if there is one."""
        lines = self._lines = []
        if self._partial:
            partial, self._partial = self._partial, b""
            self._text(partial, self._offset - len(partial))
        if self._row:
            self._emit()
        return lines

    def _take(self, data: bytes, offset: int) -> None:
        """Split off what the bulk path can take; tokens are made of the rest."""
        head = data.find(b"\n") + 1
        last = data.rfind(b"\n") + 1
        if not head:
            self._partial = self._tokens(data, offset)
            return
        self._partial = b""
        first = 0
        if not self._is_plain() or data[0] == 0x0D:
            self._tokens(data[:head], offset)
            first = head
        if first < last:
            self._block(data[first:last], offset + first)
        if last < len(data):
            self._partial = self._tokens(data[last:], offset + last)

    def _is_plain(self) -> bool:
        """Whether the next byte begins a row like a printer would begin it."""
        return (
            not self._row
            and self._moved is None
            and not self._drawing
            and self._start is None
        )

    def _block(self, data: bytes, offset: int) -> None:
        """Take whole lines (`data` ends with a line feed)."""
        if not data.translate(None, _UNPLAIN):
            crowded = data.count(b"\r") != data.count(b"\r\n")
            if not crowded:
                self._plain(data, offset)
                return
        self._mixed(data, offset)

    def _mixed(self, data: bytes, offset: int) -> None:
        """Take runs of plain lines in bulk, and what is between them by tokens."""
        # A find in a mask is 20 times as fast as a search for a class of bytes.
        mask = data.replace(b"\r\n", b" \n").translate(_ODD_MASK)
        done = 0
        while done < len(data):
            odd = mask.find(b"\x01", done) if self._is_plain() else done
            if odd < 0:
                self._plain(data[done:], offset + done)
                return
            start = max(data.rfind(b"\n", done, odd) + 1, done)
            if start > done:
                self._plain(data[done:start], offset + done)
            done = data.find(b"\n", start) + 1
            self._tokens(data[start:done], offset + start)

    def _plain(self, data: bytes, offset: int) -> None:
        """Take lines of printable ASCII that end in LF or CR LF."""
        text = data.decode("ascii")
        returns = data.count(b"\r")
        if returns == 0:
            self._bulk(text[:-1].split("\n"), offset, 1)
        elif returns == data.count(b"\n"):
            self._bulk(text[:-2].split("\r\n"), offset, 2)
        else:
            for line in text[:-1].split("\n"):
                row = line.removesuffix("\r")
                self._bulk([row], offset, len(line) - len(row) + 1)
                offset += len(line) + 1

    def _bulk(self, rows: list[str], offset: int, ending: int) -> None:
        """Take plain rows that each had a line end of `ending` bytes."""
        at, until = self._stamp(offset)
        offsets = list(accumulate(map(ending.__add__, map(len, rows)), initial=offset))
        if offsets[-1] <= until and max(map(len, rows)) <= LINE_LIMIT:
            # No Python code per line: this is where a flood is spent.
            self._lines += map(_line, zip(repeat(at), offsets, rows))
        else:
            for row, begin in zip(rows, offsets, strict=False):
                self._long(row, begin)
        if self._screen_row != _UNKNOWN:
            self._screen_row += len(rows)

    def _long(self, row: str, offset: int) -> None:
        for begin in range(0, len(row) or 1, LINE_LIMIT):
            at, _ = self._stamp(offset + begin)
            text = row[begin : begin + LINE_LIMIT]
            self._lines.append(Line(at, offset + begin, text))

    def _tokens(self, data: bytes, offset: int) -> bytes:
        """Apply `data` token by token; return an unfinished token at its end."""
        end = len(data)
        position = 0
        while position < end:
            found = _TOKEN.match(data, position)
            if found is None:  # a lone ESC before something that is no sequence
                self._text(data[position : position + 1], offset + position)
                position += 1
                continue
            token = found.group()
            kind = found.lastgroup
            if kind == "partial":
                return token
            if kind == "text" and found.end() == end:
                cut = _CUT_UTF8.search(token)
                if cut is not None:
                    self._apply("text", token[: cut.start()], offset + position)
                    return token[cut.start() :]
            self._apply(kind or "", token, offset + position)
            position = found.end()
        return b""

    def _apply(self, kind: str, token: bytes, offset: int) -> None:
        if not token:
            return
        if self._start is None:
            self._start = (self._stamp(offset)[0], offset)
        if kind == "text":
            self._text(token, offset)
        elif kind == "newline":
            self._newline()
        elif kind == "csi":
            self._csi(token)
        elif kind == "control":
            self._control(token, offset)
        elif kind == "escape":
            self._escape(token)

    # What tokens do.

    def _text(self, data: bytes, offset: int) -> None:
        """Write bytes at the cursor."""
        if self._moved is not None:
            self._settle(self._moved)
        if self._column + len(data) <= LINE_LIMIT:
            self._write(self._decoded(data), offset)
        elif data.isascii():
            self._wrap(data, offset)
        else:
            for char in _CHARACTER.finditer(data):
                self._write(self._decoded(char.group()), offset + char.start())

    def _wrap(self, data: bytes, offset: int) -> None:
        """Write ASCII that does not fit into what is left of the row."""
        text = self._decoded(data)
        position = 0
        while position < len(text):
            room = LINE_LIMIT - self._column or LINE_LIMIT
            self._write(text[position : position + room], offset + position)
            position += room

    def _decoded(self, data: bytes) -> str:
        text = data.decode("utf-8", "replace")
        if self._drawing:
            text = text.translate(_LINE_DRAWING)
        return text if text.isprintable() else "".join(map(_visible, text))

    def _write(self, text: str, offset: int) -> None:
        """Write what fits into one row."""
        if self._moved is not None:
            self._settle(self._moved)
        overprints = self._column == 0 and _KERNEL_ROW.match(self._row)
        if overprints or self._column + len(text) > LINE_LIMIT:
            self._emit()
        if not self._row:
            self._start = (self._stamp(offset)[0], offset)
        row, column = self._row, self._column
        if column >= len(row):
            self._row = row + " " * (column - len(row)) + text
        else:
            self._row = row[:column] + text + row[column + len(text) :]
        self._column = column + len(text)

    def _newline(self) -> None:
        self._emit()
        self._origin = 0
        if self._moved is not None:
            self._screen_row = self._moved.row
            self._moved = None
        if self._screen_row != _UNKNOWN:
            self._screen_row += 1

    def _emit(self) -> None:
        """Finish the row, even an empty one."""
        if self._start is None:
            return
        self._lines.append(Line(*self._start, self._row))
        self._row = ""
        self._column = 0
        self._start = None

    def _break(self) -> None:
        """Finish the row because the cursor leaves it; an empty one is no line."""
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

    def _control(self, token: bytes, offset: int) -> None:
        action = _CONTROLS.get(token[0])
        if action is None:
            self._write(f"\\x{token[0]:02x}", offset)
        else:
            action(self, offset)

    def _return(self, _offset: int) -> None:
        if self._moved is not None:
            self._moved = self._moved._replace(column=1)
        else:
            self._column = 0

    def _backspace(self, _offset: int) -> None:
        self._column = max(self._column - 1, 0)

    def _tab(self, offset: int) -> None:
        column = self._origin + self._column
        self._write(" " * (_TAB_STOP - column % _TAB_STOP), offset)

    def _ignore(self, _offset: int) -> None:
        """NUL and friends print nothing."""

    def _shift(self, *, drawing: bool) -> None:
        self._drawing = drawing

    def _escape(self, token: bytes) -> None:
        if token in _CHARSETS:
            self._drawing = _CHARSETS[token]
        elif token in _LEAVES_ROW:
            self._break()
            self._origin = 0
            self._screen_row = _UNKNOWN
            self._moved = None

    def _csi(self, token: bytes) -> None:
        numbers = [int(n) for n in token[2:-1].split(b";") if n.isdigit()]
        action = _CSI.get(token[-1:])
        if action is not None:
            action(self, numbers)

    # Cursor moves and erasures: ECMA-48 §8.3.

    def _position(self) -> _Cursor:
        if self._moved is not None:
            return self._moved
        return _Cursor(self._screen_row, self._origin + self._column + 1)

    def _cup(self, numbers: list[int]) -> None:
        row = numbers[0] if numbers else 1
        column = numbers[1] if len(numbers) > 1 else 1
        self._moved = _Cursor(max(row, 1), max(column, 1))

    def _vertical(self, _numbers: list[int]) -> None:
        """CUU, CUD, CNL, CPL, VPA, SU, SD: some other row; which, nobody needs."""
        column = self._position().column
        self._break()
        self._screen_row = _UNKNOWN
        self._origin = column - 1
        self._moved = None

    def _cha(self, numbers: list[int]) -> None:
        column = numbers[0] if numbers else 1
        self._across(max(column, 1))

    def _forward(self, numbers: list[int]) -> None:
        self._across(self._position().column + max(numbers[0] if numbers else 1, 1))

    def _back(self, numbers: list[int]) -> None:
        step = max(numbers[0] if numbers else 1, 1)
        self._across(max(self._position().column - step, 1))

    def _across(self, column: int) -> None:
        column = min(column, LINE_LIMIT)
        if self._moved is not None:
            self._moved = self._moved._replace(column=column)
        else:
            self._column = max(column - 1 - self._origin, 0)

    def _erase_line(self, numbers: list[int]) -> None:
        if self._moved is not None or not self._row:
            return
        mode = numbers[0] if numbers else 0
        if mode == 0:
            self._row = self._row[: self._column]
        elif mode == 2:
            self._row = ""
            self._start = None

    def _erase_display(self, numbers: list[int]) -> None:
        if (numbers[0] if numbers else 0) >= 2:
            self._break()
        else:
            self._erase_line([0])

    def _delete(self, numbers: list[int]) -> None:
        count = max(numbers[0] if numbers else 1, 1)
        column = self._column
        self._row = self._row[:column] + self._row[column + count :]

    def _stamp(self, offset: int) -> tuple[int, int]:
        """Stamp of the byte at `offset`, and from where on another one holds."""
        marks = self._marks
        index = bisect_right(marks, offset, key=_mark_offset)
        until = marks[index][0] if index < len(marks) else self._offset + (1 << 62)
        return marks[max(index - 1, 0)][1], until


def _mark_offset(mark: tuple[int, int]) -> int:
    return mark[0]


def _visible(char: str) -> str:
    """Write what could steer a terminal, or cannot be seen, as text."""
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


_CONTROLS: Final[dict[int, Callable[[Assembler, int], None]]] = {
    0x00: Assembler._ignore,  # noqa: SLF001 - a table of this class's own actions
    0x08: Assembler._backspace,  # noqa: SLF001
    0x09: Assembler._tab,  # noqa: SLF001
    0x0D: Assembler._return,  # noqa: SLF001
    0x0E: lambda assembler, _: assembler._shift(drawing=True),  # noqa: SLF001
    0x0F: lambda assembler, _: assembler._shift(drawing=False),  # noqa: SLF001
}

_CHARSETS: Final = {b"\x1b(0": True, b"\x1b(B": False, b"\x1b)0": False}

_LEAVES_ROW: Final = frozenset({b"\x1bc", b"\x1bD", b"\x1bE", b"\x1bM"})
"""RIS, IND, NEL, RI."""

_CSI: Final[dict[bytes, Callable[[Assembler, list[int]], None]]] = {
    b"H": Assembler._cup,  # noqa: SLF001
    b"f": Assembler._cup,  # noqa: SLF001
    b"A": Assembler._vertical,  # noqa: SLF001
    b"B": Assembler._vertical,  # noqa: SLF001
    b"E": Assembler._vertical,  # noqa: SLF001
    b"F": Assembler._vertical,  # noqa: SLF001
    b"S": Assembler._vertical,  # noqa: SLF001
    b"T": Assembler._vertical,  # noqa: SLF001
    b"d": Assembler._vertical,  # noqa: SLF001
    b"G": Assembler._cha,  # noqa: SLF001
    b"`": Assembler._cha,  # noqa: SLF001
    b"C": Assembler._forward,  # noqa: SLF001
    b"D": Assembler._back,  # noqa: SLF001
    b"K": Assembler._erase_line,  # noqa: SLF001
    b"J": Assembler._erase_display,  # noqa: SLF001
    b"P": Assembler._delete,  # noqa: SLF001
}
