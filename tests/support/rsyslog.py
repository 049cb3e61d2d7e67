"""Debian's rsyslogd with a sample configuration, and the collector that it sends to."""

import json
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

SAMPLES = Path(__file__).parents[2] / "packaging/logs"
PATIENCE = 60.0


def is_installed() -> bool:
    """Whether rsyslogd can be run."""
    return shutil.which("rsyslogd") is not None


class Collector:
    """Takes JSON lines over TCP on loopback, as a log server does."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lines: list[bytes] = []
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def wait(self, count: int) -> list[dict[str, str]]:
        """Return what arrived, when that are so many, or when no more come."""
        with self._news:
            self._news.wait_for(lambda: len(self._lines) >= count, PATIENCE)
            return [json.loads(line) for line in self._lines]

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as file:
            for line in file:
                with self._news:
                    self._lines.append(line)
                    self._news.notify_all()

    def close(self) -> None:
        """Stop to listen."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


class Rsyslog:
    """A running rsyslogd; a context manager.

    Args:
        folder: its state; the next one in the same folder goes on where it ended.
        sample: name of the configuration in ``packaging/logs``.
        archive: in place of ``/var/log/solrecd``.
        port: of the collector, in place of the sample's.
    """

    def __init__(self, folder: Path, sample: str, archive: Path, port: int) -> None:
        text = (SAMPLES / sample).read_text()
        text = text.replace("/var/log/solrecd", str(archive))
        text = text.replace('"logs.example.net"', '"127.0.0.1"')
        text = text.replace('"6514"', f'"{port}"')
        folder.mkdir(exist_ok=True)
        head = f'global(maxMessageSize="64k" workDirectory="{folder}")\n'
        self._config = folder / "rsyslog.conf"
        self._config.write_text(head + text)
        self._pid = folder / "pid"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Return once it runs."""
        command = ["rsyslogd", "-n", "-f", str(self._config), "-i", str(self._pid)]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        while not self._pid.exists():
            assert self._process.poll() is None, "rsyslogd does not start"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it, orderly: it writes down how far it has read."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
            self._pid.unlink(missing_ok=True)
