"""Splits a console's bytes into what is plain and what moves the cursor. Pure.

Two paths give the same lines. Output that only prints, which is nearly all of it, is
split in bulk. What moves the cursor is cut into tokens, each applied to the `screen`.
Where there are too many of them (`density`) a third path takes what is printed and
leaves the cursor alone (`stripped`), so that no bytes cost much more than text does.

A token that is cut off by the end of the data waits for its rest, so how bytes were
packed into chunks never changes a line.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate, chain, repeat
from operator import add, sub
from typing import Final

from solrecd.analysis.text.density import BUDGET, WINDOW, Density
from solrecd.analysis.text.screen import LINE_LIMIT, TAB_STOP, Screen
from solrecd.analysis.text.stripped import (
    CUT_UTF8,
    LONGEST_TOKEN,
    row_sizes,
    stripped_rows,
    unfinished,
)
from solrecd.analysis.text.visible import visible, without_controls
from solrecd.events.lines import Chunk, Line, Lines

# Marks what moves the cursor, but for the line feed and the tab, with "!".
_MOVES: Final = b"\x00\x08\x0b\x0c\r\x0e\x0f\x1b"
_MOVING: Final = bytes([b"!"[0] if byte in _MOVES else b" "[0] for byte in range(256)])

# What a row of text may be made of.
_PRINTED: Final = bytes(range(0x20, 0x7F)) + b"\n"

ROW_LIMIT: Final = LINE_LIMIT - 4 * (WINDOW + LONGEST_TOKEN)
"""Characters of a row on which the cursor is not followed; a byte makes four at most,
and a longer row ends with its window."""

# SGR changes how text looks, not where it stands. What cuts a character of UTF-8 into
# two is left in, for those are then two unreadable ones.
_COLOUR: Final = re.compile(rb"\x1b\[[0-9;]{0,32}m(?![\x80-\xbf])")
_UNSEEN: Final = re.compile(rb"(?:\x1b\[[0-9;]{0,32}m|\x00)+")
_LEADING: Final = (b"\x00", b"\x1b")
_RETURNS: Final = re.compile(rb"\r+\n")
_NULS: Final = re.compile(rb"\x00+(?![\x80-\xbf])")

# An escape sequence longer than any real one is noise, and must not swallow text.
# systemd 257 describes sessions and units in OSC 3008, of several hundred bytes.
_TOKEN: Final = re.compile(
    rb"""
      (?P<text>[^\x08\x0a-\x0f\x1b]+)
    | (?P<newline>[\n\x0b\x0c])
    | (?P<csi>\x1b\[[0-?]{0,32}[ -/]{0,4}[@-~])
    | (?P<string>\x1b[\]P^_X][^\x07\x1b\r\n]{0,4096}(?:\x07|\x1b\\))
    | (?P<partial>\x1b(?:\[[0-?]{0,32}[ -/]{0,4}|[\]P^_X][^\x07\x1b\r\n]{0,4096}\x1b?
                      |[ -/]{0,2})\Z)
    | (?P<escape>\x1b[ -/]{0,2}[0-~])
    | (?P<control>\x08+|\r+|\x0e+|\x0f+)
    """,
    re.VERBOSE,
)


class Assembler:
    """Turns the chunks of one console into lines.

    Args:
        offset: stream offset of the first byte that `feed` will get.
        budget: how long dense output is followed, see `density`.
    """

    __slots__ = ("_begins", "_density", "_offset", "_partial", "_screen", "_stamps")

    def __init__(self, offset: int = 0, budget: int = BUDGET) -> None:
        self._offset = offset
        # Bytes of an unfinished token; at most 4100, by the bounds in _TOKEN.
        self._partial = b""
        # Stream offsets of the chunks being fed, ascending, and their stamps.
        self._begins: list[int] = []
        self._stamps: tuple[int, ...] = ()
        self._screen = Screen(self._stamp)
        self._density = Density(offset, self._stamp, budget)

    @property
    def offset(self) -> int:
        """Stream offset of the next byte."""
        return self._offset

    @property
    def tail(self) -> Line | None:
        """The unfinished line, None when there is nothing in it yet."""
        return self._screen.tail

    def feed(self, chunks: Sequence[Chunk]) -> Lines:
        """Take bytes as they arrived; return the lines they finished."""
        if not chunks:
            return Lines()
        position = self._offset
        stamps, pieces = zip(*chunks, strict=True)
        self._mark(position - len(self._partial), stamps, pieces)
        for data, is_dense, begins_window in self._density.stretches(b"".join(pieces)):
            begin = position - len(self._partial)
            position += len(data)
            if is_dense and len(self._partial) > LONGEST_TOKEN:
                # Where output is so dense no sequence is that long.
                self._screen.text(self._partial, begin)
                self._partial = b""
                self._take_dense(data, position - len(data), begins_window=True)
            elif is_dense:
                self._take_dense(
                    self._partial + data, begin, begins_window=begins_window
                )
            else:
                self._take(self._partial + data, begin)
        return self._screen.taken()

    def flush(self) -> Lines:
        """End the stream: return the unfinished line, if there is one."""
        if self._partial:
            rest, self._partial = self._partial, b""
            self._screen.text(rest, self._offset - len(rest))
        self._screen.flush()
        return self._screen.taken()

    def _mark(
        self, begin: int, stamps: tuple[int, ...], pieces: tuple[bytes, ...]
    ) -> None:
        """Note where chunks begin; keep what the unfinished token needs."""
        begins = list(accumulate(map(len, pieces), initial=self._offset))
        self._offset = begins.pop()
        if self._partial:
            kept = max(bisect_right(self._begins, begin) - 1, 0)
            begins = self._begins[kept:] + begins
            stamps = self._stamps[kept:] + stamps
        self._begins, self._stamps = begins, stamps

    def _take(self, data: bytes, offset: int) -> None:
        """Split off what the bulk path can take; tokens are made of the rest."""
        head = data.find(b"\n") + 1
        last = data.rfind(b"\n") + 1
        if not head:
            self._partial = self._tokens(data, offset)
            return
        self._partial = b""
        first = 0
        if not self._screen.is_plain or data[0] == 0x0D:
            self._tokens(data[:head], offset)
            first = head
        if first < last:
            self._block(data[first:last], offset + first)
        if last < len(data):
            self._partial = self._tokens(data[last:], offset + last)

    def _block(self, data: bytes, offset: int) -> None:
        """Take whole lines (`data` ends with a line feed).

        No Python code runs per line unless it is an odd one: this is where a flood
        is spent.
        """
        shown = _shown(data)
        is_plain = not shown.translate(None, _PRINTED)
        rows = _rows(shown, is_plain=is_plain)
        offsets = starts = _offsets(data, shown, rows, offset, is_plain=is_plain)
        if len(data) != len(shown):
            starts = _starts(offsets, data, rows)
        odd = [] if is_plain else _moving(shown)
        if len(shown) > LINE_LIMIT // 4:
            odd = _with_long(odd, rows)
        if not self._screen.is_plain:
            odd.insert(0, 0)
        done = 0
        for index in odd:
            if index >= done:  # not yet taken because of the one before
                self._bulk(rows[done:index], starts[done:index])
                done = self._oddities(data, offsets, index)
        self._bulk(rows[done:], starts[done:])

    def _take_dense(self, data: bytes, offset: int, *, begins_window: bool) -> None:
        """Take what bytes print, each row's end to end, whatever moves the cursor."""
        screen = self._screen
        if begins_window:
            screen.leave_cursor(ROW_LIMIT)
        end = unfinished(data)
        data, self._partial = data[:end], data[end:]
        if not data:
            return
        sizes = row_sizes(data)
        starts = [*accumulate(map(add, sizes, repeat(1)), initial=offset)]
        first, *rows = stripped_rows(data)
        screen.touch(offset)
        screen.append(first)
        if rows:
            screen.newline()
            self._bulk(rows[:-1], starts[1:-1])
        if rows and sizes[-1]:
            screen.touch(starts[-2])
            screen.append(rows[-1])

    def _bulk(self, rows: list[str], starts: list[int]) -> None:
        """Take rows of nothing but text."""
        if not rows:
            return
        starts = starts[: len(rows)]
        lines = self._screen.lines
        lines.texts += rows
        lines.offsets += starts
        lines.stamps += self._stamps_of(starts)
        self._screen.scroll(len(rows))

    def _stamps_of(self, starts: list[int]) -> Iterable[int]:
        """Return the stamps of bytes at ascending stream offsets."""
        first = self._chunk_at(starts[0])
        last = self._chunk_at(starts[-1])
        stamps = self._stamps[first : last + 1]
        if len(stamps) == 1:
            return repeat(stamps[0], len(starts))
        # How many of them are in each chunk.
        begins = self._begins[first + 1 : last + 1]
        edges = [0, *[bisect_left(starts, begin) for begin in begins], len(starts)]
        sizes = map(sub, edges[1:], edges)
        return chain.from_iterable(map(repeat, stamps, sizes))

    def _oddities(self, data: bytes, offsets: list[int], index: int) -> int:
        """Take a line by tokens, and on until one begins like a printer's line."""
        position = offsets[index] - offsets[0]
        while position < len(data):
            index += 1
            end = offsets[index] - offsets[0]
            self._tokens(data[position:end], offsets[0] + position)
            position = end
            if self._screen.is_plain:
                break
        return index

    def _tokens(self, data: bytes, offset: int) -> bytes:
        """Apply `data` token by token; return an unfinished token at its end."""
        screen, match = self._screen, _TOKEN.match
        end = len(data)
        position = 0
        while position < end:
            found = match(data, position)
            if found is None:  # a lone ESC before something that is not a sequence
                screen.text(data[position : position + 1], offset + position)
                position += 1
                continue
            token, kind = found.group(), found.lastgroup
            if kind == "csi":  # most of them, by far
                screen.csi(token, offset + position)
            elif kind == "partial":
                return token
            elif kind == "text":
                if found.end() == end:
                    token, rest = _cut(token)
                    screen.text(token, offset + position)
                    return rest
                screen.text(token, offset + position)
            else:
                screen.touch(offset + position)
                _APPLY[kind](screen, token)
            position = found.end()
        return b""

    def _stamp(self, offset: int) -> int:
        """Stamp of the byte at `offset`."""
        return self._stamps[self._chunk_at(offset)]

    def _chunk_at(self, offset: int) -> int:
        return max(bisect_right(self._begins, offset) - 1, 0)


_APPLY: Final[Mapping[str | None, Callable[[Screen, bytes], None]]] = {
    "newline": lambda screen, _: screen.newline(),
    "control": Screen.control,
    "escape": Screen.escape,
    "string": lambda _screen, _token: None,
}
"""What the rarer kinds of tokens do."""


def _cut(text: bytes) -> tuple[bytes, bytes]:
    """Return text, and the start of a character at its end that waits for its rest."""
    found = CUT_UTF8.search(text, max(len(text) - 3, 0))
    return (text, b"") if found is None else (text[: found.start()], found.group())


def _shown(data: bytes) -> bytes:
    """Return whole lines without what is not to be seen: colours, NULs, final CRs."""
    if b"\x1b" in data:
        data = _COLOUR.sub(b"", data)
    if b"\x00" in data:
        data = _NULS.sub(b"", data)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
        if b"\r\n" in data:
            data = _RETURNS.sub(b"\n", data)
    return data


def _rows(shown: bytes, *, is_plain: bool) -> list[str]:
    """Return the text of whole lines; what moves the cursor is not in it.

    Args:
        shown: the lines.
        is_plain: each byte is a character to be seen, or a line feed.
    """
    text = shown.decode("utf-8", "replace")
    rows = text.split("\n") if is_plain else _visible_rows(text)
    rows.pop()
    if b"\t" in shown:
        return [row.expandtabs(TAB_STOP) if "\t" in row else row for row in rows]
    return rows


def _visible_rows(text: str) -> list[str]:
    """Split text into rows in which every character but a tab can be seen."""
    rows = without_controls(text).split("\n")
    if text.isascii():
        return rows
    return [row if row.isascii() or row.isprintable() else visible(row) for row in rows]


def _offsets(
    data: bytes, shown: bytes, rows: list[str], offset: int, *, is_plain: bool
) -> list[int]:
    """Return the stream offsets of lines, and of what follows them."""
    ending = 1
    removed = len(data) - len(shown)
    sizes: Iterable[int] = map(len, rows)
    if removed == len(rows) == data.count(b"\r\n") and is_plain:
        ending = 2
    elif removed or not is_plain:
        sizes = map(len, data.split(b"\n")[:-1])
    return [*accumulate([size + ending for size in sizes], initial=offset)]


def _starts(offsets: list[int], data: bytes, rows: list[str]) -> list[int]:
    """Return the offsets of the first bytes that rows show."""
    for lead in _LEADING:
        if data.startswith(lead) or b"\n" + lead in data:
            # Few rows begin so; a call for each of them would cost a tenth of all.
            return [
                _start(offset, raw, row) if raw[:1] in _LEADING else offset
                for offset, raw, row in zip(offsets, data.split(b"\n"), rows)  # noqa: B905
            ]
    return offsets


def _start(offset: int, raw: bytes, row: str) -> int:
    """Return the offset of the first byte that a row shows."""
    lead = _UNSEEN.match(raw) if row and raw[:1] in _LEADING else None
    return offset if lead is None else offset + lead.end()


def _moving(shown: bytes) -> list[int]:
    """Return which rows move the cursor."""
    odd = []
    moving = shown.translate(_MOVING)
    index = position = 0
    while (found := moving.find(b"!", position)) >= 0:
        index += shown.count(b"\n", position, found)
        odd.append(index)
        position = shown.find(b"\n", found)
    return odd


def _with_long(odd: list[int], rows: list[str]) -> list[int]:
    """Return these rows and those that are too long."""
    if max(map(len, rows)) <= LINE_LIMIT:
        return odd
    long = [index for index, row in enumerate(rows) if len(row) > LINE_LIMIT]
    return sorted({*odd, *long})
