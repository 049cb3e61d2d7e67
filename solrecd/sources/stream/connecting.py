"""Connects to a stream, or says why not and what helps."""

from __future__ import annotations

import socket

import trio

from solrecd.sources.stream.endpoints import Endpoint, UnixOptions
from solrecd.sources.tcp import CONNECT_TIMEOUT, connect_tcp, no_answer, not_connected


async def connect(endpoint: Endpoint) -> socket.socket:
    """Return a connection that does not block.

    Raises:
        NotConnectedError: there is none.
    """
    about = endpoint.place, "address", endpoint.troubles
    try:
        with trio.fail_after(CONNECT_TIMEOUT):
            return await _connected(endpoint)
    except trio.TooSlowError:
        raise no_answer(*about) from None
    except OSError as error:
        raise not_connected(*about, error) from None


async def _connected(endpoint: Endpoint) -> socket.socket:
    if isinstance(endpoint, UnixOptions):
        await trio.lowlevel.checkpoint()
        return _connect_unix(endpoint.path)
    return await connect_tcp(endpoint.host, endpoint.port)


def _connect_unix(path: str) -> socket.socket:
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
