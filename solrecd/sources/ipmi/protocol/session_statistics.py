"""What happened on the wire of a session, as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from solrecd.events.wire_counts import Repeat, WireCounts
from solrecd.sources.ipmi.protocol.packets import Rejection


@dataclass(frozen=True, slots=True)
class SessionStatistics:
    """What happened on the wire so far."""

    received: int
    """Datagrams, believed or not."""
    rejected: Mapping[Rejection, int]
    """Datagrams that were rejected, by cause."""
    duplicates: int = 0
    """SoL packets that brought nothing new."""
    grown: int = 0
    """SoL retransmissions that brought new bytes at their end."""
    commands_retransmitted: int = 0
    input_retransmitted: int = 0


def snapshot(
    counts: WireCounts, rejected: Mapping[Rejection, int]
) -> SessionStatistics:
    """Return the statistics of a session.

    Args:
        counts: of its console.
        rejected: datagrams that were rejected, by cause; without what never
            happened.
    """
    repeats = counts.repeats
    return SessionStatistics(
        counts.received,
        {cause: rejected.get(cause, 0) for cause in Rejection},
        duplicates=repeats.get(Repeat.OUTPUT, 0),
        grown=repeats.get(Repeat.GROWN, 0),
        commands_retransmitted=repeats.get(Repeat.COMMAND, 0),
        input_retransmitted=repeats.get(Repeat.INPUT, 0),
    )
