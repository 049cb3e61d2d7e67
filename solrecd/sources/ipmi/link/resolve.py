"""Host names to socket addresses, without ever blocking the loop."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import NamedTuple

import trio

from solrecd.sources.ipmi.link.base import NameUnresolvedError

Sockaddr = tuple[str, int] | tuple[str, int, int, int]
"""What ``sendto`` takes and ``recvfrom`` gives, for IPv4 and IPv6."""


class Address(NamedTuple):
    """Where datagrams of one BMC go to and come from."""

    family: socket.AddressFamily
    host: str
    port: int
    scope: int = 0
    """Interface of a link-local IPv6 address."""
    source: str = ""
    """Address of this machine to send from; empty: the kernel's choice."""

    @property
    def sockaddr(self) -> Sockaddr:
        """The tuple that names this peer to and from the kernel."""
        if self.family == socket.AF_INET6:
            return (self.host, self.port, 0, self.scope)
        return (self.host, self.port)


class Resolver:
    """Looks host names up with Trio, whose look-ups the daemon bounds.

    See `solrecd.process.name_lookups`.
    """

    async def resolve(
        self,
        host: str,
        port: int,
        family: socket.AddressFamily = socket.AF_UNSPEC,
    ) -> Sequence[Address]:
        """Return the addresses of ``host``, best first; literal ones cost no thread.

        Args:
            host: a name or a literal address.
            port: UDP port.
            family: the only family wanted; either by default.

        Raises:
            NameUnresolvedError: no address, or no answer.
        """
        literal = _literal(host, port)
        if literal is not None:
            return (literal,)
        try:
            found = await trio.socket.getaddrinfo(host, port, family, socket.SOCK_DGRAM)
        except (OSError, UnicodeError) as error:
            raise NameUnresolvedError(f"{host}: {error}") from None
        return tuple(dict.fromkeys(_address(one[0], one[4]) for one in found))


def _literal(host: str, port: int) -> Address | None:
    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST
        )
    except (OSError, UnicodeError):
        return None
    return _address(found[0][0], found[0][4])


def _address(family: socket.AddressFamily, sockaddr: Sequence[object]) -> Address:
    host, port, *more = sockaddr
    scope = more[1] if more else 0
    return Address(family, str(host), int(str(port)), int(str(scope)))
