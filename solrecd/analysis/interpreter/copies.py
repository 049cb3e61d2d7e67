"""Failures that a console shows a second time. Pure."""

from __future__ import annotations

from typing import Final

from solrecd.analysis.boot.prefix import Message, Origin

COPIES: Final = 64
"""Failures remembered, to know their copies when syslog prints them again."""


class Copies:
    """Tells a failure from its copies."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        # Stamps and texts.
        self._seen: tuple[tuple[float | None, str], ...] = ()

    def is_old(self, message: Message) -> bool:
        """Whether a failure was reported before, or is only looked at."""
        known = (message.stamp, message.text)
        if message.origin is Origin.ECHO:
            return True
        if message.origin is Origin.COPY:
            return known in self._seen or (None, message.text) in self._seen
        self._seen = (*self._seen, known)[-COPIES:]
        return False
