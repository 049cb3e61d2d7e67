"""What could steer a terminal, or cannot be seen, written as text. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

_SHORT: Final = 48
"""Characters up to which one look at each is quicker than one search for each kind."""

_FEW: Final = 32
"""Kinds of characters for each of which the text is searched."""

_CONTROLS: Final = tuple(
    (chr(code), f"\\x{code:02x}")
    for code in (*range(0x20), *range(0x7F, 0xA1), 0xAD)
    if code not in b"\t\n"
)
"""Those below 0x100, in which noise abounds, but for line feed and tab."""


def visible(text: str) -> str:
    """Return text in which every character can be seen, and tabs are left."""
    if text.isprintable():
        return text
    if len(text) > _SHORT:
        text = without_controls(text)
    unseen = [char for char in set(text) if not char.isprintable() and char != "\t"]
    if len(unseen) > _FEW:
        return text.translate({ord(char): _shown(char) for char in unseen})
    for char in unseen:
        text = text.replace(char, _shown(char))
    return text


def without_controls(text: str) -> str:
    """Return text whose control characters are written out, but LF and tab."""
    for char, shown in _CONTROLS:
        if char in text:
            text = text.replace(char, shown)
    return text


# Noise is made of the same few again and again.
@lru_cache(maxsize=4096)
def _shown(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
