"""Where each console stands, in a file that survives the daemon."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from solrecd.alerts.loki.reading import Position

FILE_NAME = "loki.json"
"""In ``state_dir``."""


def load(path: Path) -> dict[str, Position]:
    """Return the positions by console; none from a file that is not there.

    Raises:
        ValueError: the file is damaged; says the remedy.
        OSError: it cannot be read.
    """
    try:
        content = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    try:
        return {name: _position(*of) for name, of in json.loads(content).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path}: damaged ({error}); without it shipping begins at the newest"
            " segment of each console"
        ) from None


def _position(
    segment: str, offset: int, stamp: int, repeats: int, loose: list[str]
) -> Position:
    return Position(
        str(segment), int(offset), int(stamp), int(repeats), tuple(map(str, loose))
    )


def save(path: Path, positions: Mapping[str, Position]) -> None:
    """Replace the file as a whole, forced to the disk.

    Raises:
        OSError: it cannot be written; the one before it is still there.
    """
    fresh = path.with_name(f"{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(positions, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
