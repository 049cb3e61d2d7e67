"""The kind ``ssh``: how it is configured."""

from __future__ import annotations

from typing import Final

from solrecd.config import ConsoleKind
from solrecd.sources.base import Driver, Services, SourceKind
from solrecd.sources.stream.ssh.options import (
    PASSWORD,
    SSH_DEFAULTS,
    SSH_KEYS,
    WAYS_IN,
    check_ssh,
    ssh_options,
)


def _driver(services: Services) -> Driver:
    # Imported here: who only reads a configuration needs no event loop.
    from solrecd.sources.stream.driver import StreamDriver  # noqa: PLC0415
    from solrecd.sources.stream.ssh.way import ssh_ways  # noqa: PLC0415

    return StreamDriver("ssh", ssh_ways(services.settings), services)


SSH: Final = SourceKind(
    ConsoleKind(
        name="ssh",
        help="A console that is reached by ssh: of a BMC (iDRAC, iLO, XCC, OpenBMC), a"
        " console server, or a command on another machine. OpenSSH's client is run for"
        " each, with none of its configuration files.",
        keys=SSH_KEYS,
        defaults=SSH_DEFAULTS,
        build=ssh_options,
        secrets=(PASSWORD,),
        required=("host", "username", WAYS_IN),
        check=check_ssh,
    ),
    _driver,
)
