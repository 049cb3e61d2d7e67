"""Debian's conserver-server, the recorder of TCP consoles that we compare with."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from bench.rivals import Rival
from tests.support.ports import free_port

PROGRAM = shutil.which("conserver", path="/usr/sbin:/usr/bin:/sbin")

_SERVER = """\
config * {{ }}
default * {{ logfile "{logs}/&"; rw *; master localhost; }}
access * {{ trusted 127.0.0.1; }}
"""
_CONSOLE = """\
console {name} {{ type host; host {host}; port {port}; protocol raw; }}
"""


class Conserver(Rival):
    """conserver with one console for each address.

    Args:
        directory: a new folder.
        addresses: ``host:port`` of each console.
    """

    def __init__(self, directory: Path, addresses: Mapping[str, str]) -> None:
        assert PROGRAM is not None
        logs = directory / "logs"
        logs.mkdir(parents=True)
        configuration = directory / "conserver.cf"
        consoles = []
        for name, address in addresses.items():
            host, _, port = address.rpartition(":")
            consoles.append(_CONSOLE.format(name=name, host=host, port=port))
        configuration.write_text(_SERVER.format(logs=logs) + "".join(consoles))
        passwords = directory / "conserver.passwd"
        passwords.write_text("")
        command: list[str | Path] = [
            *(PROGRAM, "-C", str(configuration), "-P", str(passwords)),
            *("-M", "127.0.0.1", "-p", str(free_port()), "-b", str(free_port())),
        ]
        super().__init__(command, logs)
