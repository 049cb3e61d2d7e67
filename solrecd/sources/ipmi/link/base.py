"""What the hub serves, and what it hands out; protocols only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


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


class LinkError(Exception):
    """A peer cannot be reached from here; the text says why, in one line."""


class NameUnresolvedError(LinkError):
    """The host name has no address (yet)."""


class RequestError(LinkError):
    """A BMC did not answer a command; it may have been executed all the same."""
