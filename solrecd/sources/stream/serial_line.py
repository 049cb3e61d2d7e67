"""How a serial line is set, wherever it is. Pure."""

from __future__ import annotations

import enum


class Flow(enum.StrEnum):
    """What keeps the two ends of a serial line from sending too fast."""

    NONE = "none"
    RTSCTS = "rtscts"
    """Two wires of their own: RTS and CTS."""
    XONXOFF = "xonxoff"
    """Two characters in the stream: Ctrl-S and Ctrl-Q."""
