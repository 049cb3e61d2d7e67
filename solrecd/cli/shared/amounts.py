"""Numbers on the command line; errors are in plain words."""

from __future__ import annotations

import argparse
import math


def natural(text: str) -> int:
    """Return a whole number of 0 or more.

    Raises:
        ArgumentTypeError: it is not one.
    """
    return _whole(text, 0)


def positive(text: str) -> int:
    """Return a whole number of 1 or more.

    Raises:
        ArgumentTypeError: it is not one.
    """
    return _whole(text, 1)


def above_zero(text: str) -> float:
    """Return a number above 0; ``inf`` is one.

    Raises:
        ArgumentTypeError: it is not one.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if value > 0:
        return value
    raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")


def _whole(text: str, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value >= least:
        return value
    raise argparse.ArgumentTypeError(
        f"{text!r} is not a whole number of at least {least}"
    )


def counted(count: int, noun: str) -> str:
    """Return ``1 console``, ``2 consoles``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
