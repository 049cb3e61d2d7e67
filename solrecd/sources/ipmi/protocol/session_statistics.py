"""What happened on the wire of a session, as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from solrecd.sources.ipmi.protocol.packets import Rejection
from solrecd.sources.ipmi.protocol.payload import SolPayload


@dataclass(frozen=True, slots=True)
class SessionStatistics:
    """What happened on the wire so far."""

    received: int
    """Datagrams, believed or not."""
    rejected: Mapping[Rejection, int]
    """Datagrams that were not believed, by cause."""
    duplicates: int = 0
    """SoL packets that brought nothing new."""
    grown: int = 0
    """SoL retransmissions that brought new bytes at their end."""
    commands_retransmitted: int = 0
    input_retransmitted: int = 0


def snapshot(
    received: int, rejected: Mapping[Rejection, int], sol: SolPayload | None
) -> SessionStatistics:
    """Return the statistics of a session.

    Args:
        received: datagrams.
        rejected: those that were not believed, by cause; without what never happened.
        sol: None before the login.
    """
    by_cause = {cause: rejected.get(cause, 0) for cause in Rejection}
    if sol is None:
        return SessionStatistics(received, by_cause)
    return SessionStatistics(
        received,
        by_cause,
        duplicates=sol.receiver.duplicates,
        grown=sol.receiver.grown,
        commands_retransmitted=sol.dialogue.commands.retransmissions,
        input_retransmitted=sol.sender.retransmissions,
    )
