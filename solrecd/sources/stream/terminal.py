"""A connection that is a terminal: a serial port, or that of a program.

What `tty` and `exec` share: reading into `HeldBytes`, writing, taking over.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import trio

from solrecd.sources.findings import Finding
from solrecd.sources.stream.connection import close_all
from solrecd.sources.stream.held import HeldBytes
from solrecd.sources.stream.way import Say

TERMINAL: Final = "t"
HELD: Final = "h"
"""What these descriptors are called."""


class TerminalConnection:
    """What connections share that are terminals; see `way.Connection`.

    Args:
        fd: the terminal; does not block.
        held: bytes that were read from it.
    """

    send_break: Callable[[], Awaitable[None]] | None = None

    def __init__(self, fd: int, held: HeldBytes) -> None:
        self.fd = fd
        self._held = held

    @property
    def descriptors(self) -> Mapping[str, int]:
        """See `Connection`."""
        return {TERMINAL: self.fd, HELD: self._held.fd}

    def resume(self, offset: int) -> None:
        """See `Connection`."""
        self._held.resume(offset)

    def look(self) -> bytes | None:
        """See `Connection`."""
        if not self._held and not self._held.read(self.fd):
            return None
        return bytes(self._held)

    def recording(self, offset: int, size: int) -> None:
        """See `Connection`."""
        del size
        self._held.recording(offset)

    def take(self) -> None:
        """See `Connection`."""
        self._held.drop()

    async def wait(self) -> None:
        """See `Connection`."""
        await trio.lowlevel.wait_readable(self.fd)

    async def tend(self, say: Say) -> None:
        """See `Connection`; there is nothing to do."""

    def encoded(self, typed: bytes) -> bytes:
        """See `Connection`."""
        return typed

    def send(self, data: bytes) -> int:
        """See `Connection`."""
        try:
            return os.write(self.fd, data)
        except BlockingIOError:
            return 0

    async def wait_sendable(self) -> None:
        """See `Connection`."""
        await trio.lowlevel.wait_writable(self.fd)

    def leave(self) -> None:
        """See `Connection`."""
        with suppress(OSError):
            os.close(self.fd)
        self._held.close()

    def details(self) -> Mapping[str, Any]:
        """See `Connection`."""
        return {}

    def findings(self) -> Sequence[Finding]:
        """See `Connection`."""
        return ()


def left_terminal(descriptors: Mapping[str, int]) -> tuple[int, HeldBytes]:
    """Return a terminal that an earlier process left, and the bytes it held.

    Args:
        descriptors: those of `TerminalConnection.descriptors`; closed where they are
            none.

    Raises:
        OSError: they are none.
    """
    fd = descriptors.get(TERMINAL, -1)
    if not os.isatty(fd):
        close_all(descriptors.values())
        raise OSError("no terminal")
    try:
        held = HeldBytes(descriptors.get(HELD))
    except OSError:
        close_all(descriptors.values())
        raise
    os.set_blocking(fd, False)
    return fd, held
