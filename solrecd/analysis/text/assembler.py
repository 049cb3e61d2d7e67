"""Splits a console's bytes into what is plain and what moves the cursor. Pure.

Two paths give the same lines. Output made of printable ASCII and line ends, which is
nearly all of it, is split in bulk. Everything else is cut into tokens, each applied
to the `screen`. A token that is cut off by the end of the data waits for its rest,
so how bytes were packed into chunks never changes a line.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate, chain, repeat
from operator import sub
from typing import Final

from solrecd.analysis.text.screen import LINE_LIMIT, TAB_STOP, Screen
from solrecd.events import Chunk, Line, Lines

# Marks what needs a second look.
_PLAIN: Final = bytes(range(0x20, 0x7F)) + b"\n"
_UNUSUAL: Final = bytes(b" "[0] if byte in _PLAIN else b"!"[0] for byte in range(256))

# SGR changes how text looks, not where it stands. What cuts a character of UTF-8 into
# two is left in, for those are then two unreadable ones.
_COLOUR: Final = re.compile(rb"\x1b\[[0-9;]{0,32}m(?![\x80-\xbf])")
_LEADING_COLOURS: Final = re.compile(rb"(?:\x1b\[[0-9;]{0,32}m)+")
_RETURNS: Final = re.compile(rb"\r+\n")

# An escape sequence longer than any real one is noise, and must not swallow text.
_TOKEN: Final = re.compile(
    rb"""
      (?P<text>[^\x00\x08-\x0f\x1b]+)
    | (?P<newline>[\n\x0b\x0c])
    | (?P<csi>\x1b\[[0-?]{0,32}[ -/]{0,4}[@-~])
    | (?P<string>\x1b[\]P^_X][^\x07\x1b\r\n]{0,256}(?:\x07|\x1b\\))
    | (?P<partial>\x1b(?:\[[0-?]{0,32}[ -/]{0,4}|[\]P^_X][^\x07\x1b\r\n]{0,256}\x1b?
                      |[ -/]{0,2})\Z)
    | (?P<escape>\x1b[ -/]{0,2}[0-~])
    | (?P<control>\x00+|[\x08\x09\x0d-\x0f])
    """,
    re.VERBOSE,
)

# The start of a UTF-8 character whose rest may still come.
_CUT_UTF8: Final = re.compile(
    rb"(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\Z"
)


class Assembler:
    """Turns the chunks of one console into lines.

    Args:
        offset: stream offset of the first byte that `feed` will get.
    """

    __slots__ = ("_begins", "_offset", "_partial", "_screen", "_stamps")

    def __init__(self, offset: int = 0) -> None:
        self._offset = offset
        # Bytes of an unfinished token; at most 300, by the bounds in _TOKEN.
        self._partial = b""
        # Stream offsets of the chunks being fed, ascending, and their stamps.
        self._begins: list[int] = []
        self._stamps: tuple[int, ...] = ()
        self._screen = Screen(self._stamp)

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
        begin = self._offset - len(self._partial)
        stamps, pieces = zip(*chunks, strict=True)
        self._mark(begin, stamps, pieces)
        self._take(self._partial + b"".join(pieces), begin)
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
        rows = shown.decode("utf-8", "replace").split("\n")
        rows.pop()
        offsets = starts = _offsets(data, shown, rows, offset)
        if data.startswith(b"\x1b") or b"\n\x1b" in data:
            starts = [*map(_start, offsets, data.split(b"\n"), rows)]
        odd = _odd(shown, rows)
        if not self._screen.is_plain:
            odd.insert(0, 0)
        done = 0
        for index in odd:
            if index >= done:  # not yet taken because of the one before
                self._bulk(rows[done:index], starts[done:index])
                done = self._oddities(data, offsets, index)
        self._bulk(rows[done:], starts[done:])

    def _bulk(self, rows: list[str], starts: list[int]) -> None:
        """Take rows of nothing but text."""
        starts = starts[: len(rows)]
        lines = self._screen.lines
        lines.texts += rows
        lines.offsets += starts
        lines.stamps += self._stamps_of(starts)
        self._screen.scroll(len(rows))

    def _stamps_of(self, starts: list[int]) -> Iterable[int]:
        """Return the stamps of bytes at ascending stream offsets."""
        if len(self._stamps) == 1:
            return repeat(self._stamps[0], len(starts))
        # How many of them are in each chunk.
        edges = [bisect_left(starts, begin) for begin in self._begins]
        sizes = map(sub, [*edges[1:], len(starts)], edges)
        return chain.from_iterable(map(repeat, self._stamps, sizes))

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
        end = len(data)
        position = 0
        while position < end:
            found = _TOKEN.match(data, position)
            if found is None:  # a lone ESC before something that is no sequence
                self._screen.text(data[position : position + 1], offset + position)
                position += 1
                continue
            token = found.group()
            kind = found.lastgroup
            if kind == "partial":
                return token
            if kind == "text" and found.end() == end:
                cut = _CUT_UTF8.search(token, len(token) - 3)
                if cut is not None:
                    self._apply("text", token[: cut.start()], offset + position)
                    return token[cut.start() :]
            self._apply(kind or "", token, offset + position)
            position = found.end()
        return b""

    def _apply(self, kind: str, token: bytes, offset: int) -> None:
        screen = self._screen
        if not token:
            return
        screen.touch(offset)
        if kind == "text":
            screen.text(token, offset)
        elif kind == "newline":
            screen.newline()
        elif kind == "csi":
            screen.csi(token)
        elif kind == "control":
            screen.control(token, offset)
        elif kind == "escape":
            screen.escape(token)

    def _stamp(self, offset: int) -> int:
        """Stamp of the byte at `offset`."""
        return self._stamps[max(bisect_right(self._begins, offset) - 1, 0)]


def _shown(data: bytes) -> bytes:
    """Return whole lines without colours and without CRs at their ends."""
    if b"\x1b" in data:
        data = _COLOUR.sub(b"", data)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
        if b"\r\n" in data:
            data = _RETURNS.sub(b"\n", data)
    return data


def _offsets(data: bytes, shown: bytes, rows: list[str], offset: int) -> list[int]:
    """Return the stream offsets of lines, and of what follows them."""
    ending = 1
    removed = len(data) - len(shown)
    sizes = [len(row) for row in rows]
    if removed == len(rows) == data.count(b"\r\n") and shown.isascii():
        ending = 2
    elif removed or not shown.isascii():
        sizes = [len(row) for row in data.split(b"\n")[:-1]]
    return [*accumulate([size + ending for size in sizes], initial=offset)]


def _start(offset: int, raw: bytes, row: str) -> int:
    """Return the offset of the first byte that a row shows."""
    lead = _LEADING_COLOURS.match(raw) if row and raw.startswith(b"\x1b") else None
    return offset if lead is None else offset + lead.end()


def _odd(shown: bytes, rows: list[str]) -> list[int]:
    """Expand tabs; return which rows are not only text, or too much of it."""
    odd = []
    unusual = shown.translate(_UNUSUAL)
    index = position = 0
    while (found := unusual.find(b"!", position)) >= 0:
        index += shown.count(b"\n", position, found)
        rows[index] = rows[index].expandtabs(TAB_STOP)
        if not rows[index].isprintable():
            odd.append(index)
        position = shown.find(b"\n", found)
    if len(shown) > LINE_LIMIT and max(map(len, rows)) > LINE_LIMIT:
        long = [index for index, row in enumerate(rows) if len(row) > LINE_LIMIT]
        odd = sorted({*odd, *long})
    return odd
