"""Plays systemd for one service: readiness, descriptor store, restarts.

What is played is what systemd does (checked against 252 and 257): descriptors under a
name are kept while the service is away, also when it was killed, and are handed to the
next process from number 3 on; ``systemctl`` tells which job is under way.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

UNIT = "solrecd.service"

_SHIM = """\
import os, sys
fds, command = [int(fd) for fd in sys.argv[1].split(",") if fd], sys.argv[2:]
high = [os.dup(fd) for fd in fds]
while high and min(high) < 3 + len(fds):
    high = [os.dup(fd) for fd in high]
for target, fd in enumerate(high, 3):
    os.dup2(fd, target)
    os.close(fd)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(command[0], command)
"""
"""Puts descriptors where a service expects them, and becomes the service."""

_SYSTEMCTL = """\
#!/bin/sh
case "$1" in
show) echo NFileDescriptorStore="$(cat "{folder}/stored")" ;;
list-jobs) echo "77 {unit} $(cat "{folder}/job") running" ;;
esac
"""


class ServiceManager:
    """A service and what systemd does for it; a context manager that ends both."""

    def __init__(self, folder: Path, command: Sequence[str | Path]) -> None:
        """Prepare; `start` runs the service."""
        self._folder = folder
        self._command = [str(word) for word in command]
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = threading.Event()
        self.kept: dict[str, int] = {}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "notify"))
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()
        systemctl = folder / "bin" / "systemctl"
        systemctl.parent.mkdir()
        systemctl.write_text(_SYSTEMCTL.format(folder=folder, unit=UNIT))
        systemctl.chmod(0o755)
        self._tell()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the service and close what was kept."""
        self.kill()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        self._drop_all()

    @property
    def messages(self) -> str:
        """What the service wrote to its standard error so far."""
        return (self._folder / "stderr").read_text()

    def start(self, seconds: float = 20) -> None:
        """Run the service and return when it is ready."""
        self._ready.clear()
        names, fds = list(self.kept), list(self.kept.values())
        with (self._folder / "stderr").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-S", "-E", "-c", _SHIM),
                    ",".join(map(str, fds)),
                    *self._command,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=fds,
                env=self._environment(names),
            )
        assert self._ready.wait(seconds), self.messages[-4000:]

    def restart(self, down: float = 0.0) -> None:
        """Do ``systemctl restart``, and keep the service away for a while."""
        self._tell("restart")
        self._signal(signal.SIGTERM)
        time.sleep(down)
        self._tell()
        self.start()

    def crash(self, down: float = 0.0) -> None:
        """Kill the service and start it again, as ``Restart=always`` does."""
        self._signal(signal.SIGKILL)
        time.sleep(down)
        self.start()

    def stop(self) -> None:
        """Do ``systemctl stop``."""
        self._tell("stop")
        self._signal(signal.SIGTERM)
        self._drop_all()

    def kill(self) -> None:
        """End the service for good."""
        if self._process is not None:
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(30)
        self._process = None

    def _environment(self, names: Sequence[str]) -> dict[str, str]:
        return {
            **os.environ,
            "PATH": f"{self._folder}/bin:{os.environ['PATH']}",
            "NOTIFY_SOCKET": str(self._folder / "notify"),
            "SOLRECD_UNIT": UNIT,
            "LISTEN_FDS": str(len(names)),
            "LISTEN_FDNAMES": ":".join(names),
        }

    def _tell(self, job: str = "start") -> None:
        (self._folder / "job").write_text(job)
        (self._folder / "stored").write_text(str(len(self.kept)))

    def _listen(self) -> None:
        while True:
            data, fds, _, _ = socket.recv_fds(self._socket, 4096, 8)
            if not data:
                return
            fields = dict(line.split("=", 1) for line in data.decode().split("\n"))
            self._obey(fields, fds)

    def _obey(self, fields: dict[str, str], fds: Sequence[int]) -> None:
        name = fields.get("FDNAME", "stored")
        if "FDSTORE" in fields:
            assert fields.get("FDPOLL") == "0"
            (self.kept[name],) = fds
        if "FDSTOREREMOVE" in fields and name in self.kept:
            os.close(self.kept.pop(name))
        if "READY" in fields:
            self._ready.set()

    def _drop_all(self) -> None:
        for fd in self.kept.values():
            os.close(fd)
        self.kept.clear()
