"""Debian's conmand (ConMan on libipmiconsole), the recorder that we compare with."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

PROGRAM = shutil.which("conmand", path="/usr/sbin:/usr/bin:/sbin")

# The two workarounds are what libipmiconsole needs to talk to OpenIPMI's simulator and,
# for the payload size, to many boards; they cost nothing per packet.
_SERVER = """\
SERVER keepalive=ON
SERVER loopback=ON
SERVER port={port}
SERVER logdir="{logs}"
GLOBAL log="%N.log"
GLOBAL ipmiopts="U:{username},P:{password},C:3,L:admin,\
W:opensesspriv,W:solpayloadsize"
"""
_CONSOLE = 'CONSOLE name="{name}" dev="ipmi:{address}"\n'


class Conmand:
    """conmand in a folder of its own; a context manager that ends it."""

    def __init__(
        self, directory: Path, addresses: Mapping[str, str], login: tuple[str, str]
    ) -> None:
        """Write the configuration.

        Args:
            directory: a new folder.
            addresses: ``host:port`` of the BMC of each console.
            login: user name and password.
        """
        self._logs = directory / "logs"
        self._logs.mkdir(parents=True)
        self._configuration = directory / "conman.conf"
        # No client attaches: any free port will do.
        head = _SERVER.format(
            port=17890, logs=self._logs, username=login[0], password=login[1]
        )
        consoles = (
            _CONSOLE.format(name=name, address=address)
            for name, address in addresses.items()
        )
        self._configuration.write_text(head + "".join(consoles))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Run it; sessions come up within a few seconds."""
        assert PROGRAM is not None
        self._process = subprocess.Popen(
            [PROGRAM, "-F", "-c", self._configuration],
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
