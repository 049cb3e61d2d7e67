"""Connects to a TCP port, or says why not and what helps."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from typing import Any, Final

import trio

from solrecd.sources.base import Recorder, Tell
from solrecd.sources.explaining import explained
from solrecd.sources.findings import bad, ok
from solrecd.sources.stream.connection import TcpConnection, left_socket
from solrecd.sources.stream.tcp.place import TROUBLES, TcpOptions, TcpProtocol
from solrecd.sources.stream.tcp.telnet import TELNET, TelnetConnection
from solrecd.sources.tcp import CONNECT_TIMEOUT, UNNOTICED, connect_tcp
from solrecd.sources.troubles import NotConnectedError


class TcpWay:
    """The way to a TCP port; fits `solrecd.sources.stream.way.Way`."""

    longest_wait: Final = 15.0
    """A console server has other clients to serve."""
    unnoticed: Final = UNNOTICED

    def __init__(self, options: TcpOptions) -> None:
        self._options = options
        self.has_break = options.protocol is not TcpProtocol.RAW

    @property
    def place(self) -> str:
        """See `Way`."""
        return self._options.place

    def details(self) -> Mapping[str, Any]:
        """See `Way`."""
        return self._options.details()

    async def open(self, recorder: Recorder) -> TcpConnection | TelnetConnection:
        """See `Way`."""
        return self._connection(await self._connect(), recorder, recorder.offset)

    async def _connect(self) -> socket.socket:
        try:
            with trio.fail_after(CONNECT_TIMEOUT):
                return await connect_tcp(self._options.host, self._options.port)
        except trio.TooSlowError:
            late = OSError(errno.ETIMEDOUT, "")
            raise explained(late, self.place, TROUBLES) from None
        except OSError as error:
            raise explained(error, self.place, TROUBLES) from None

    def _connection(
        self, connected: socket.socket, recorder: Recorder, begin: int
    ) -> TcpConnection | TelnetConnection:
        if self._options.protocol is TcpProtocol.RAW:
            return TcpConnection(connected, self.place, begin)
        return TelnetConnection(connected, self._options, recorder)

    def adopt(
        self, recorder: Recorder, descriptors: Mapping[str, int]
    ) -> TcpConnection | TelnetConnection:
        """See `Way`."""
        name, *_ = descriptors
        connected = left_socket(descriptors)
        is_raw = self._options.protocol is TcpProtocol.RAW
        if (name == TELNET) is is_raw:
            connected.close()
            raise OSError("another protocol was used on it")
        return self._connection(connected, recorder, int(name, 16) if is_raw else 0)

    async def examine(self, tell: Tell) -> bool:
        """See `Way`."""
        host = self._options.host
        try:
            with trio.fail_after(CONNECT_TIMEOUT):
                found = await trio.socket.getaddrinfo(
                    host, None, type=socket.SOCK_STREAM
                )
        except (OSError, trio.TooSlowError) as error:
            why = getattr(error, "strerror", None) or "no answer"
            cure = "correct `address`, DNS or /etc/hosts"
            await tell(bad("resolve", f"{host}: {why}", cure))
            return True
        addresses = dict.fromkeys(str(address[0]) for *_, address in found)
        await tell(ok("resolve", f"{host} is {', '.join(addresses)}"))
        try:
            (await self._connect()).close()
        except NotConnectedError as error:
            await tell(bad("session", error.what, error.cure))
            return True
        return False
