"""What a question to the index may ask for; for type checkers, so never imported."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypedDict


class BootFilters(TypedDict, total=False):
    """Which boots are meant; what is None or left out leaves all."""

    boot: int | None
    """Only the boot of this number."""
    since: int | None
    """Only boots that started at or after this stamp."""
    until: int | None
    """Only boots that started before this stamp."""
    kernel: str | None
    """Only of this kernel version, a glob or the beginning of one: ``6.1`` finds
    6.1.0-56-amd64 and not 6.12."""
    outcomes: Collection[str] | None
    """Only boots that ended like this."""
    newest: int | None
    """Only so many of each console, the last of those that fit."""
