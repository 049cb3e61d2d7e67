"""Consoles without a BMC, as others describe them, in solrecd's words."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from typing import Final

from solrecd.cli.inventory.found import COMMAND, Place
from solrecd.sources.stream.tty.place import BAUD_RATES

RAW: Final = "raw"
TELNET: Final = "telnet"

_SERIAL: Final = re.compile(r"(\d{1,7})(?:,([5-8])([noeNOE])([12]))?\Z", re.ASCII)
_NEEDS_SHELL: Final = re.compile(r"[|&;<>()$`*?~\n]")


def tcp(address: str, protocol: str) -> Place:
    """Return a port of a console server, at ``host:port``."""
    settings = {"kind": "tcp", "protocol": protocol}
    return Place(address, settings, "address")


def unix(path: str) -> Place:
    """Return a unix socket.

    Raises:
        ValueError: its path is none.
    """
    return Place(_absolute(path), {"kind": "unix"}, "path")


def serial(device: str, settings: str) -> Place:
    """Return a serial port.

    Args:
        device: its path.
        settings: ``115200,8n1``, or the rate alone.

    Raises:
        ValueError: it is set to what solrecd cannot do.
    """
    match = _SERIAL.match(settings.replace(" ", ""))
    if match is None:
        raise ValueError(f"serial settings {settings!r} are not understood")
    if (match[2] or "8", (match[3] or "n").lower(), match[4] or "1") != ("8", "n", "1"):
        raise ValueError(f"serial settings {settings}: only 8n1 is supported")
    baud = int(match[1])
    if baud not in BAUD_RATES:
        raise ValueError(f"a rate of {baud} bit/s is not supported")
    return Place(_absolute(device), {"kind": "tty", "baud": baud}, "device")


def program(words: Sequence[str]) -> Place:
    """Return a program that shows the console.

    Raises:
        ValueError: there is none.
    """
    if not words:
        raise ValueError("names no program")
    return Place(json.dumps(list(words), ensure_ascii=False), {"kind": "exec"}, COMMAND)


def shell(text: str) -> Place:
    """Return a program, as a line that a shell reads.

    Raises:
        ValueError: there is none.
    """
    if _NEEDS_SHELL.search(text):
        return program(["/bin/sh", "-c", text])
    words = shlex.split(text)
    return program(words[1:] if words[:1] == ["exec"] else words)


def _absolute(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError(f"{path!r} is not an absolute path")
    return path
