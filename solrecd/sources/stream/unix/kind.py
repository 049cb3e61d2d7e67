"""The kind ``unix``: how it is configured."""

from __future__ import annotations

from typing import Final

from solrecd.config import ConsoleKind
from solrecd.config.keys import Key
from solrecd.config.values import absolute_path
from solrecd.sources.base import Driver, Services, SourceKind
from solrecd.sources.stream.unix.place import unix_options


def _driver(services: Services) -> Driver:
    # Imported here: who only reads a configuration needs no sockets.
    from solrecd.sources.stream.driver import StreamDriver  # noqa: PLC0415
    from solrecd.sources.stream.unix.way import UnixWay  # noqa: PLC0415

    return StreamDriver("unix", UnixWay, services)


UNIX: Final = SourceKind(
    ConsoleKind(
        name="unix",
        help="A unix socket that QEMU, libvirt or obmc-console listens on.",
        keys={
            "path": Key(
                absolute_path,
                "The socket. `{name}` and `{n}` expand in it. Its owner must let the"
                " user `solrecd` connect.",
                example="/run/vms/{name}/serial.sock",
            )
        },
        defaults={},
        build=unix_options,
        required=("path",),
    ),
    _driver,
)
