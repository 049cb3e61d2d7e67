"""Other recorders that we compare with: run in a folder of their own, and ended."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self


class Rival:
    """A recorder of others; a context manager that ends it.

    Args:
        command: runs it in the foreground.
        logs: folder that it writes to.
    """

    def __init__(self, command: Sequence[str | Path], logs: Path) -> None:
        self._command = command
        self._logs = logs
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Run it; sessions come up within a few seconds."""
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait()

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    @property
    def recorded(self) -> int:
        """Bytes in its logs, over all consoles."""
        return sum(log.stat().st_size for log in self._logs.iterdir())
