"""What a recording holds, compared with what the BMC knows to be acknowledged."""

from __future__ import annotations

from collections.abc import Sequence

PACKET = 255
"""Bytes that one SoL packet can hold, and so what one kill can repeat: a packet that
was recorded and not yet acknowledged comes again in the next session."""

_PROBE = 512
"""Bytes compared to find a place; numbered lines tell it after 64."""


class DifferenceError(AssertionError):
    """The recording is not what was acknowledged; the text says where."""


def count_repeated(raw: bytes, acknowledged: bytes, kills: Sequence[int]) -> int:
    """Return the bytes recorded twice; everything acknowledged is there, in order.

    Args:
        raw: everything recorded.
        acknowledged: everything the BMC was told to have arrived.
        kills: how much of that there was when the recorder was killed, each time.

    Raises:
        DifferenceError: something is missing, or there twice without a kill.
    """
    position = repeated = 0
    allowed = 0
    begin = 0
    for end in (*kills, len(acknowledged)):
        if end > begin:
            piece = memoryview(acknowledged)[begin:end]
            extra = _find(raw, position, piece, allowed)
            repeated += extra
            position += extra + len(piece)
            allowed = 0
        begin = end
        allowed += PACKET
    rest = len(raw) - position
    if rest > allowed:
        raise DifferenceError(f"{rest} bytes too many behind {position}")
    return repeated + rest


def _find(raw: bytes, position: int, piece: memoryview, allowed: int) -> int:
    """Return how many bytes lie before a piece."""
    probe = bytes(piece[:_PROBE])
    found = raw.find(probe, position, position + allowed + len(probe))
    if found < 0:
        seen = raw[position : position + 160]
        raise DifferenceError(
            f"at {position}: {probe[:160]!r} was acknowledged, {seen!r} recorded"
        )
    if memoryview(raw)[found : found + len(piece)] != piece:
        raise DifferenceError(_first_difference(raw, found, piece))
    return found - position


def _first_difference(raw: bytes, found: int, piece: memoryview) -> str:
    for at, byte in enumerate(piece):
        if raw[found + at : found + at + 1] != bytes((byte,)):
            seen = raw[found + at - 70 : found + at + 140]
            told = bytes(piece[max(0, at - 70) : at + 140])
            return f"at {found + at}: {told!r} was acknowledged, {seen!r} recorded"
    return f"at {found}: no difference"
