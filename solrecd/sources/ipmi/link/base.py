"""What the hub serves, and what it hands out; what keeps it from that."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol


class Endpoint(Protocol):
    """One peer's protocol, without sockets: what a hub drives.

    All methods are synchronous. What one raises is a bug, which ends this endpoint
    alone: `crashed` is the last call. ``now`` is monotonic seconds.
    """

    @property
    def deadline(self) -> float | None:
        """When `expire` wants to be called; None for never."""

    def receive(self, datagram: bytes, now: float) -> None:
        """Take one datagram that came from this peer's address."""

    def expire(self, now: float) -> None:
        """Act on timers that are due."""

    def datagrams(self) -> Sequence[bytes]:
        """Return what is to be sent now, and forget it."""

    def not_sent(self, count: int, error: OSError) -> None:
        """Learn that the kernel refused so many of them: they count as lost."""

    def crashed(self, bug: Exception) -> Sequence[bytes]:
        """Learn that one of these raised, and return what to send as a goodbye."""


class Place(Protocol):
    """An endpoint's place in a hub: lets its owner send, and leave."""

    @property
    def socket_name(self) -> str:
        """Name of the socket it is on."""

    def flush(self) -> None:
        """Send what the endpoint queued and arm its timer."""

    def catch_up(self, now: float) -> None:
        """Deliver what came before the endpoint joined."""

    def close(self) -> None:
        """Leave: nothing is delivered to the endpoint any more."""


class LinkError(Exception):
    """A peer cannot be reached from here; the text says why, in one line."""


class NameUnresolvedError(LinkError):
    """The host name has no address (yet)."""


class RequestError(LinkError):
    """A BMC did not answer a command; it may have been executed all the same."""


_SEND_ERRORS: Final[Mapping[int, str]] = MappingProxyType(
    {
        errno.EACCES: "a broadcast address, or a firewall of this host",
        errno.EPERM: "a firewall of this host",
        errno.EINVAL: "a link-local address needs its interface: fe80::1%eth0",
        errno.ENETUNREACH: "this host has no route to it",
        errno.EHOSTUNREACH: "nothing on the way knows it",
    }
)


def not_sendable(host: str, error: OSError) -> str:
    """Return why nothing can be sent to an address, in one line."""
    reason = error.strerror or str(error)
    hint = _SEND_ERRORS.get(error.errno or 0)
    return f"cannot send to {host}: {reason}" + (f" ({hint})" if hint else "")
