"""What waits for a receiver that is told one notice after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

import trio

from solrecd.alerts import Notice, Phase
from solrecd.alerts.payload import Envelope, envelope
from solrecd.config import ReceiverConfig

MOST: Final = 1000
"""Notices that may wait; the oldest go first."""


class Waiting:
    """Notices as they go out, in order; belongs to the event loop.

    Args:
        config: of the receiver.
        host: name of this machine.
        send_resolved: whether the receiver hears that something is over.
    """

    def __init__(
        self, config: ReceiverConfig, host: str, *, send_resolved: bool
    ) -> None:
        self._config = config
        self._host = host
        self._send_resolved = send_resolved
        self.notices: deque[Envelope] = deque()
        self.wanted = trio.Event()
        """Set when there is something to do; whoever does it puts a new one here."""

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self.notices)

    def add(self, notices: Iterable[Notice]) -> int:
        """Take notices; return how many older ones had to go for them."""
        gone = 0
        for notice in notices:
            if notice.phase is Phase.RESOLVED and not self._send_resolved:
                continue
            if len(self.notices) >= MOST:
                self.notices.popleft()
                gone += 1
            self.notices.append(envelope(notice, self._config, self._host))
            self.wanted.set()
        return gone

    def take_over(self, before: Waiting) -> None:
        """Take what waits at an earlier sender of the same receiver."""
        self.notices.extend(before.notices)
        before.notices.clear()
        self.wanted.set()
