"""Bounds that hold for sources of every kind. Pure."""

from __future__ import annotations

from typing import Final

UNSENT_LIMIT: Final = 64 * 1024
"""Bytes of input that may wait for one console; a paste is rarely longer."""


def check_room(waiting: int, more: int) -> None:
    """See that more input may wait for a console.

    Args:
        waiting: bytes that wait already.
        more: bytes that come.

    Raises:
        BufferError: that would be too many.
    """
    if waiting + more > UNSENT_LIMIT:
        raise BufferError(
            f"{waiting} bytes of input wait already, {UNSENT_LIMIT} allowed"
        )
