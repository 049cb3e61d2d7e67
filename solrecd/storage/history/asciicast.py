"""A boot as asciicast v2, the format of asciinema and its web player. Pure.

One JSON value per line: a header object, then ``[seconds, code, data]`` with code ``o``
for output and ``m`` for a marker (asciicast v2, "Event stream"). Markers are the stages
and failures: players jump from one to the next.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from solrecd.events.lines import Chunk
from solrecd.storage.history.playable import Playable

IDLE: Final = 3.0
"""Seconds; players cut longer pauses down to it unless told otherwise."""

_SECOND: Final = 1_000_000


def encode(
    title: str,
    size: tuple[int, int],
    chunks: Iterable[Chunk],
    markers: Sequence[tuple[int, str]],
) -> Iterator[str]:
    """Yield the lines of a recording.

    Args:
        title: what players show.
        size: columns and rows of the terminal.
        chunks: what the console printed; only what draws is taken over.
        markers: stamps and labels, in order of time.
    """
    yield from _Recording(title, size, markers).lines(chunks)


class _Recording:
    def __init__(
        self, title: str, size: tuple[int, int], markers: Sequence[tuple[int, str]]
    ) -> None:
        self._title = title
        self._size = size
        self._markers = list(reversed(markers))
        self._start = 0

    def lines(self, chunks: Iterable[Chunk]) -> Iterator[str]:
        playable = Playable()
        begun = False
        for chunk in chunks:
            if not begun:
                begun, self._start = True, chunk.at
                yield _line(self._header())
            yield from self._markers_until(chunk.at)
            text = playable.feed(chunk.data)
            if text:
                yield self._event(chunk.at, "o", text)
        if begun:
            # A boot that got stuck has its marker after its last output.
            yield from self._markers_until(sys.maxsize)
        else:
            yield _line(self._header())

    def _header(self) -> Mapping[str, Any]:
        columns, rows = self._size
        return {
            "version": 2,
            "width": columns,
            "height": rows,
            "timestamp": self._start // _SECOND,
            "idle_time_limit": IDLE,
            "title": self._title,
            "env": {"TERM": "vt220"},
        }

    def _markers_until(self, at: int) -> Iterator[str]:
        while self._markers and self._markers[-1][0] <= at:
            stamp, label = self._markers.pop()
            yield self._event(stamp, "m", label)

    def _event(self, at: int, code: str, data: str) -> str:
        return _line([max(at - self._start, 0) / _SECOND, code, data])


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"
