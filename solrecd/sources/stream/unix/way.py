"""Connects to a unix socket, or says why not and what helps."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any, Final

import trio

from solrecd.sources.base import Recorder, Tell
from solrecd.sources.explaining import explained
from solrecd.sources.findings import bad
from solrecd.sources.stream.connection import UnixConnection, left_socket
from solrecd.sources.stream.unix.place import TROUBLES, UnixOptions


class UnixWay:
    """The way to a unix socket; fits `solrecd.sources.stream.way.Way`."""

    longest_wait: Final = 3.0
    """To try costs a system call, and what a machine prints before we are there is
    lost."""
    unnoticed: Final = 0.0
    has_break: Final = False

    def __init__(self, options: UnixOptions) -> None:
        self._options = options

    @property
    def place(self) -> str:
        """See `Way`."""
        return self._options.place

    def details(self) -> Mapping[str, Any]:
        """See `Way`."""
        return self._options.details()

    async def open(self, recorder: Recorder) -> UnixConnection:
        """See `Way`."""
        del recorder
        await trio.lowlevel.checkpoint()
        try:
            connected = _connect(self._options.path)
        except OSError as error:
            raise explained(error, self.place, TROUBLES) from None
        return UnixConnection(connected, self.place)

    def adopt(
        self, recorder: Recorder, descriptors: Mapping[str, int]
    ) -> UnixConnection:
        """See `Way`."""
        del recorder
        return UnixConnection(left_socket(descriptors), self.place)

    async def examine(self, tell: Tell) -> bool:
        """See `Way`."""
        await trio.lowlevel.checkpoint()
        try:
            _connect(self._options.path).close()
        except OSError as error:
            said = explained(error, self.place, TROUBLES)
            await tell(bad("session", said.what, said.cure))
            return True
        return False


def _connect(path: str) -> socket.socket:
    # Not Trio's: it takes "the queue is full" for "wait until it is connected".
    connecting = socket.socket(
        socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK
    )
    try:
        connecting.connect(path)
    except BaseException:
        connecting.close()
        raise
    return connecting
