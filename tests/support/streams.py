"""Consoles that are streams: connected pairs, and socat as the machine behind one."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from solrecd.config import ConsoleConfig
from solrecd.sources.stream.tcp.place import TcpOptions
from solrecd.sources.stream.unix.place import UnixOptions
from tests.support.ports import free_port

Endpoint = TcpOptions | UnixOptions

SOCAT: Final = shutil.which("socat")
MISSING: Final = "socat is not installed"


def connected_pair(kind: str) -> tuple[socket.socket, socket.socket]:
    """Return both ends of a connection of a kind."""
    if kind == "unix":
        return socket.socketpair()
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
        return ours, theirs


def endpoint(kind: str, folder: Path) -> Endpoint:
    """Return a place of a test's own where nothing listens yet."""
    if kind == "unix":
        return UnixOptions(path=str(folder / "serial.sock"))
    return TcpOptions(host="127.0.0.1", port=free_port())


def stream_console(name: str, place: Endpoint) -> ConsoleConfig:
    """Return the configuration of a console that is a stream."""
    kind = "unix" if isinstance(place, UnixOptions) else "tcp"
    return ConsoleConfig(name=name, kind=kind, options=place)


def as_toml(name: str, place: Endpoint) -> str:
    """Return the table of such a console."""
    kind = stream_console(name, place).kind
    key, *_ = place.details()
    return f'[console.{name}]\nkind = "{kind}"\n{key} = "{place.place}"\n'


def numbered_lines(first: int, count: int) -> bytes:
    """Return lines that say which of all they are."""
    return b"".join(b"line %07d\r\n" % n for n in range(first, first + count))


class Socat:
    """A machine's serial port, served to one client by socat.

    Args:
        place: where it listens.
        echoes: what is typed is printed.
    """

    def __init__(self, place: Endpoint, *, echoes: bool = False) -> None:
        self.place = place
        self.typed = bytearray()
        """What arrived, as far as it was read."""
        self._echoes = echoes
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it."""
        self.kill()

    def start(self) -> None:
        """Listen."""
        assert SOCAT is not None
        place = self.place
        if isinstance(place, UnixOptions):
            listen = f"UNIX-LISTEN:{place.path},unlink-early,backlog=1"
        else:
            listen = f"TCP-LISTEN:{place.port},bind={place.host},reuseaddr,backlog=1"
        self._process = subprocess.Popen(
            [SOCAT, "-b", "65536", listen, "PIPE" if self._echoes else "STDIO"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._reader = threading.Thread(target=self._read, args=[self._process])
        self._reader.start()

    def kill(self) -> None:
        """End it without a word; it may have ended already."""
        if self._process is None or self._reader is None:
            return
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._process = None

    def cut(self) -> None:
        """End it while something is printed; `kill` comes later."""
        assert self._process is not None
        self._process.kill()

    def finish(self) -> None:
        """End it once all that was printed is on its way."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
        self.kill()

    def has_ended(self) -> bool:
        """Tell whether its client is gone, and it with that."""
        return self._process is None or self._process.poll() is not None

    def print(self, data: bytes) -> None:
        """Have the machine print something; waits while that is not taken."""
        assert self._process is not None
        assert self._process.stdin is not None
        view = memoryview(data)
        while view:
            view = view[os.write(self._process.stdin.fileno(), view) :]

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        while data := os.read(process.stdout.fileno(), 65536):
            self.typed += data


class Printer:
    """Has a machine print numbered lines, at about the rate of a serial line."""

    def __init__(self, machine: Socat) -> None:
        self._machine = machine
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._print)
        self._printed = 0

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End, with the machine if it does not read."""
        self._done.set()
        if kind is not None:
            self._machine.kill()
        self._thread.join()

    def stop(self) -> bytes:
        """End; return everything that was printed."""
        self._done.set()
        self._thread.join()
        return numbered_lines(0, self._printed)

    def _print(self) -> None:
        while not self._done.wait(0.002):
            try:
                self._machine.print(numbered_lines(self._printed, 2))
            except OSError:
                return
            self._printed += 2
