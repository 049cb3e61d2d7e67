"""How many connections unknown clients may have, and how fast they may come.

Any client that reaches a port can open connections and begin handshakes. A connection
costs memory and a descriptor; a handshake costs up to some milliseconds of the very
loop that serves the consoles. Both are bounded here: clients compete with each other,
not with a console.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import trio

from solrecd.api.denials import Denial, DenialReason, Denials

MOST: Final = 256
"""Connections at the same time; each may hold `server.MAX_STRANGERS_HEAD` bytes."""

MOST_OF_ONE: Final = 64
"""Connections from one address: a person has ten terminals, a gateway ten persons."""

MOST_SCRAPERS: Final = 64
"""Connections to the metrics listener: a pair of Prometheus servers keeps two."""

MOST_SCRAPERS_OF_ONE: Final = 16
"""Of these, from one address: a proxy may bring several."""

HANDSHAKES_PER_SECOND: Final = 50.0
"""Handshakes begun: at 1 ms each (RSA of 2048 bits) a twentieth of the loop's time."""


class ConnectionLimits:
    """The connections to one listener.

    Args:
        denials: counts refused connections.
        most: at the same time.
        most_of_one: the same, from one address.
    """

    def __init__(
        self, denials: Denials, most: int = MOST, most_of_one: int = MOST_OF_ONE
    ) -> None:
        self._denials = denials
        self._most = most
        self._most_of_one = most_of_one
        self._by_address = Counter[str]()
        self._next_handshake = 0.0

    def enter(self, address: str) -> bool:
        """Let a connection in, if there is room; `leave` has to follow then."""
        is_full = self._by_address.total() >= self._most
        if is_full or self._by_address[address] >= self._most_of_one:
            self.turn_away(DenialReason.CROWD, address)
            return False
        self._by_address[address] += 1
        return True

    def leave(self, address: str) -> None:
        """Forget a connection that was let in."""
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    def turn_away(self, reason: DenialReason, address: str, detail: str = "") -> None:
        """Note that a connection was refused."""
        self._denials.add(Denial(reason=reason, peer=address, detail=detail))

    async def wait_turn(self) -> None:
        """Wait until one more handshake may begin."""
        self._next_handshake = max(trio.current_time(), self._next_handshake)
        self._next_handshake += 1 / HANDSHAKES_PER_SECOND
        await trio.sleep_until(self._next_handshake)
