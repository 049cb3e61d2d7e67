"""Console bytes with the times at which they were printed; reads no files itself.

Three notations of timing are understood, because captures come from three places:

* ``O 0.010000 12``: scriptreplay's advanced format, which solrecd's own archives
  use; the number is the delay since the line before. Lines that begin with another
  letter (``H``, ``I``, ``S``) carry no output and only their delay counts.
* ``0.010000 12``: scriptreplay's classic format.
* ``1577.512933 1795351418.744943 0 10``: monotonic time, Unix time, offset, length,
  as written beside a UART.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple


class CaptureError(Exception):
    """The timing is not in a known notation, or does not fit its bytes."""


class Print(NamedTuple):
    """The host printed the bytes up to `end`, `at` seconds after power-on."""

    at: float
    end: int


@dataclass(frozen=True, slots=True)
class Capture:
    """What one console printed, and when."""

    data: bytes
    prints: tuple[Print, ...]
    """In order of time; the last one ends at ``len(data)``."""

    @property
    def duration(self) -> float:
        """Seconds from power-on to the last byte."""
        return self.prints[-1].at if self.prints else 0.0

    @classmethod
    def parse(cls, data: bytes, timing: str) -> Capture:
        """Return the capture of `data` with the times that `timing` tells.

        Args:
            data: exact console bytes.
            timing: one of the notations above, one record a line.

        Raises:
            CaptureError: a line is in none of the notations, or lengths do not add up.
        """
        prints = tuple(_accumulate(_records(timing)))
        if (prints[-1].end if prints else 0) != len(data):
            raise CaptureError(f"timing does not describe {len(data)} bytes")
        return cls(data, prints)


def _records(timing: str) -> Iterator[tuple[float, int]]:
    """Yield (delay, length) of each line."""
    clock: float | None = None
    for number, line in enumerate(timing.splitlines(), 1):
        match line.split():
            case ["O", delay, length] | [delay, length]:
                yield _number(delay, number), int(_number(length, number))
            case [_, delay, *_] if line[0].isalpha():
                yield _number(delay, number), 0
            case [monotonic, _, _, length]:
                time = _number(monotonic, number)
                yield time - (time if clock is None else clock), int(length)
                clock = time
            case _:
                raise CaptureError(f"line {number}: {line!r} is not a timing record")


def _number(text: str, line: int) -> float:
    """Return `text` as a number that is not negative."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if number < 0:
        raise CaptureError(f"line {line}: {text!r} is not a number of 0 or more")
    return number


def _accumulate(records: Iterable[tuple[float, int]]) -> Iterator[Print]:
    """Turn delays and lengths into times and ends; leave empty records out."""
    one, other = itertools.tee(records)
    times = itertools.accumulate(delay for delay, _ in one)
    ends = itertools.accumulate(length for _, length in other)
    before = 0
    for at, end in zip(times, ends, strict=True):
        if end > before:
            yield Print(at, end)
        before = end
