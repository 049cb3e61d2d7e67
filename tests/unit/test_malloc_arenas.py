"""What the C library does with freed memory, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import ctypes, sys
from solrecd.process import malloc_arenas

class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in
        "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
        .split()]

if "with" in sys.argv:
    malloc_arenas.limit_malloc_arenas()
look = ctypes.CDLL(None).mallinfo2
look.restype = Info
large = bytearray(1 << 20)
del large
before = look().hblkhd
large = bytearray(1 << 20)
print(look().hblkhd - before >= 1 << 20)
"""


def is_mapped(how: str) -> bool:
    """Whether a large block is mapped although one of its size was freed before."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, how],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout == "True\n"


def test_large_blocks_are_mapped_for_good_and_so_given_back() -> None:
    assert is_mapped("with")
    assert not is_mapped("without")
