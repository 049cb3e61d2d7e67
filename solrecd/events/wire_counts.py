"""What a console's source counts on the wire; metrics, `status` and `doctor` show it.

Not a value like the others here: the source adds to it for each packet, and it
outlives the sessions of a console.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


class Repeat(enum.StrEnum):
    """What was sent more than once; a metric label.

    Each is a packet, or the answer to one, that got lost on its way or came too late.
    """

    OUTPUT = "output"
    """The other end sent output again that we had, so that our ACK was lost."""
    GROWN = "grown"
    """The same, with more at its end."""
    RENUMBERED = "renumbered"
    """Output that we had came under another number: the other end had given up on our
    acknowledgements."""
    INPUT = "input"
    """We sent again what was typed."""
    COMMAND = "command"
    """We sent a command again."""


@dataclass(slots=True)
class WireCounts:
    """What happened on the wire of one console since the start."""

    received: int = 0
    """Datagrams from its address, believed or not."""
    rejected: int = 0
    """Those of them that were rejected."""
    send_errors: int = 0
    """Datagrams of ours that the kernel would not send."""
    repeats: dict[str, int] = field(default_factory=dict)
    """By `Repeat`; without what never happened."""

    def repeated(self, what: Repeat) -> None:
        """Count one more."""
        self.repeats[what] = self.repeats.get(what, 0) + 1

    def as_dict(self) -> dict[str, int]:
        """Return the ``network`` object of ``status``."""
        repeats = {f"{what}_repeated": self.repeats.get(what, 0) for what in Repeat}
        return {
            "received": self.received,
            "rejected": self.rejected,
            "send_errors": self.send_errors,
            **repeats,
        }
