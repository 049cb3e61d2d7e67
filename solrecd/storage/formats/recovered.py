"""What the journal holds of a console that is not yet in its archive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from solrecd.events import Chunk


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
