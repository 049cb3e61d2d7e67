"""The ``.timing`` of a segment: when which bytes came.

Timing starts with header lines and goes on with one line per packet::

    H 0.000000 START_TIME 2026-11-22T12:00:05.123456Z
    H 0.000000 SOLRECD_OFFSET 81920
    H 0.000000 SOLRECD_NOTED 1763812805000000
    O 0.010120 128

``SOLRECD_OFFSET`` is the console's stream offset at the segment's first byte. A delta
counts from the packet before, the first from START_TIME, and is never negative: where
the wall clock was set back it is zero. Now and then comes a mark, so that a reader can
begin near the end of a large file::

    H 0.000000 SOLRECD_MARK offset stamp line_offset log_size noted
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from solrecd.events.lines import Chunk
from solrecd.process.stamps import END_OF_TIME, SECOND, format_stamp, parse_stamp


class TimingHeader(NamedTuple):
    """What the first lines of a timing file say."""

    started: int
    """Stamp from which the first delta counts."""
    offset: int
    """Stream offset of the segment's first byte."""
    noted: int
    """Stamp of the last note archived before this segment; 0 when there is none."""
    begun: int | None = None
    """Stream offset where the log's first line begins, when that is before `offset`."""

    def encode(self) -> bytes:
        """Return the header lines."""
        begun = "" if self.begun is None else f"H 0.000000 SOLRECD_BEGUN {self.begun}\n"
        return (
            f"H 0.000000 START_TIME {format_stamp(self.started)}\n"
            f"H 0.000000 SOLRECD_OFFSET {self.offset}\n"
            f"{begun}"
            f"H 0.000000 SOLRECD_NOTED {self.noted}\n"
        ).encode()


class TimingMark(NamedTuple):
    """A place in the timing from which reading can start."""

    offset: int
    """Stream offset of the next packet."""
    at: int
    """Stamp from which its delta counts."""
    line_offset: int
    """Stream offset of the first byte whose line is not yet in the log, whole."""
    log_size: int
    """Bytes of the log up to there."""
    noted: int
    """Stamp of the last note before there."""

    def encode(self) -> bytes:
        """Return the mark's line."""
        return b"H 0.000000 SOLRECD_MARK %d %d %d %d %d\n" % self


class Packet(NamedTuple):
    """One timing line with its absolute place."""

    offset: int
    size: int
    at: int
    position: int
    """Where in the text that was parsed its line begins, bytes."""


LIMIT = 1 << 60
"""No offset, size or stamp (µs) is beyond it; what says so is damaged."""

_HEADER_FIELDS = frozenset({b"START_TIME", b"SOLRECD_OFFSET", b"SOLRECD_NOTED"})


@dataclass(slots=True)
class Timing:
    """A timing file, or the part of it behind a mark, as far as it makes sense."""

    header: TimingHeader | None = None
    packets: list[Packet] = field(default_factory=list)
    marks: list[TimingMark] = field(default_factory=list)
    offset: int = 0
    """Stream offset behind the last packet."""
    at: int = 0
    """Stamp of the last packet."""
    size: int = 0
    """Bytes of the text that made sense, from its beginning."""

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Read lines up to the first that is torn or makes no sense.

        The text begins with the header or with a mark; otherwise nothing of it counts.
        """
        timing = cls()
        fields: dict[bytes, bytes] = {}
        for line in text.splitlines(keepends=True):
            try:
                timing._take(line, fields)
            except (ValueError, IndexError, TypeError):
                break
            timing.size += len(line)
        return timing

    def _take(self, line: bytes, fields: dict[bytes, bytes]) -> None:
        words = line.split()
        if not line.endswith(b"\n"):
            raise ValueError("torn")
        if words[0] == b"O":
            self._take_packet(words)
        elif words[0] == b"H" and words[2] == b"SOLRECD_MARK":
            self._take_mark(TimingMark(*map(_number, words[3:])))
        elif words[0] == b"H":
            fields[words[2]] = b" ".join(words[3:])
            self._take_header(fields)

    def _take_packet(self, words: list[bytes]) -> None:
        if self.header is None and not self.marks:
            raise ValueError("no place to start from")
        seconds, _, fraction = words[1].partition(b".")
        size = int(words[2])
        at = self.at + int(seconds) * SECOND + int(fraction[:6].ljust(6, b"0"))
        if not (0 <= size < LIMIT and self.at <= at < END_OF_TIME):
            raise ValueError("no packet of ours")
        self.at = at
        self.packets.append(Packet(self.offset, size, self.at, self.size))
        self.offset += size

    def _take_mark(self, mark: TimingMark) -> None:
        _stamp(mark.at)
        self.marks.append(mark)
        self.offset, self.at = mark.offset, mark.at

    def _take_header(self, fields: dict[bytes, bytes]) -> None:
        if self.header is not None or not fields.keys() >= _HEADER_FIELDS:
            return
        started = parse_stamp(fields[b"START_TIME"].decode())
        offset = _number(fields[b"SOLRECD_OFFSET"])
        begun = fields.get(b"SOLRECD_BEGUN")
        noted = _stamp(_number(fields[b"SOLRECD_NOTED"]))
        self.header = TimingHeader(
            started, offset, noted, None if begun is None else _number(begun)
        )
        self.offset, self.at = offset, started


def _number(text: bytes) -> int:
    number = int(text)
    if not 0 <= number < LIMIT:
        raise ValueError(f"{number} makes no sense")
    return number


def _stamp(number: int) -> int:
    if number >= END_OF_TIME:
        raise ValueError(f"no clock of ours shows {number}")
    return number


def encode_packets(chunks: Iterable[Chunk], last: int) -> tuple[bytes, int]:
    """Return the timing lines of packets and the stamp of the last one.

    Args:
        chunks: the packets.
        last: stamp of the packet before the first.
    """
    lines = []
    for at, data in chunks:
        delta = at - last
        if delta > 0:
            last = at
        else:
            delta = 0
        lines.append(f"O {delta // SECOND}.{delta % SECOND:06d} {len(data)}\n")
    return "".join(lines).encode(), last
