"""Serial ports without hardware: joined terminals, ser2net, and a machine of QEMU's."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.support.ports import free_port

SER2NET: Final = shutil.which("ser2net") or shutil.which("ser2net", path="/usr/sbin")
QEMU: Final = shutil.which("qemu-system-x86_64")
SECONDS: Final = 20


def wait_for(condition: Callable[[], bool], seconds: float = SECONDS) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.02)


class Program:
    """A program that runs beside a test; ended by its process id."""

    def __init__(self, *command: str | Path) -> None:
        self._command = [str(word) for word in command]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Run it, until it is ready."""
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(self.is_ready)

    def is_ready(self) -> bool:
        """Tell whether others may use it."""
        return True

    def kill(self) -> None:
        """End it without a word; it may have ended already."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class SerialCable(Program):
    """Two terminals joined by socat: a serial port, and the machine on its other end.

    Args:
        folder: of the test; has the links ``port`` and ``machine``.
    """

    def __init__(self, folder: Path) -> None:
        self.port, self._machine = folder / "port", folder / "machine"
        ends = [f"PTY,link={end},raw,echo=0" for end in (self.port, self._machine)]
        super().__init__("socat", "-b", "65536", *ends)
        self.typed = bytearray()
        """What arrived at the machine."""
        self._fd = -1
        self._reader: threading.Thread | None = None

    def start(self) -> None:
        """Join them."""
        super().start()
        self._fd = os.open(self._machine, os.O_RDWR | os.O_NOCTTY)
        self._reader = threading.Thread(target=self._read, args=[self._fd])
        self._reader.start()

    def is_ready(self) -> bool:
        """See `Program`."""
        return self.port.exists() and self._machine.exists()

    def kill(self) -> None:
        """Unplug it."""
        super().kill()
        # socat has no time for that, and another terminal may have its number next.
        for end in (self.port, self._machine):
            end.unlink(missing_ok=True)
        if self._reader is not None:
            self._reader.join()
            self._reader = None
            os.close(self._fd)

    def print(self, data: bytes) -> None:
        """Have the machine print something; waits while that is not taken."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]

    def _read(self, fd: int) -> None:
        with suppress(OSError):
            while data := os.read(fd, 65536):
                self.typed += data


_SER2NET: Final = """\
%YAML 1.1
---
connection: &port
    accepter: telnet{options},tcp,127.0.0.1,{port}
    connector: serialdev,{device},9600n81,local
"""


class Ser2Net(Program):
    """A console server: ser2net, with one port.

    Args:
        folder: of the test.
        device: its serial port.
        rfc2217: clients may set that.
    """

    def __init__(self, folder: Path, device: Path, *, rfc2217: bool) -> None:
        assert SER2NET is not None
        self.port = free_port()
        options = "(rfc2217)" if rfc2217 else ""
        file = folder / "ser2net.yaml"
        file.write_text(_SER2NET.format(options=options, port=self.port, device=device))
        super().__init__(SER2NET, "-n", "-u", "-c", file, "-P", folder / "ser2net.pid")

    def is_ready(self) -> bool:
        """See `Program`."""
        listening = f":{self.port:04X} 00000000:0000 0A"
        return listening in Path("/proc/net/tcp").read_text()


_ECHO: Final = bytes.fromhex(
    "bafb03 b003 ee"  # 8 data bits, no parity, one stop bit
    "bafc03 b003 ee"  # DTR and RTS
    "baf803 b021 ee"  # prints "!"
    "bafd03 ec 88c4 a810 7409"  # unless a break came,
    "baf803 ec b042 ee ebed"  # which prints "B",
    "f6c401 74e8 baf803 ec ee ebe1"  # prints what was typed
)
"""A boot sector: a machine that knows nothing but its first serial port."""


@contextmanager
def qemu_machine(folder: Path, port: int) -> Iterator[Program]:
    """Run a machine whose serial port is served with telnet."""
    assert QEMU is not None
    disk = folder / "disk.img"
    disk.write_bytes(_ECHO.ljust(510, b"\0") + b"\x55\xaa" + bytes(512 * 100))
    serial = f"telnet:127.0.0.1:{port},server=on,wait=on"
    with Program(
        *(QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-m", "16"),
        *("-drive", f"file={disk},format=raw,if=ide", "-serial", serial),
    ) as machine:
        yield machine


@contextmanager
def silent_server(says: bytes = b"") -> Iterator[int]:
    """Listen on a port, say something to a client, and never answer anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        clients: list[socket.socket] = []

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = server.accept()
                    clients.append(client)
                    client.sendall(says)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for client in clients:
            client.close()
