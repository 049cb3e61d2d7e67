"""Splits a console's bytes into what is plain and what moves the cursor. Pure.

Two paths give the same lines. Output made of printable ASCII and line ends, which is
nearly all of it, is split in bulk. Everything else is cut into tokens, each applied
to the `screen`. A token that is cut off by the end of the data waits for its rest,
so how bytes were packed into chunks never changes a line.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import partial
from itertools import accumulate, repeat
from typing import Final

from solrecd.events import Chunk, Line
from solrecd.text.screen import LINE_LIMIT, Screen

_UNPLAIN: Final = bytes(set(range(0x20, 0x7F)) | {0x0A, 0x0D})
"""Deleting these leaves nothing of bytes that the bulk path may take."""

# Marks the bytes that keep their line out of the bulk path.
_ODD_MASK: Final = bytes(
    0x20 if 0x20 <= byte < 0x7F or byte == 0x0A else 0x01 for byte in range(256)
)

# What a row of text may consist of, valid UTF-8 or not.
_PRINTED: Final = bytes(set(range(0x20, 0x7F)) | set(range(0x80, 0x100)))

# SGR changes how text looks, not where it stands.
_COLOURS: Final = re.compile(rb"(?:\x1b\[[0-9;]{0,32}m)+")

_NEVER: Final = 1 << 62
"""Bytes; no console will ever send so many."""

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

# Line(...) without the Python frame that a named tuple's constructor costs.
_line: Final = partial(tuple.__new__, Line)


class Assembler:
    """Turns the chunks of one console into lines.

    Args:
        offset: stream offset of the first byte that `feed` will get.
    """

    __slots__ = ("_marks", "_offset", "_partial", "_screen")

    def __init__(self, offset: int = 0) -> None:
        self._offset = offset
        # Bytes of an unfinished token; at most 300, by the bounds in _TOKEN.
        self._partial = b""
        # (stream offset, stamp) of the chunks being fed, ascending.
        self._marks: list[tuple[int, int]] = []
        self._screen = Screen(self._stamp)

    @property
    def offset(self) -> int:
        """Stream offset of the next byte."""
        return self._offset

    @property
    def tail(self) -> Line | None:
        """The unfinished line, None when there is nothing in it yet."""
        return self._screen.tail

    def feed(self, chunks: Sequence[Chunk]) -> list[Line]:
        """Take bytes as they arrived; return the lines they finished."""
        if not chunks:
            return []
        begin = self._offset - len(self._partial)
        self._mark(begin, chunks)
        lines = self._screen.lines = []
        self._take(self._partial + b"".join([data for _, data in chunks]), begin)
        self._offset += sum([len(data) for _, data in chunks])
        return lines

    def flush(self) -> list[Line]:
        """End the stream: return the unfinished line, if there is one."""
        lines = self._screen.lines = []
        if self._partial:
            rest, self._partial = self._partial, b""
            self._screen.text(rest, self._offset - len(rest))
        self._screen.flush()
        return lines

    def _mark(self, begin: int, chunks: Sequence[Chunk]) -> None:
        """Note where chunks begin; keep what the unfinished token needs."""
        index = bisect_right(self._marks, begin, key=_mark_offset) - 1
        self._marks = self._marks[max(index, 0) :] if self._partial else []
        position = self._offset
        for at, data in chunks:
            self._marks.append((position, at))
            position += len(data)

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
            odd = mask.find(b"\x01", done) if self._screen.is_plain else done
            if odd < 0:
                self._plain(data[done:], offset + done)
                return
            start = max(data.rfind(b"\n", done, odd) + 1, done)
            if start > done:
                self._plain(data[done:start], offset + done)
            done = data.find(b"\n", start) + 1
            line = data[start:done]
            if not self._simple(line, offset + start):
                self._tokens(line, offset + start)

    def _simple(self, line: bytes, offset: int) -> bool:
        """Take a line that only has colours, UTF-8 or extra CRs; say whether it did.

        That is most of what systemd prints, and five times as fast as tokens.
        """
        if not self._screen.is_plain:
            return False
        row = _COLOURS.sub(b"", line).rstrip(b"\r\n")
        if len(row) > LINE_LIMIT or row.translate(None, _PRINTED):
            return False
        text = row.decode("utf-8", "replace")
        if not text.isprintable():
            return False
        lead = _COLOURS.match(line)
        if row and lead is not None:
            offset += lead.end()
        self._screen.lines.append(Line(self._stamp(offset), offset, text))
        self._screen.scroll(1)
        return True

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
        at, until = self._stamps(offset)
        offsets = list(accumulate(map(ending.__add__, map(len, rows)), initial=offset))
        if offsets[-1] <= until and max(map(len, rows)) <= LINE_LIMIT:
            # No Python code per line: this is where a flood is spent.
            self._screen.lines += map(_line, zip(repeat(at), offsets, rows))
        else:
            for row, begin in zip(rows, offsets, strict=False):
                if begin >= until:
                    at, until = self._stamps(begin)
                if len(row) <= LINE_LIMIT:
                    self._screen.lines.append(Line(at, begin, row))
                else:
                    self._long(row, begin)
        self._screen.scroll(len(rows))

    def _long(self, row: str, offset: int) -> None:
        for begin in range(0, len(row) or 1, LINE_LIMIT):
            at = self._stamp(offset + begin)
            text = row[begin : begin + LINE_LIMIT]
            self._screen.lines.append(Line(at, offset + begin, text))

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
                cut = _CUT_UTF8.search(token)
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
        return self._stamps(offset)[0]

    def _stamps(self, offset: int) -> tuple[int, int]:
        """Stamp of the byte at `offset`, and from where on another one holds."""
        marks = self._marks
        if len(marks) == 1:
            return marks[0][1], offset + _NEVER
        index = bisect_right(marks, offset, key=_mark_offset)
        until = marks[index][0] if index < len(marks) else offset + _NEVER
        return marks[max(index - 1, 0)][1], until


def _mark_offset(mark: tuple[int, int]) -> int:
    return mark[0]
