"""Where each console stands, in a file that survives the daemon."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from solrecd.alerts.shipping.reading import Position
from solrecd.process.plain_files import NotPlainError, make_way, read_plain, set_aside

_LIMIT = 1 << 60
"""No byte, stamp (µs) or count of ours is beyond it."""

_SENSELESS = (ArithmeticError, AttributeError, RecursionError, TypeError, ValueError)
"""What reading raises of a text that `save` never wrote."""


def file_name(receiver: str) -> str:
    """Return its name in ``state_dir``."""
    return f"{receiver}.json"


def load(path: Path) -> dict[str, Position]:
    """Return the positions by console; none from a file that is not there.

    Raises:
        ValueError: the file is damaged; says the remedy.
        OSError: it cannot be read.
    """
    try:
        content = read_plain(path)
    except FileNotFoundError:
        return {}
    except NotPlainError as error:
        raise _damaged(path, error) from None
    try:
        return {name: _position(*of) for name, of in json.loads(content).items()}
    except _SENSELESS as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> ValueError:
    """Set a file aside; return what is to be said."""
    aside = set_aside(path)
    return ValueError(
        f"{path}: damaged ({error}); it is now {aside}, and shipping begins at the"
        " newest segment of each console"
    )


def _position(
    segment: str, offset: int, stamp: int, repeats: int, loose: list[str]
) -> Position:
    numbers = int(offset), int(stamp), int(repeats)
    if not all(0 <= number < _LIMIT for number in numbers):
        raise ValueError(f"a position at {numbers}")
    return Position(str(segment), *numbers, tuple(map(str, loose)))


def save(path: Path, positions: Mapping[str, Position]) -> None:
    """Replace the file as a whole, forced to the disk.

    Raises:
        OSError: it cannot be written; the one before it is still there.
    """
    fresh = path.with_name(f"{path.name}.new")
    make_way(fresh)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(positions, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
