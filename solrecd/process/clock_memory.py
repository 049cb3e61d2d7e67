"""How far the wall clock was ahead of the boot clock, kept over restarts of the daemon.

A daemon that is started while the wall clock is wrong for a moment would believe it: a
gap would be a year long, and retention would find everything too old. The boot clock is
never set, so what the two differed by tells the next process what was right before.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import trio

from solrecd.process.clock import SECOND
from solrecd.process.plain_files import make_way, read_plain

FILE_NAME = "clock"

SLACK = SECOND // 10
"""Nanoseconds by which what is written may be wrong: clocks are slewed all the time."""

PLAUSIBLE = range(30 * 365 * 86_400 * SECOND, 200 * 365 * 86_400 * SECOND)
"""Nanoseconds since 1970 that may be a boot of ours."""

EVERY = 1.0
"""Seconds between two looks."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_LONGEST = 200
"""Bytes that are read."""


class ClockMemory:
    """A small file beside the journal; of another boot it says nothing.

    Args:
        path: of the file.
        boot_id: of this boot; read from the kernel if left out.
    """

    def __init__(self, path: Path, boot_id: str | None = None) -> None:
        self._path = path
        self._boot_id = _boot_id() if boot_id is None else boot_id
        self._written: int | None = None

    def read(self) -> int | None:
        """Return by how many nanoseconds the wall clock was ahead; None: unknown."""
        make_way(self._path)
        with suppress(OSError, ValueError):
            text, _, checksum = read_plain(self._path, _LONGEST).rpartition(b" ")
            boot_id, ahead = text.decode().split()
            is_whole = int(checksum, 16) == zlib.crc32(text)
            if is_whole and boot_id == self._boot_id and int(ahead) in PLAUSIBLE:
                return int(ahead)
        return None

    def write(self, ahead: int) -> None:
        """Remember it; a file that cannot be written remembers nothing."""
        if self._written is not None and abs(ahead - self._written) <= SLACK:
            return
        fresh = self._path.with_name(f".{self._path.name}")
        with suppress(OSError):
            text = f"{self._boot_id} {ahead}".encode()
            fresh.write_bytes(b"%b %08x\n" % (text, zlib.crc32(text)))
            fresh.replace(self._path)
            self._written = ahead

    async def follow(self, ahead: Callable[[], int]) -> None:
        """Remember what is right until cancelled."""
        while True:
            self.write(ahead())
            await trio.sleep(EVERY)


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text().strip() or "unknown"
    except OSError:
        return "unknown"
