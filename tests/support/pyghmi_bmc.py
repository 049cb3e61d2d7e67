"""pyghmi as a BMC in a process: ``python -m tests.support.pyghmi_bmc PORT``.

A process, because pyghmi keeps sockets and a thread forever. It speaks cipher suite 3
only, whatever is asked for. What is typed on its console comes back, doubled.
"""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
import uuid
from types import TracebackType
from typing import Any, Self

from pyghmi.ipmi import bmc as pyghmi_bmc

HOST = "::1"
USERNAME, PASSWORD = "recorder", "secret"
_READY = "ready"


class EchoBmc(pyghmi_bmc.Bmc):  # type: ignore[misc]  # pyghmi publishes no types
    """Says everything twice."""

    def __init__(self, port: int) -> None:
        """Listen."""
        super().__init__({USERNAME: PASSWORD}, port, uuid.UUID(int=port), HOST)
        self._typed: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self._echo, daemon=True).start()

    def iohandler(self, data: Any) -> None:
        """Take what was typed; pyghmi must not be called back from here."""
        if isinstance(data, bytes):
            self._typed.put(data)

    def is_active(self) -> bool:
        """SoL is there."""
        return True

    def get_power_state(self) -> str:
        """The machine is on."""
        return "on"

    def _echo(self) -> None:
        while True:
            data = self._typed.get()
            if self.sol is not None:
                self.sol.send_data(data + data)


class PyghmiBmc:
    """The process, as a context manager."""

    def __init__(self, port: int) -> None:
        """Prepare a BMC at ``[::1]:port``."""
        self.address = (HOST, port)

    def __enter__(self) -> Self:
        """Start it and wait until it listens."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", __spec__.name, str(self.address[1])],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == _READY
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


if __name__ == "__main__":
    echo = EchoBmc(int(sys.argv[1]))
    print(_READY, flush=True)  # noqa: T201 - the parent waits for it
    echo.listen()
