"""A machine with a real systemd as its process 1: Debian 12 in systemd-nspawn.

What is written in it lives in memory and is gone with it. It has a network of its own
in which nothing but the loopback exists; `Machine.network` lets a test live there too.
"""

import ctypes
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tests.systemd.rootfs import CHECKOUT, PYTHON, rootfs, wheels

BOOT_PATIENCE = 60.0
"""Seconds; it takes one or two."""

SOURCE = "/src"
"""Where the machine sees the checkout, read-only."""

_COMMAND_PATIENCE = 900.0
"""Seconds for a command, on a busy host: pip compiles a hundred packages."""

_LOCK = Path("/run/lock/solrecd-test")
"""Of this host: one machine at a time, the others wait."""

_WHEELS = "/wheels"
_CLONE_NEWNET = 0x4000_0000
"""setns(2); Python names it from 3.12 on."""

_CONTROL_GROUPS = (Path("/sys/fs/cgroup/systemd"), Path("/sys/fs/cgroup/cgroup.procs"))
"""What shows that systemd may use them, of the first kind or of the second."""

ENVIRONMENT: Mapping[str, str] = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    # There is no package index behind a loopback.
    "PIP_NO_INDEX": "1",
    "PIP_FIND_LINKS": _WHEELS,
}


class CommandError(AssertionError):
    """A command in the machine failed; the text has all that it printed."""


def missing() -> str | None:
    """Return why there can be no machine here, with the remedy; None: it may work."""
    if os.geteuid() != 0:
        return "systemd-nspawn needs root: run this as root"
    tools = [it for it in ("systemd-nspawn", "mmdebstrap") if not shutil.which(it)]
    if tools:
        names = ", ".join(tools)
        return f"not installed: {names} (Debian: systemd-container mmdebstrap)"
    if sys.version_info[:2] != PYTHON:
        wanted = ".".join(map(str, PYTHON))
        return f"the wheels for Debian 12 have to be built by Python {wanted}"
    if not any(map(Path.exists, _CONTROL_GROUPS)):
        return "systemd-nspawn needs control groups, and /sys/fs/cgroup has none"
    return None


class Machine:
    """One machine; a context manager that boots it and switches it off.

    Args:
        folder: gets the machine's own messages, ``boot.log``.
    """

    def __init__(self, folder: Path) -> None:
        self._log = folder / "boot.log"
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._init = 0
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        """Boot it.

        Raises:
            CommandError: it does not come up.
        """
        command = [
            *("systemd-nspawn", "--boot", "--quiet", f"--directory={rootfs()}"),
            *("--volatile=overlay", "--private-network", "--machine=solrecd-test"),
            *("--register=no", "--keep-unit", "--console=pipe"),
            *(f"--bind-ro={CHECKOUT}:{SOURCE}", f"--bind-ro={wheels()}:{_WHEELS}"),
        ]
        # Two would share one control group, and end each other's processes.
        self._lock = _LOCK.open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        with self._log.open("wb") as log:
            self._nspawn = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            self._wait_until_up(time.monotonic() + BOOT_PATIENCE)
        except CommandError:
            self._switch_off()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Switch it off."""
        self._switch_off()

    def _wait_until_up(self, deadline: float) -> None:
        assert self._nspawn is not None
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children")
        state = ""
        while state not in ("running", "degraded"):
            if self._nspawn.poll() is not None or time.monotonic() > deadline:
                words = self._log.read_text()[-4000:]
                raise CommandError(f"no systemd came up:\n{words}")
            time.sleep(0.1)
            pids = children.read_text().split()
            self._init = int(pids[-1]) if pids else 0
            if self._init:
                state = self.run("systemctl is-system-running", check=False).strip()

    def _switch_off(self) -> None:
        assert self._nspawn is not None
        self._nspawn.terminate()
        try:
            self._nspawn.wait(30)
        except subprocess.TimeoutExpired:
            self._nspawn.kill()
            self._nspawn.wait()
        finally:
            if self._lock is not None:
                self._lock.close()

    def run(
        self, script: str, *, stdin: str = "", check: bool = True, user: str = "root"
    ) -> str:
        """Run lines of shell in the machine, in the checkout; return what they print.

        Raises:
            CommandError: they failed, and ``check`` is set.
        """
        enter = [
            "nsenter",
            f"--target={self._init}",
            "--all",
            f"--wd={self.root}{SOURCE}",
        ]
        if user != "root":
            enter += ["runuser", "--user", user, "--"]
        environment = [f"{name}={value}" for name, value in ENVIRONMENT.items()]
        done = subprocess.run(
            [
                *enter,
                "env",
                "--ignore-environment",
                *environment,
                "bash",
                "-ec",
                script,
            ],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=_COMMAND_PATIENCE,
        )
        if check and done.returncode:
            raise CommandError(f"{script}\n{done.stdout}{done.stderr}")
        return done.stdout

    @property
    def root(self) -> Path:
        """The machine's root folder, as this process may use it."""
        return Path(f"/proc/{self._init}/root")

    @contextmanager
    def network(self) -> Iterator[None]:
        """Let what this thread opens and starts belong to the machine's network."""
        with Path("/proc/self/ns/net").open() as ours:
            with Path(f"/proc/{self._init}/ns/net").open() as theirs:
                _enter_network(theirs.fileno())
            try:
                yield
            finally:
                _enter_network(ours.fileno())


def _enter_network(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
