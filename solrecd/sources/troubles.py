"""Why there is no connection, and what helps. Pure."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from solrecd.events.sessions import LostReason


class Trouble(NamedTuple):
    """Why there is no connection."""

    what: str
    cure: str
    """What to do about it."""


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


def tcp_troubles(key: str) -> Mapping[int, Trouble]:
    """Return what errors of a TCP connection mean, by errno.

    Args:
        key: of the configuration, which says where the other end is.
    """
    return MappingProxyType(
        {
            errno.ECONNREFUSED: Trouble(
                "connection refused",
                "start what listens on that port, or end the other client that it"
                " serves",
            ),
            errno.EHOSTUNREACH: Trouble(
                "no route to host", "see whether the host is on"
            ),
            errno.ENETUNREACH: Trouble(
                "network unreachable", f"correct `{key}`, or add a route"
            ),
            errno.ETIMEDOUT: Trouble(
                "no answer",
                "see whether the host is on, and which firewall is between",
            ),
            errno.EACCES: Trouble(
                "permission denied", "see which firewall of this machine forbids it"
            ),
        }
    )
