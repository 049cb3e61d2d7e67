"""How many files and sockets this process may have, and whose they are.

What records comes first: clients get what the fleet does not need. Without that, a few
hundred connections leave the archive no file to open.
"""

from __future__ import annotations

import resource
from typing import Final

PER_CONSOLE: Final = 4
"""A console that prints has three files open, and its closed ones are compressed."""

RESERVED: Final = 256
"""Index, journal, shared sockets, look-ups of names, alerts, hooks, compression."""

FEWEST_CLIENTS: Final = 16
"""Clients that are let in where the limit is too low for the fleet as well."""


def limit() -> int:
    """Return how many this process may have, once it asks for all (`solrecd run`)."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def needed(consoles: int) -> int:
    """Return how many a fleet needs, with a few clients."""
    return RESERVED + PER_CONSOLE * consoles + FEWEST_CLIENTS


def too_few(consoles: int, allowed: int) -> str | None:
    """Return what to tell of a limit that is too low; None where it is not."""
    wanted = needed(consoles)
    if allowed >= wanted:
        return None
    return (
        f"{consoles} consoles need {wanted} open files, and {allowed} are allowed;"
        f" set LimitNOFILE={wanted} in the unit, or raise ulimit -Hn"
    )


class ClientPlaces:
    """Connections of clients, of all listeners together.

    Args:
        allowed: files that this process may have.
        consoles: of the fleet.
    """

    def __init__(self, allowed: int, consoles: int = 0) -> None:
        self._allowed = allowed
        self._taken = 0
        self.plan(consoles)

    def plan(self, consoles: int) -> None:
        """Take another size of the fleet."""
        spare = self._allowed - needed(consoles) + FEWEST_CLIENTS
        self.count = max(spare, FEWEST_CLIENTS)
        """How many there are."""

    def enter(self, *, is_local: bool) -> bool:
        """Let a client in, if there is room; `leave` has to follow then.

        Args:
            is_local: it comes by the control socket, for which half is kept.
        """
        room = self.count if is_local else self.count // 2
        if self._taken >= room:
            return False
        self._taken += 1
        return True

    def leave(self) -> None:
        """Forget a client that was let in."""
        self._taken -= 1
