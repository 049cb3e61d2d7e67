"""Connects to a stream, or says why not and what helps."""

from __future__ import annotations

import errno
import socket
from typing import Final

import trio

from solrecd.events import LostReason
from solrecd.sources.stream.endpoints import Endpoint, TcpOptions, Trouble, UnixOptions

CONNECT_TIMEOUT: Final = 10.0
"""Seconds for name look-up and connection together."""

_IDLE: Final = 30
_INTERVAL: Final = 10
_PROBES: Final = 3

UNNOTICED: Final = float(_IDLE + _INTERVAL * _PROBES)
"""Seconds for which a peer that lost its power may be thought to be there."""

_KEEPALIVE: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _IDLE),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _INTERVAL),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
)
"""A silent console is no reason to give up."""


class NotConnectedError(Exception):
    """There is no connection; the message is one line that says why.

    Args:
        reason: of the loss.
        what: happened, and where.
        cure: what to do about it; may be empty.
    """

    def __init__(self, reason: LostReason, what: str, cure: str) -> None:
        super().__init__(f"{what}; {cure}" if cure else what)
        self.reason = reason
        self.what = what
        self.cure = cure


async def connect(endpoint: Endpoint) -> socket.socket:
    """Return a connection that does not block.

    Raises:
        NotConnectedError: there is none.
    """
    try:
        with trio.fail_after(CONNECT_TIMEOUT):
            return await _connected(endpoint)
    except trio.TooSlowError:
        raise _not_connected(endpoint, OSError(errno.ETIMEDOUT, "")) from None
    except OSError as error:
        raise _not_connected(endpoint, error) from None


def _not_connected(endpoint: Endpoint, error: OSError) -> NotConnectedError:
    place, said = endpoint.place, error.strerror or str(error)
    if isinstance(error, socket.gaierror):
        cure = "correct `address`, DNS or /etc/hosts"
        return NotConnectedError(LostReason.NAME_UNRESOLVED, f"{place}: {said}", cure)
    trouble = endpoint.troubles.get(error.errno or 0, Trouble(said, ""))
    what = f"{place}: {trouble.what}"
    return NotConnectedError(LostReason.UNREACHABLE, what, trouble.cure)


async def _connected(endpoint: Endpoint) -> socket.socket:
    if isinstance(endpoint, UnixOptions):
        await trio.lowlevel.checkpoint()
        return _connect_unix(endpoint.path)
    return await _connect_tcp(endpoint)


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


async def _connect_tcp(endpoint: TcpOptions) -> socket.socket:
    try:
        stream = await trio.open_tcp_stream(endpoint.host, endpoint.port)
    except OSError as error:
        raise _first_cause(error) from None
    connected = socket.socket(fileno=stream.socket.detach())
    for level, option, value in _KEEPALIVE:
        connected.setsockopt(level, option, value)
    return connected


def _first_cause(error: OSError) -> OSError:
    """Return why the first address of several did not answer: the others say less."""
    cause = error.__cause__
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    return cause if isinstance(cause, OSError) else error
