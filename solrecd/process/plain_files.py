"""Files that others can reach: opened without waiting, and set aside when of no use.

A FIFO under a name that is known blocks the process that opens it until another writes
to it; a folder there makes every start fail. Neither was put there by us.
"""

from __future__ import annotations

import errno
import itertools
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

SUFFIX = ".damaged"
"""What is set aside gets this behind its name, and a number where that is taken."""


class NotPlainError(OSError):
    """There is something under a file's name that is not a file."""

    def __init__(self, path: Path | str) -> None:
        super().__init__(errno.EINVAL, "this is not a file", str(path))


def open_plain(path: Path) -> BinaryIO:
    """Open a file for reading; never waits for another process.

    Raises:
        NotPlainError: it is a folder, a FIFO, a device or the like.
        OSError: it is not there, or cannot be read.
    """
    # A regular file does not care for O_NONBLOCK.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotPlainError(path)
    return os.fdopen(descriptor, "rb")


def read_plain(path: Path, limit: int = -1) -> bytes:
    """Return what is in a file, or its first bytes; raises as `open_plain` does."""
    with open_plain(path) as file:
        return file.read(limit)


def is_plain_or_missing(path: Path) -> bool:
    """Whether a file can be read or made under a name."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        # Also of a link to nothing: then that is what will be made.
        return True
    except OSError:
        return False


def set_aside(path: Path) -> Path:
    """Give what lies under a name another one, which nothing of ours looks for.

    Returns: where it is now.

    Raises:
        OSError: it cannot be renamed.
    """
    aside = path.with_name(path.name + SUFFIX)
    number = itertools.count(2)
    while os.path.lexists(aside):
        aside = path.with_name(f"{path.name}{SUFFIX}-{next(number)}")
    path.rename(aside)
    return aside


def make_way(path: Path) -> Path | None:
    """Set aside what is not a file under a file's name.

    Returns: where it is now; None where there was none, or it cannot be renamed.
    """
    with suppress(OSError):
        if not is_plain_or_missing(path):
            return set_aside(path)
    return None
