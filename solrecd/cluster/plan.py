"""Which of several processes records a console.

Rendezvous hashing (Thaler and Ravishankar, 1998): each process has a score for each
console, and the highest score has it. One process more, or less, moves only the
consoles that it gains, or loses; all who know the number of processes agree without a
word.
"""

from __future__ import annotations

from hashlib import blake2b

_SIZE = 8
"""Bytes of a score: two that are alike are not to be expected."""


def shard_of(console: str, shards: int) -> int:
    """Return the number, from 1, of the shard that records a console."""
    if shards == 1:
        return 1
    return max(range(1, shards + 1), key=lambda shard: _score(console, shard))


def _score(console: str, shard: int) -> bytes:
    return blake2b(f"{shard}/{console}".encode(), digest_size=_SIZE).digest()
