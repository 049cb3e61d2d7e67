"""The kind ``exec``: how it is configured."""

from __future__ import annotations

from typing import Final

from solrecd.config import ConsoleKind
from solrecd.config.keys import Key
from solrecd.sources.base import Driver, Services, SourceKind
from solrecd.sources.stream.exec.place import command, exec_options


def _driver(services: Services) -> Driver:
    # Imported here: who only reads a configuration needs no event loop.
    from solrecd.sources.stream.driver import StreamDriver  # noqa: PLC0415
    from solrecd.sources.stream.exec.way import ExecWay  # noqa: PLC0415

    return StreamDriver("exec", ExecWay, services)


EXEC: Final = SourceKind(
    ConsoleKind(
        name="exec",
        help="A program that shows the console on a terminal and keeps running: `virsh"
        " console`, `kubectl`, `ipmitool sol activate`, a script. It runs as the"
        " daemon's user, in the service's sandbox; when it ends it is restarted.",
        keys={
            "command": Key(
                command,
                "The program and its arguments, run without a shell. `{name}` and `{n}`"
                " expand in each, other braces stay. All users of this machine can read"
                " a password in them: have the program read it from a file.",
                example=["virsh", "-c", "qemu:///system", "console", "{name}"],
            )
        },
        defaults={},
        build=exec_options,
        required=("command",),
    ),
    _driver,
)
