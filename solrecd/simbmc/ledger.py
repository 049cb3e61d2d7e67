"""What became of every byte the host printed: ACKed, dropped and why, or waiting.

A recording of a simulated BMC can be compared with it, byte by byte or by digest.
"""

from __future__ import annotations

import enum
import hashlib
from collections import Counter


class Drop(enum.Enum):
    """Why bytes never reached a client."""

    NO_OWNER = "no_owner"
    OVERFLOW = "overflow"
    GIVEN_UP = "given_up"
    RESET = "reset"
    SERIAL_DEAD = "serial_dead"


class Ledger:
    """What became of every byte the host printed.

    Args:
        keep: ACKed bytes kept in `kept`, the first ones; 0 keeps none.
    """

    def __init__(self, *, keep: int = 0) -> None:
        self.printed = 0
        """Bytes that the host has printed since it exists."""
        self.acknowledged = 0
        """Bytes that a client has ACKed."""
        self.dropped: Counter[Drop] = Counter()
        self.retransmissions = 0
        self.skipped_numbers = 0
        self.overruns = 0
        """Packets that carried the transmit overrun bit, first attempts only."""
        self.kept = bytearray()
        self._keep = keep
        self._digest = hashlib.sha256()

    @property
    def digest(self) -> str:
        """SHA-256 of all ACKed bytes in order, as ``sha256sum`` prints it."""
        return self._digest.hexdigest()

    def acknowledge(self, data: bytes) -> None:
        """Count `data` as delivered."""
        self.acknowledged += len(data)
        self._digest.update(data)
        if len(self.kept) < self._keep:
            self.kept += data[: self._keep - len(self.kept)]
