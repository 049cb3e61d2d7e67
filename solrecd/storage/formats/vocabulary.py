"""Which words each frame of a console's logs holds: what a search asks first.

A word is a run of ASCII letters, folded to lower case. Boots of one machine share
nearly all their words, and the parts that differ (times, addresses, sizes) are digits:
so a whole vocabulary costs little when each frame says only what changed since the one
before it. A Bloom filter of trigrams would take ten times as much for each boot, and
knows less: it cannot tell that a word which is made of common trigrams never occurs.

Runs of nothing but ``a`` to ``f`` and ``x`` are left out, for hexadecimal numbers are
full of them, and so are single letters: nothing may be concluded from their absence.

A file is a series of records, one per segment::

    magic 4 | flags 1 | size 4 | CRC-32 of flags and payload 4 | payload, deflated

    payload: length of name 1 | name | frames
    frame:   flags 1 | lines 4 | bytes of new words 4 | appeared 2 | vanished 2
             | new words, each ended by a newline | appeared ids | vanished ids

Words are numbered in the order in which they are new. A record that begins a *chapter*
starts with no words at all. What follows a damaged record cannot be read.
"""

from __future__ import annotations

import struct
import sys
import zlib
from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from solrecd.storage.formats.lines import count_output

FILE_NAME = ".words"
"""In a console's folder; hidden, so that ``rg`` and ``grep -r`` pass it over."""

MAX_WORDS = 60_000
"""Words of a chapter, so that their numbers fit 16 bits; real machines print 5000."""

MAX_SEGMENTS = 128
"""Segments of a chapter: what is read of a file before another record is added."""

MAX_NEW = 128 * 1024
"""Bytes of new words in one frame. Who prints more of them prints no words (base64,
noise on the line), and the frame counts as holding everything."""

MAX_PAYLOAD = 64 << 20
"""Bytes of a record, inflated; a damaged or hostile file could claim any size."""

_MAGIC = b"SWv1"
_HEAD = struct.Struct("<4sBII")
_FRAME = struct.Struct("<BIIHH")
_CHAPTER = 1
_ANYTHING = 1

_LETTERS = bytes(
    c | 0x20 if chr(c).isalpha() and c < 0x80 else 0x20 for c in range(256)
)
_HEXADECIMAL = b"abcdefx"
_FOLDED = ((b"\xe2\x84\xaa", b"k"), (b"\xc5\xbf", b"s"))
"""The two letters outside ASCII that a search without case takes for letters in it:
the Kelvin sign and the long s."""


class FrameWords(NamedTuple):
    """What is known of one frame."""

    lines: int
    """Lines of console output; notes are not counted."""
    words: frozenset[bytes] | None
    """None: it may hold anything."""


class SegmentWords(NamedTuple):
    """What is known of a segment's log."""

    name: str
    """Its stem."""
    frames: Sequence[FrameWords]


def fold(text: bytes) -> bytes:
    """Return a text with its letters folded and a space for everything else."""
    for letter, folded in _FOLDED:
        if letter in text:
            text = text.replace(letter, folded)
    return text.translate(_LETTERS)


def is_known(word: bytes) -> bool:
    """Whether a vocabulary has such words at all."""
    return len(word) > 1 and bool(word.strip(_HEXADECIMAL))


def words_of(text: bytes) -> frozenset[bytes]:
    """Return the words of a text that a vocabulary keeps."""
    # `is_known` written out, for it would run thousands of times per frame.
    found = set(fold(text).split())
    return frozenset([w for w in found if len(w) > 1 and w.strip(_HEXADECIMAL)])


def look_at(text: bytes) -> FrameWords:
    """Return what a vocabulary says of a frame of a log."""
    return FrameWords(count_output(text), words_of(text))


class Writer:
    """Encodes segments one behind the other, each as what changed."""

    def __init__(self) -> None:
        self._ids: dict[bytes, int] = {}
        self._present: set[int] = set()
        self._segments = 0

    def resume(self, records: Sequence[Record]) -> None:
        """Go on behind records that lie in the file already.

        Args:
            records: the last chapter of the file at least.
        """
        for record in records:
            if record.begins_chapter:
                self._begin()
            self._segments += 1
            for frame in record.frames:
                first = len(self._ids)
                self._ids.update((w, first + n) for n, w in enumerate(frame.new))
                self._present.update(range(first, len(self._ids)))
                self._present.update(frame.appeared)
                self._present.difference_update(frame.vanished)

    def encode(self, segment: SegmentWords) -> bytes:
        """Return the record of the next segment."""
        new = {word for frame in segment.frames for word in frame.words or ()}
        words = len(self._ids) + len(new.difference(self._ids))
        if words > MAX_WORDS or self._segments == MAX_SEGMENTS:
            self._begin()
        flags = 0 if self._segments else _CHAPTER
        self._segments += 1
        name = segment.name.encode()
        frames = b"".join(map(self._encode_frame, segment.frames))
        payload = zlib.compress(bytes([len(name)]) + name + frames, 9)
        checksum = _checksum(flags, payload)
        return _HEAD.pack(_MAGIC, flags, len(payload), checksum) + payload

    def _begin(self) -> None:
        self._ids, self._present, self._segments = {}, set(), 0

    def _encode_frame(self, frame: FrameWords) -> bytes:
        if frame.words is None:
            return _FRAME.pack(_ANYTHING, frame.lines, 0, 0, 0)
        new = sorted(word for word in frame.words if word not in self._ids)
        known = {self._ids[word] for word in frame.words if word in self._ids}
        text = b"".join(word + b"\n" for word in new)
        if len(text) > MAX_NEW or len(self._ids) + len(new) > MAX_WORDS:
            return _FRAME.pack(_ANYTHING, frame.lines, 0, 0, 0)
        appeared = sorted(known - self._present)
        vanished = sorted(self._present - known)
        first = len(self._ids)
        self._ids.update((word, first + n) for n, word in enumerate(new))
        self._present = known | set(range(first, len(self._ids)))
        head = _FRAME.pack(0, frame.lines, len(text), len(appeared), len(vanished))
        return head + text + _pack_ids(appeared) + _pack_ids(vanished)


class FrameRecord(NamedTuple):
    """One frame as it stands in the file: what changed."""

    lines: int
    anything: bool
    text: bytes
    """The new words, each ended by a newline."""
    ids: bytes
    """Numbers of the words that appeared, then of those that vanished."""
    gained: int
    """How many appeared."""

    # Unpacked when they are asked for: of most consoles nothing is.

    @property
    def appeared(self) -> Sequence[int]:
        """Numbers of known words that the frame before did not have."""
        return _unpack_ids(self.ids[: 2 * self.gained])

    @property
    def vanished(self) -> Sequence[int]:
        """Numbers of words that only the frame before had."""
        return _unpack_ids(self.ids[2 * self.gained :])

    @property
    def new(self) -> list[bytes]:
        """The new words."""
        return self.text.split(b"\n")[:-1]


class Record(NamedTuple):
    """One record of a file."""

    name: str
    begins_chapter: bool
    frames: Sequence[FrameRecord]
    end: int
    """Where in the file it ends."""

    @property
    def lines(self) -> int:
        """Lines of console output of the segment."""
        return sum(frame.lines for frame in self.frames)


def read_records(data: bytes) -> Iterator[Record]:
    """Yield a file's records up to the first that is damaged or torn."""
    for head in _heads(data):
        try:
            yield _read_record(data, head)
        except (struct.error, zlib.error, ValueError, IndexError):
            return


def read_last_chapter(data: bytes) -> tuple[list[Record], int]:
    """Return the records of a file's last chapter, and where the last one ends.

    What is damaged or torn, and all behind it, does not count.
    """
    heads = list(_heads(data))
    begins = [n for n, head in enumerate(heads) if head.flags & _CHAPTER]
    if not begins:
        return [], 0
    first = heads[begins[-1]].begin - _HEAD.size
    records = list(read_records(data[first:]))
    return records, first + records[-1].end if records else first


class _Head(NamedTuple):
    """A record that is whole, not yet inflated."""

    flags: int
    begin: int
    """Where in the file its payload begins."""
    end: int


def _heads(data: bytes) -> Iterator[_Head]:
    position = 0
    while position + _HEAD.size <= len(data):
        magic, flags, size, checksum = _HEAD.unpack_from(data, position)
        begin = position + _HEAD.size
        position = begin + size
        packed = data[begin:position]
        if (
            magic != _MAGIC
            or len(packed) != size
            or _checksum(flags, packed) != checksum
        ):
            return
        yield _Head(flags, begin, position)


def _read_record(data: bytes, head: _Head) -> Record:
    packed = data[head.begin : head.end]
    payload = zlib.decompressobj().decompress(packed, MAX_PAYLOAD)
    name_end = 1 + payload[0]
    frames = []
    place = name_end
    while place < len(payload):
        frame, place = _read_frame(payload, place)
        frames.append(frame)
    name = payload[1:name_end].decode()
    return Record(name, bool(head.flags & _CHAPTER), frames, head.end)


def _checksum(flags: int, payload: bytes) -> int:
    return zlib.crc32(payload, flags)


def _read_frame(payload: bytes, place: int) -> tuple[FrameRecord, int]:
    flags, lines, size, appeared, vanished = _FRAME.unpack_from(payload, place)
    begin = place + _FRAME.size
    middle = begin + size
    end = middle + 2 * (appeared + vanished)
    if end > len(payload):
        raise ValueError("torn")
    text, ids = payload[begin:middle], payload[middle:end]
    return FrameRecord(lines, bool(flags & _ANYTHING), text, ids, appeared), end


def _pack_ids(ids: Sequence[int]) -> bytes:
    return _little(array("H", ids)).tobytes()


def _unpack_ids(packed: bytes) -> Sequence[int]:
    return _little(array("H", packed))


def _little(ids: array[int]) -> array[int]:
    if sys.byteorder == "big":
        ids.byteswap()
    return ids


def decode(records: Sequence[Record]) -> Iterator[SegmentWords]:
    """Yield what records say, each frame's words whole."""
    words: list[bytes] = []
    present: set[int] = set()
    for record in records:
        if record.begins_chapter:
            words, present = [], set()
        frames = []
        for frame in record.frames:
            present |= set(range(len(words), len(words) + len(frame.new)))
            words += frame.new
            present.update(frame.appeared)
            present.difference_update(frame.vanished)
            held = None if frame.anything else frozenset(words[n] for n in present)
            frames.append(FrameWords(frame.lines, held))
        yield SegmentWords(record.name, frames)
