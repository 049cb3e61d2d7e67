"""A wall clock that jumps, for one process: libfaketime, told by a file.

The monotonic clock and the times of files stay true, as when an administrator or an NTP
client sets a machine's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
"""Where Debian's package ``libfaketime`` has it; empty: it is not installed."""


class FakeTime:
    """The wall clock of the processes that are started with its environment.

    Args:
        file: tells how far it is ahead; made here.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(0)

    @property
    def environment(self) -> Mapping[str, str]:
        """What such a process needs; empty where there is no such library."""
        if not LIBRARIES:
            return {}
        return {
            "LD_PRELOAD": str(LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def set(self, seconds: int) -> None:
        """Let it be so much ahead of the true time, or behind."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n")
        fresh.replace(self._file)
