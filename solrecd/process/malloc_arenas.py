"""Keeps the C library's allocator from holding on to unused memory.

glibc gives each thread a heap of its own, and raises the size from which on it maps
memory instead whenever something large is freed. A daemon that lives for months, with
threads that come and go and segments that are compressed now and then, ends up with
many heaps full of holes: one that was soaked grew by 6 % in three minutes, of which 5 %
were holes. With one heap, and large blocks always mapped, the holes stay below 1 %.
"""

from __future__ import annotations

import ctypes
from typing import Final

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8
"""Parameters of mallopt(3), from glibc's malloc.h."""

_LARGE: Final = 128 * 1024
"""Bytes: glibc's own first value. Setting it keeps glibc from raising it."""


def limit_malloc_arenas() -> None:
    """Have freed memory given back; counts for the process. Nothing without glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(_ARENA_MAX, 1)
    mallopt(_MMAP_THRESHOLD, _LARGE)
    mallopt(_TRIM_THRESHOLD, _LARGE)
