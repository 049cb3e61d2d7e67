"""How long each packet waits for its ACK, as the BMC sees it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence

from bench.figures import Figure
from solrecd.simbmc.fleet import Member
from solrecd.simbmc.ledger import Ledger


class TimedLedger(Ledger):
    """Notes how long each packet waited for its ACK.

    Args:
        keep: ACKed bytes that are remembered.
    """

    def __init__(self, *, keep: int = 0) -> None:
        super().__init__(keep=keep)
        self.waits: list[float] = []
        self._since = 0.0

    @property
    def printed(self) -> int:
        """Bytes printed so far."""
        return self._printed

    @printed.setter
    def printed(self, printed: int) -> None:
        self._printed = printed
        self._since = time.monotonic()

    def acknowledge(self, data: bytes) -> None:
        """Count and time a packet."""
        super().acknowledge(data)
        self.waits.append(time.monotonic() - self._since)


def timed(members: Iterable[Member], *, keep: int = 0) -> list[TimedLedger]:
    """Return the ledgers into which these BMCs, not begun yet, write from now on."""
    ledgers = []
    for member in members:
        ledger = TimedLedger(keep=keep)
        controller = member.bmc.controller
        member.bmc.ledger = controller.ledger = controller.payload._ledger = ledger
        ledgers.append(ledger)
    return ledgers


def waits(
    name: str, ledgers: Sequence[TimedLedger], patience: float
) -> Iterator[Figure]:
    """Yield what was timed since the lists were cleared.

    Args:
        name: of what was measured.
        ledgers: of the BMCs that were.
        patience: milliseconds within which each packet is to be acknowledged.
    """
    found = sorted(wait for ledger in ledgers for wait in ledger.waits)
    silent = sum(not ledger.waits for ledger in ledgers)
    yield Figure(f"{name}: packets timed", len(found), "")
    yield Figure(f"{name}: consoles without any", silent, "", goal=0)
    if found:
        p999 = found[int(len(found) * 0.999)]
        yield Figure(
            f"{name}: median wait for the ACK", found[len(found) // 2] * 1e3, "ms"
        )
        yield Figure(f"{name}: p99.9", p999 * 1e3, "ms")
        yield Figure(f"{name}: worst", found[-1] * 1e3, "ms", goal=patience)
