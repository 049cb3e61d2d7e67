"""Bytes with their stamps, and the lines of text that they become."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple, overload


class Chunk(NamedTuple):
    """Bytes that one SoL packet delivered, with the stamp of their arrival."""

    at: int
    data: bytes


class Line(NamedTuple):
    """One line of console text as the archive and `scan` show it."""

    at: int
    """Stamp of its first byte."""
    offset: int
    """Stream offset of its first byte (see `Cut.offset`)."""
    text: str
    """Escapes removed, other control bytes as ``\\xNN``, at most 8 KiB, no line end."""


# Line(...) without the Python frame that a named tuple's constructor costs.
_line: Final = partial(tuple.__new__, Line)


class Lines(Sequence[Line]):
    """Lines in order, kept column by column.

    Nearly all lines are split off, searched and written in bulk; an object for each
    would cost more than all of that.

    Args:
        lines: the first ones.
    """

    __slots__ = ("offsets", "stamps", "texts")

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        self.stamps: list[int] = []
        self.offsets: list[int] = []
        self.texts: list[str] = []
        for line in lines:
            self.append(line)

    def append(self, line: Line) -> None:
        """Add a line."""
        self.stamps.append(line.at)
        self.offsets.append(line.offset)
        self.texts.append(line.text)

    def __len__(self) -> int:
        return len(self.texts)

    def __iter__(self) -> Iterator[Line]:
        return map(_line, zip(self.stamps, self.offsets, self.texts, strict=True))

    @overload
    def __getitem__(self, index: int) -> Line: ...
    @overload
    def __getitem__(self, index: slice) -> Lines: ...
    def __getitem__(self, index: int | slice) -> Line | Lines:
        if not isinstance(index, slice):
            return Line(self.stamps[index], self.offsets[index], self.texts[index])
        part = Lines()
        part.stamps = self.stamps[index]
        part.offsets = self.offsets[index]
        part.texts = self.texts[index]
        return part

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and [*self] == [*other]

    # Lines can be added: what is equal now need not stay so.
    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Lines({[*self]})"
