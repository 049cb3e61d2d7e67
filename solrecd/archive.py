"""The archive's formats: names, text lines, timing, frames, and when a segment ends.

Pure: the writer, `history` and the tests share it. A segment is three files with one
stem: ``.raw`` (exact bytes, the truth), ``.timing`` (util-linux's advanced timing
format) and ``.log`` (text).

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

import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from solrecd.events import Chunk, Line, format_stamp, parse_stamp

SECOND = 1_000_000
"""Microseconds."""

FRAME_SIZE = 1 << 20
"""Bytes of text in one zstd frame: `rg -z` loses nothing, one frame costs 1.6 ms."""

LINE_MARK = ord("|")
NOTE_MARK = ord("#")
MARK_POSITION = 28
"""Index of the mark in a text line, behind the stamp and a space."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class JournalNote(NamedTuple):
    """A note of ours as the journal kept it."""

    offset: int
    """Stream offset at which it stands."""
    at: int
    text: str


@dataclass(frozen=True, slots=True)
class Recovered:
    """What the journal holds of one console, in stream order."""

    offset: int
    """Stream offset of the first chunk."""
    chunks: list[Chunk]
    notes: list[JournalNote]


_NAME = re.compile(
    r"(?P<date>\d{8})T(?P<clock>\d{6}\.\d{6})Z\.boot-(?P<boot>\d{6,})"
    r"(?:\.part-(?P<part>\d{4,}))?"
    r"(?:\.(?P<kind>log|raw|timing)(?P<closed>\.zst)?)?"
)

KINDS = ("raw", "timing", "log")
"""The files of a segment, in the order in which they are written."""


class SegmentName(NamedTuple):
    """What a segment's file names say; sorts in stream order within a console."""

    boot: int
    part: int
    """1 for the first; only later ones are named."""
    started: int
    """Stamp."""

    def __str__(self) -> str:
        """Return the stem, ``20261122T120005.123456Z.boot-000042[.part-0002]``."""
        stamp = format_stamp(self.started).replace("-", "").replace(":", "")
        part = f".part-{self.part:04d}" if self.part > 1 else ""
        return f"{stamp}.boot-{self.boot:06d}{part}"

    def file(self, kind: str, *, closed: bool = False) -> str:
        """Return the name of one of the three files."""
        return f"{self}.{kind}{'.zst' if closed else ''}"


class SegmentFile(NamedTuple):
    """A file name in a console's folder, understood."""

    segment: SegmentName
    kind: str
    closed: bool
    """Compressed."""


def parse_file_name(name: str) -> SegmentFile | None:
    """Return what a file name says, None when it is none of ours."""
    match = _NAME.fullmatch(name)
    if match is None or match["kind"] is None:
        return None
    date, clock = match["date"], match["clock"]
    try:
        started = parse_stamp(
            f"{date[:4]}-{date[4:6]}-{date[6:]}T{clock[:2]}:{clock[2:4]}:{clock[4:]}Z"
        )
    except ValueError:
        return None
    segment = SegmentName(int(match["boot"]), int(match["part"] or 1), started)
    return SegmentFile(segment, match["kind"], match["closed"] is not None)


class TextFormat:
    """Formats text lines; one per writer, because it remembers the last second.

    Consecutive lines mostly share it, and `format_stamp` costs five times as much.
    """

    __slots__ = ("_prefix", "_second")

    def __init__(self) -> None:
        self._second = -1
        self._prefix = ""

    def stamp(self, at: int) -> str:
        """Return what `format_stamp` returns."""
        second, micro = divmod(at, SECOND)
        if second != self._second:
            self._turn(second)
        return f"{self._prefix}{micro:06d}Z"

    def unfinished(self, line: Line) -> bytes:
        """Return a line of console output without its end."""
        return f"{self.stamp(line.at)} | {line.text}".encode(
            "utf-8", "backslashreplace"
        )

    def lines(self, lines: Iterable[Line]) -> bytes:
        """Return lines of console output; `stamp` written out, for it runs per line."""
        done = []
        for at, _, text in lines:
            second, micro = divmod(at, SECOND)
            if second != self._second:
                self._turn(second)
            done.append(f"{self._prefix}{micro:06d}Z | {text}\n")
        return "".join(done).encode("utf-8", "backslashreplace")

    def _turn(self, second: int) -> None:
        self._prefix = format_stamp(second * SECOND)[:20]
        self._second = second

    def note(self, at: int, text: str) -> bytes:
        r"""Return a note as one line; control characters become ``\xNN``."""
        clean = _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
        return f"{self.stamp(at)} # {clean}\n".encode("utf-8", "backslashreplace")


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
            self._take_mark(TimingMark(*map(int, words[3:])))
        elif words[0] == b"H":
            fields[words[2]] = b" ".join(words[3:])
            self._take_header(fields)

    def _take_packet(self, words: list[bytes]) -> None:
        if self.header is None and not self.marks:
            raise ValueError("no place to start from")
        seconds, _, fraction = words[1].partition(b".")
        size = int(words[2])
        if size < 0:
            raise ValueError("a packet of less than nothing")
        self.at += int(seconds) * SECOND + int(fraction[:6].ljust(6, b"0"))
        self.packets.append(Packet(self.offset, size, self.at, self.size))
        self.offset += size

    def _take_mark(self, mark: TimingMark) -> None:
        self.marks.append(mark)
        self.offset, self.at = mark.offset, mark.at

    def _take_header(self, fields: dict[bytes, bytes]) -> None:
        if self.header is not None or not fields.keys() >= _HEADER_FIELDS:
            return
        started = parse_stamp(fields[b"START_TIME"].decode())
        offset = int(fields[b"SOLRECD_OFFSET"])
        begun = int(fields[b"SOLRECD_BEGUN"]) if b"SOLRECD_BEGUN" in fields else None
        noted = int(fields[b"SOLRECD_NOTED"])
        self.header = TimingHeader(started, offset, noted, begun)
        self.offset, self.at = offset, started


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


@dataclass(frozen=True, slots=True)
class SegmentLimits:
    """When a boot goes on in its next part."""

    size: int = 64 << 20
    """Bytes of console output."""
    age: int | None = 86400 * SECOND
    """Microseconds since the segment's first byte; None for ever."""

    def reached(self, size: int, started: int, at: int) -> bool:
        """Whether a segment of this size and age takes no more at this stamp."""
        old = self.age is not None and at - started >= self.age
        return size > 0 and (old or size >= self.size)


def next_segment(current: SegmentName, boot: int, at: int) -> SegmentName:
    """Return the name that follows: another part, or the first of another boot."""
    return SegmentName(boot, current.part + 1 if boot == current.boot else 1, at)


class StoredSegment(NamedTuple):
    """A closed segment as it lies on the disk."""

    console: str
    name: SegmentName
    ended: int
    """Stamp of its last byte."""
    size: int
    """Bytes of its files."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How much is kept; None for everything."""

    age: int | None = None
    """Microseconds since a segment's last byte."""
    boots: int | None = None
    """Boots of each console, the running one included."""
    size: int | None = None
    """Bytes of each console's closed segments."""
    total_size: int | None = None
    """Bytes of all consoles' closed segments."""


def choose_expired(
    stored: Iterable[StoredSegment],
    open_boots: Mapping[str, int],
    retention: Retention,
    now: int,
) -> list[StoredSegment]:
    """Return the closed segments to remove, oldest first.

    Args:
        stored: the closed segments of all consoles.
        open_boots: number of each console's running boot, which counts as one.
        retention: what to keep.
        now: stamp.
    """
    consoles: dict[str, list[StoredSegment]] = {}
    for segment in stored:
        consoles.setdefault(segment.console, []).append(segment)
    expired: list[StoredSegment] = []
    kept: list[StoredSegment] = []
    for console, segments in consoles.items():
        segments.sort(key=lambda segment: segment.name)
        first = _first_kept(segments, open_boots.get(console), retention, now)
        expired += segments[:first]
        kept += segments[first:]
    kept.sort(key=lambda segment: segment.ended)
    expired += kept[: _excess(kept, retention.total_size)]
    return sorted(expired, key=lambda segment: segment.ended)


def choose_evicted(kept: Iterable[StoredSegment], room: int) -> list[StoredSegment]:
    """Return the segments to remove so that so many bytes become free, oldest first.

    Args:
        kept: the closed segments that retention keeps, of all consoles.
        room: bytes.
    """
    evicted: list[StoredSegment] = []
    for segment in sorted(kept, key=lambda segment: segment.ended):
        if room <= 0:
            break
        evicted.append(segment)
        room -= segment.size
    return evicted


def _first_kept(
    segments: list[StoredSegment], running: int | None, retention: Retention, now: int
) -> int:
    """Return the index of the first segment of one console that may stay."""
    first = _excess(segments, retention.size)
    if retention.age is not None:
        horizon = now - retention.age
        first = max(first, sum(1 for s in segments if s.ended < horizon))
    if retention.boots is not None:
        boots = {segment.name.boot for segment in segments}
        boots |= set() if running is None else {running}
        keep = set(sorted(boots)[-retention.boots :])
        first = max(first, sum(1 for s in segments if s.name.boot not in keep))
    return first


def _excess(segments: list[StoredSegment], limit: int | None) -> int:
    """Return how many of the first segments must go to keep within a size."""
    total = sum(segment.size for segment in segments)
    count = 0
    while limit is not None and total > limit:
        total -= segments[count].size
        count += 1
    return count


def split_frames(data: bytes, *, final: bool) -> tuple[list[bytes], bytes]:
    """Cut text into frames of whole lines, about `FRAME_SIZE` each.

    Returns:
        The frames, and what has to wait for more text (nothing when ``final``).
    """
    frames = []
    start = 0
    while len(data) - start >= FRAME_SIZE:
        end = data.rfind(b"\n", start, start + FRAME_SIZE) + 1
        if end == 0:
            end = start + FRAME_SIZE
        frames.append(data[start:end])
        start = end
    rest = data[start:]
    if final and rest:
        return [*frames, rest], b""
    return frames, rest


_SKIPPABLE = 0x184D2A5E
_SEEKABLE = 0x8F92EAB1
_ENTRY = struct.Struct("<II")
_FOOTER = struct.Struct("<IBI")
SEEK_TABLE_FOOTER = _FOOTER.size
"""Bytes at the end of a file that tell whether it has a seek table."""


class Frame(NamedTuple):
    """One entry of a seek table, bytes."""

    compressed: int
    size: int


def encode_seek_table(frames: Sequence[Frame]) -> bytes:
    """Return the skippable frame that ends a seekable zstd file.

    zstd's contrib/seekable_format: entries without checksums, then the number of
    frames, a descriptor and a magic number.
    """
    body = b"".join(_ENTRY.pack(*frame) for frame in frames)
    body += _FOOTER.pack(len(frames), 0, _SEEKABLE)
    return _ENTRY.pack(_SKIPPABLE, len(body)) + body


def seek_table_size(footer: bytes) -> int | None:
    """Return how many bytes at a file's end are the seek table, from its last nine."""
    if len(footer) != _FOOTER.size:
        return None
    count, descriptor, magic = _FOOTER.unpack(footer)
    if magic != _SEEKABLE or descriptor & 0x7C:
        return None
    entry = 12 if descriptor & 0x80 else 8
    return _ENTRY.size + int(count) * entry + _FOOTER.size


def decode_seek_table(table: bytes) -> list[Frame]:
    """Return the frames that a seek table lists.

    Args:
        table: the last `seek_table_size` bytes of a file.

    Raises:
        ValueError: it is damaged.
    """
    if seek_table_size(table[-_FOOTER.size :]) != len(table):
        raise ValueError("no seek table")
    if _ENTRY.unpack_from(table) != (_SKIPPABLE, len(table) - _ENTRY.size):
        raise ValueError("a seek table of another length")
    count, descriptor, _ = _FOOTER.unpack(table[-_FOOTER.size :])
    width = 12 if descriptor & 0x80 else 8
    return [Frame(*_ENTRY.unpack_from(table, 8 + width * n)) for n in range(count)]


def whole_lines(log: bytes) -> list[bytes]:
    """Return the lines of a log that are ended, without their ends."""
    return log.split(b"\n")[:-1]


def line_mark(line: bytes) -> int:
    """Return `LINE_MARK` or `NOTE_MARK`; 0 for a line that is none of ours."""
    return line[MARK_POSITION] if len(line) > MARK_POSITION else 0


def line_stamp(line: bytes) -> int:
    """Return a text line's stamp; 0 where it has none."""
    try:
        return parse_stamp(line[: MARK_POSITION - 1].decode("ascii", "replace"))
    except ValueError:
        return 0
