"""How much of what a console printed is interpreted in one turn. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from solrecd.events.lines import Chunk


def split(chunks: list[Chunk], most: int | None) -> tuple[list[Chunk], list[Chunk]]:
    """Return the chunks of this turn, and what is left.

    Args:
        chunks: as they came; taken whole.
        most: bytes after which it is enough; None: all is taken.
    """
    if most is None:
        return chunks, []
    sizes = accumulate(len(chunk.data) for chunk in chunks)
    enough = next((n for n, size in enumerate(sizes, 1) if size >= most), len(chunks))
    return chunks[:enough], chunks[enough:]


def size_of(chunks: Sequence[Chunk]) -> int:
    """Return how many bytes there are."""
    return sum([len(chunk.data) for chunk in chunks])
