"""Which lines are not text at all. Pure.

Bytes at another baud rate, and what a UART sends while a machine is reset, arrive as
runs of invalid UTF-8 and control bytes. A console that shows them all the time is
configured wrongly, which goes unnoticed until the console is needed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from solrecd.events.event import Event, Kind, Severity

FRAME_RUNS: Final = 8
"""Set-up screens for PC-ANSI terminals draw their frames with bytes of code page 437,
which are not UTF-8 either: a few runs of them on a row, and no control bytes. Noise is
a mixture."""

WINDOW: Final = 16
"""Characters; shorter lines prove nothing."""

SHARE: Final = 0.3
"""Unreadable share of a line above which it is noise."""

_RUNS: Final = re.compile("\ufffd+")


def is_noise(text: str) -> bool:
    """Say whether a line, as `text.Assembler` writes it, is mostly unreadable."""
    if len(text) < WINDOW:
        return False
    escaped = text.count("\\x")
    unreadable = text.count("\ufffd") + escaped
    # An escape takes four characters for one byte.
    if unreadable <= SHARE * (len(text) - 3 * escaped):
        return False
    return escaped > 0 or len(_RUNS.findall(text)) >= FRAME_RUNS


def noisy_lines(texts: Sequence[str]) -> list[int]:
    """Return the indexes of the lines that are noise."""
    whole = "".join(texts)
    if "\ufffd" not in whole and "\\x" not in whole:
        return []
    return [
        index
        for index, text in enumerate(texts)
        if ("\ufffd" in text or "\\x" in text) and is_noise(text)
    ]


def noise_event(console: str, boot: int | None, line: int, at: int) -> Event:
    """Return what to tell of a console that cannot be read."""
    title = "Unreadable output: do the baud rates of host and BMC agree?"
    return Event(
        at, console, Kind.FAILURE, "console_noise", Severity.WARNING, title, boot, line
    )
