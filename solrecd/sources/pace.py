"""How often a source looks at a console that prints. Pure."""

from __future__ import annotations

from typing import Final

COLLECT: Final = 0.03
"""Seconds between two looks while output comes: a machine prints byte by byte, and each
look costs more than its bytes. The first byte after a silence is not kept waiting."""

FLOOD: Final = 0.004
"""Seconds between two looks while there is always more than one takes: 1 MB/s leave
the neighbours their time, and hold up the machine that prints faster."""

ROOM_EVERY: Final = 0.05
"""Seconds between two looks whether the journal has room again."""
