"""Bounds that hold for sources of every kind. Pure."""

from __future__ import annotations

from typing import Final

UNSENT_LIMIT: Final = 64 * 1024
"""Bytes of input that may wait for one console; a paste is rarely longer."""
