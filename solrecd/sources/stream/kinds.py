"""The kinds ``unix`` and ``tcp``, for the table of all kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from solrecd.config import ConsoleKind
from solrecd.config.keys import Key
from solrecd.config.values import absolute_path, text
from solrecd.sources.base import Driver, Services, SourceKind
from solrecd.sources.stream.endpoints import tcp_options, unix_options


def _driver(kind: str) -> Callable[[Services], Driver]:
    def make(services: Services) -> Driver:
        # Imported here: who only reads a configuration needs no sockets.
        from solrecd.sources.stream.driver import StreamDriver  # noqa: PLC0415

        return StreamDriver(kind, services)

    return make


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
    _driver("unix"),
)

TCP: Final = SourceKind(
    ConsoleKind(
        name="tcp",
        help="A TCP port that carries the console's bytes and nothing else: a console"
        " server's raw port, ser2net, socat, QEMU. Anyone on the way can read and type;"
        " keep it on a network of its own.",
        keys={
            "address": Key(
                text(min_bytes=1, max_bytes=300),
                "Where the port is: `host:port` or `[2001:db8::7]:port`. `{name}` and"
                " `{n}` expand in it.",
                example="ts1.example.net:7001",
            )
        },
        defaults={},
        build=tcp_options,
        required=("address",),
    ),
    _driver("tcp"),
)
