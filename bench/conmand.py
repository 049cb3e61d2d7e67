"""Debian's conmand (ConMan on libipmiconsole), the recorder that we compare with."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from bench.rivals import Rival

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


class Conmand(Rival):
    """conmand in a folder of its own."""

    def __init__(
        self, directory: Path, addresses: Mapping[str, str], login: tuple[str, str]
    ) -> None:
        """Write the configuration.

        Args:
            directory: a new folder.
            addresses: ``host:port`` of the BMC of each console.
            login: user name and password.
        """
        logs = directory / "logs"
        logs.mkdir(parents=True)
        configuration = directory / "conman.conf"
        # No client attaches: any free port will do.
        head = _SERVER.format(
            port=17890, logs=logs, username=login[0], password=login[1]
        )
        consoles = (
            _CONSOLE.format(name=name, address=address)
            for name, address in addresses.items()
        )
        configuration.write_text(head + "".join(consoles))
        assert PROGRAM is not None
        super().__init__([PROGRAM, "-F", "-c", configuration], logs)
