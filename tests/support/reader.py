"""An interpreter of the tests: lines end at a newline, ``BOOT n`` begins a boot."""

from __future__ import annotations

from collections.abc import Sequence

from solrecd.events.lines import Chunk, Line
from solrecd.events.reading import Cut, Reading


class LineReader:
    """Turns chunks into readings; knows nothing of consoles.

    A line that begins with ``BOOT`` and a number larger than the boot's cuts before
    itself.
    """

    def __init__(self, offset: int = 0, boot: int = 0) -> None:
        self._boot = boot
        self._offset = offset
        self._begun = offset
        self._at = 0
        self._text = b""

    def feed(self, chunks: Sequence[Chunk]) -> Reading:
        """Return what the chunks say."""
        reading = Reading()
        for chunk in chunks:
            for piece in chunk.data.splitlines(keepends=True):
                self._take(chunk.at, piece, reading)
        if self._text:
            reading.tail = Line(self._at, self._begun, _show(self._text))
        return reading

    def break_off(self) -> Reading:
        """Return the unfinished line as a whole one: nothing will be added to it."""
        reading = Reading()
        if self._text:
            self._end(reading)
            reading.is_broken_off = True
        return reading

    def _take(self, at: int, piece: bytes, reading: Reading) -> None:
        if not self._text:
            self._at, self._begun = at, self._offset
        self._text += piece
        self._offset += len(piece)
        if piece.endswith(b"\n"):
            self._end(reading)

    def _end(self, reading: Reading) -> None:
        text, self._text = _show(self._text.removesuffix(b"\n")), b""
        word, _, number = text.partition(" ")
        if word == "BOOT" and number.isdecimal() and int(number) > self._boot:
            self._boot = int(number)
            cut = Cut(self._at, self._begun, len(reading.lines), int(number))
            reading.cuts.append(cut)
        reading.lines.append(Line(self._at, self._begun, text))


def _show(text: bytes) -> str:
    return "".join(chr(c) if 32 <= c < 127 else f"\\x{c:02x}" for c in text)
