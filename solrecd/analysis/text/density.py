"""Where output steers the cursor so much that following it would cost too much. Pure.

A token that moves the cursor costs fifty times what plain text of its length does. A
machine sends few of them, or many for a short time (a menu, a set-up screen); garbage,
or a hostile BMC, sends nothing else. So following the cursor has a budget: each byte
that steers takes from it, each byte of whatever kind gives a little back. Once it is
used up, the cursor is not followed until it has recovered (see `stripped`).
Time gives back as well: a spinner may turn for days.

The budget is counted in windows of the stream, and a window is judged by those before
it: how bytes were packed into chunks never changes a line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

WINDOW: Final = 1024
"""Bytes, at multiples of it in the stream."""

BUDGET: Final = 16384
"""Steering bytes that may come at once. Of 190 recorded boots and menus of twelve
firmwares the worst needed 250; a set-up screen painted character by character needs
this much for 150 KiB."""

BYTES_FOR_ONE: Final = 64
"""Bytes that give one steering byte back."""

EACH_SECOND: Final = 500
"""Steering bytes that a second gives back, in which they cost a millisecond. A log in
colours at 115200 Bd has 570, and bytes give it 180 back."""

_SECOND: Final = 1_000_000
_ONE: Final = BYTES_FOR_ONE * _SECOND
"""A steering byte in the unit of the budget: the millionth of a byte, so that what a
microsecond gives back is whole."""
_LEAST: Final = -WINDOW * _ONE

_NOISE: Final = b"\xee\xef\xf1\xf2\xf3\xf4"
"""Beginnings of characters in UTF-8 that no font has."""
_OTHERS: Final = b"\x00\t\n\r" + bytes(
    [byte for byte in range(0x20, 0x100) if byte not in _NOISE]
)
"""Bytes that steer nothing, or that `Density` counts by itself. The rest are ESC,
backspace and their like, and those that only noise is made of."""


class Stretch(NamedTuple):
    """Consecutive bytes that are treated alike."""

    data: bytes
    is_dense: bool
    """The cursor is not followed."""
    begins_window: bool


class Density:
    """The budget of one console.

    Args:
        offset: stream offset of the first byte.
        stamp: returns the stamp of the byte at a stream offset.
        budget: steering bytes that may come at once.
    """

    __slots__ = (
        "_at", "_budget", "_most", "_offset", "_returned", "_stamp", "_steering",
        "is_dense",
    )  # fmt: skip

    def __init__(self, offset: int, stamp: Callable[[int], int], budget: int) -> None:
        self._offset = offset
        self._stamp = stamp
        self._at = 0
        """Stamp of the end of the last window."""
        self._budget = self._most = budget * _ONE
        self._steering = 0
        """Counted in the window that goes on."""
        self._returned = False
        """The last byte was a CR."""
        self.is_dense = False
        """Of the window that goes on."""

    def stretches(self, data: bytes) -> Iterator[Stretch]:
        """Count bytes; yield them, those of consecutive windows together.

        Dense windows come one by one.
        """
        if not (self.is_dense or self._steering or self._steers(data)):
            self._offset += len(data)
            ended = self._offset // WINDOW - (self._offset - len(data)) // WINDOW
            if ended:
                self._settle(ended, self._offset - self._offset % WINDOW)
            yield Stretch(data, is_dense=False, begins_window=False)
            return
        position = begin = 0
        while position < len(data):
            starts_here = position == begin and not self._offset % WINDOW
            size = min(WINDOW - self._offset % WINDOW, len(data) - position)
            was_dense = self.is_dense
            self._count(data[position : position + size])
            position += size
            if was_dense or self.is_dense or position == len(data):
                yield Stretch(data[begin:position], was_dense, starts_here)
                begin = position

    def _steers(self, data: bytes) -> int:
        """Return how many bytes steer; -1 where one was none because of an LF."""
        # A CR before its LF steers nothing.
        returns = data.count(b"\r") - data.count(b"\r\n")
        returns -= self._returned and data.startswith(b"\n")
        return returns + len(data.translate(None, _OTHERS))

    def _count(self, part: bytes) -> None:
        """Count bytes of one window, and settle it at its end."""
        self._offset += len(part)
        self._steering += self._steers(part)
        self._returned = part.endswith(b"\r")
        if not self._offset % WINDOW:
            self._settle(1, self._offset)
            self._steering = 0

    def _settle(self, windows: int, end: int) -> None:
        """Take and give back for windows of which the last ends at a stream offset."""
        at = self._stamp(end - 1)
        rested = max(0, at - self._at) * EACH_SECOND * BYTES_FOR_ONE
        self._at = at
        left = self._budget + rested + windows * WINDOW * _SECOND
        self._budget = max(min(left - self._steering * _ONE, self._most), _LEAST)
        self.is_dense = self._budget < 0
