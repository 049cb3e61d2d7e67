"""Questions and messages between the bytes of a console."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

_ENTER: Final = frozenset(b"\r\n")
_CANCEL: Final = frozenset(b"\x03\x04\x1b")
_ERASE: Final = frozenset(b"\x7f\x08")
_PRINTABLE: Final = range(0x20, 0x7F)


def describe_others(others: Sequence[Mapping[str, str]]) -> str:
    """Return how many other users are attached, and which of them write."""
    if not others:
        return "no other user is attached"
    count = (
        "one other user is attached"
        if len(others) == 1
        else f"{len(others)} other users are attached"
    )
    writers = ", ".join(each["user"] for each in others if each["mode"] == "rw")
    return f"{count} ({writers} writes)" if writers else count


class Question:
    """A line that is asked for while the console goes on."""

    def __init__(self, answered: Callable[[str], None]) -> None:
        self._answered = answered
        self._typed = bytearray()

    def answer(self) -> None:
        """Hand on what was typed."""
        self._answered(self._typed.decode("utf-8", "replace").strip())

    def feed(self, data: bytes) -> tuple[bytes, bool, bytes]:
        """Return what to echo, whether that was all, and keys behind it."""
        echo = bytearray()
        for at, key in enumerate(data):
            if key in _CANCEL:
                self._typed.clear()
            if key in _ENTER or key in _CANCEL:
                return bytes(echo), True, data[at + 1 :]
            if key in _ERASE:
                echo += b"\b \b" if self._typed else b""
                del self._typed[-1:]
            elif key in _PRINTABLE or key > 0x7F:
                self._typed.append(key)
                echo.append(key)
        return bytes(echo), False, b""
