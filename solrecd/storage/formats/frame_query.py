"""Asks a vocabulary which frames may hold what is looked for."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import Protocol

from solrecd.storage.formats.vocabulary import FrameRecord, Record


class Question(Protocol):
    """What a search wants of the words of a frame."""

    @property
    def pieces(self) -> frozenset[bytes]:
        """Parts of words; a newline in one stands for the begin or end of a word."""
        ...

    def may_hold(self, found: Container[bytes]) -> bool:
        """Whether a frame may hold what is looked for.

        Args:
            found: the pieces that are in some word of the frame.
        """
        ...


def ask(
    records: Sequence[Record], question: Question
) -> Iterator[tuple[Record, list[bool]]]:
    """Yield each record of a file with what its frames answer to a question."""
    for chapter in _chapters(records):
        text = b"\n" + b"".join(f.text for record in chapter for f in record.frames)
        wanted = {piece: _ids_with(text, piece) for piece in question.pieces}
        if not any(wanted.values()):
            # As nearly everywhere when something rare is looked for.
            otherwise = question.may_hold(())
            for record in chapter:
                yield record, [f.anything or otherwise for f in record.frames]
            continue
        held: dict[bytes, set[int]] = {piece: set() for piece in wanted}
        count = 0
        for record in chapter:
            answers = []
            for frame in record.frames:
                count = _step(frame, wanted, held, count)
                found = {piece for piece, ids in held.items() if ids}
                answers.append(frame.anything or question.may_hold(found))
            yield record, answers


def _chapters(records: Sequence[Record]) -> Iterator[list[Record]]:
    chapter: list[Record] = []
    for record in records:
        if record.begins_chapter and chapter:
            yield chapter
            chapter = []
        chapter.append(record)
    if chapter:
        yield chapter


def _ids_with(text: bytes, piece: bytes) -> frozenset[int]:
    """Return the numbers of the words that contain a piece."""
    found = set()
    place, counted, number = text.find(piece), 0, -1
    while place >= 0:
        # A piece that begins with a newline begins with that before its word.
        first = place + 1
        number += text.count(b"\n", counted, first)
        counted = first
        found.add(number)
        place = text.find(piece, first)
    return frozenset(found)


def _step(
    frame: FrameRecord,
    wanted: dict[bytes, frozenset[int]],
    held: dict[bytes, set[int]],
    count: int,
) -> int:
    """Take over what changed with a frame; return how many words there are now."""
    after = count + frame.text.count(b"\n")
    for piece, ids in wanted.items():
        if ids:
            held[piece].update(ids.intersection(range(count, after)))
            held[piece].update(ids.intersection(frame.appeared))
            held[piece].difference_update(frame.vanished)
    return after
