"""Notices when a crash that was not seen lately reaches a second machine.

A signature is the same for the same crash wherever it happens (`Event.signature`). It
never becomes a label: what is counted is that one spread, by the failure's name, and
``solrecctl events --group`` tells which and where.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from solrecd.events.event import Event, Severity

SPREADS_WITHIN: Final = 3600 * 1_000_000
"""Microseconds from the first machine to the second: a bad update reaches a fleet
within that, and crashes a day apart have seldom one cause."""

FORGOTTEN_AFTER: Final = 24 * 3600 * 1_000_000
"""Microseconds without a crash after which its next one is a new outbreak."""

REMEMBERED: Final = 4096
"""Signatures; beyond them the one that was seen longest ago is forgotten."""

_CRASHES: Final = frozenset({Severity.FATAL, Severity.CRITICAL})


@dataclass(slots=True)
class _Outbreak:
    began: int
    seen: int
    console: str
    """The first one."""
    has_spread: bool = False


class Signatures:
    """Remembers the crashes of a fleet. Pure: the stamps are the events'."""

    def __init__(self) -> None:
        self._outbreaks: OrderedDict[str, _Outbreak] = OrderedDict()

    def spreads(self, event: Event) -> bool:
        """Take a failure; return whether its crash has just reached a second console.

        True once for each outbreak.
        """
        if event.signature is None or event.severity not in _CRASHES:
            return False
        outbreak = self._outbreak(event, event.signature)
        outbreak.seen = max(outbreak.seen, event.time)
        if outbreak.has_spread or outbreak.console == event.console:
            return False
        outbreak.has_spread = event.time - outbreak.began <= SPREADS_WITHIN
        if not outbreak.has_spread:
            # Too late to have the same cause: it may be the first of others, though.
            outbreak.began, outbreak.console = event.time, event.console
        return outbreak.has_spread

    def _outbreak(self, event: Event, signature: str) -> _Outbreak:
        outbreak = self._outbreaks.get(signature)
        if outbreak is None or event.time - outbreak.seen > FORGOTTEN_AFTER:
            outbreak = _Outbreak(event.time, event.time, event.console)
            self._outbreaks[signature] = outbreak
        self._outbreaks.move_to_end(signature)
        if len(self._outbreaks) > REMEMBERED:
            self._outbreaks.popitem(last=False)
        return outbreak
