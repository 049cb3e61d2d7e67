"""Our own simulated BMCs, a fleet of them in a process of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

USERNAME = "recorder"
PASSWORD = "secret"

RMCP_PORT = 623


class BmcFleet:
    """``python -m solrecd.simbmc`` with these options; a context manager."""

    def __init__(
        self, count: int, *flags: str, port: int = RMCP_PORT, **options: float | str
    ) -> None:
        """Prepare ``count`` BMCs, each at an address of its own.

        Args:
            count: how many.
            flags: the simulator's options that take no value, without dashes.
            port: UDP port; the standard one is for root alone.
            options: its other options, without dashes.
        """
        self._command = [
            *(sys.executable, "-m", "solrecd.simbmc", "--one-port", f"--port={port}"),
            *("--host", _first_host(), "--count", str(count)),
            *(f"--{flag}" for flag in flags),
            *(f"--{name}={value}" for name, value in options.items()),
        ]
        self._process: subprocess.Popen[str] | None = None
        self.addresses: Mapping[str, str] = {}

    def __enter__(self) -> Self:
        """Return once all BMCs listen."""
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        listening = self._read()["listening"]
        self.addresses = {
            f"n{number:04d}": str(address).removesuffix(f":{RMCP_PORT}")
            for number, address in enumerate(listening)
        }
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
        self._process.communicate()

    def sessions(self) -> Mapping[str, Sequence[int]]:
        """Return the session IDs that each BMC has now, by console."""
        assert self._process is not None
        self._process.send_signal(signal.SIGUSR1)
        found = self._read()["sessions"]
        return {
            name: found[address if ":" in address else f"{address}:{RMCP_PORT}"]
            for name, address in self.addresses.items()
        }

    def _read(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        message: dict[str, Any] = json.loads(self._process.stdout.readline())
        return message


def _first_host() -> str:
    """Return the first of a few thousand addresses that no other run uses.

    All of 127/8 is loopback on Linux: an address per BMC, as in the field.
    """
    return f"127.{1 + os.getpid() % 250}.0.1"
