"""The key that seals cookies: made once, and kept beside the index."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

import structlog

from solrecd.api.web.sessions import KEY_BYTES
from solrecd.process.plain_files import read_plain

FILE_NAME: Final = "web.key"

log = structlog.get_logger()


def seal_key(folder: Path) -> bytes:
    """Return the key; where it cannot be kept, one that lasts until the next start."""
    path = folder / FILE_NAME
    try:
        key = read_plain(path, KEY_BYTES + 1)
        if len(key) == KEY_BYTES:
            return key
    except OSError:
        key = b""
    key = secrets.token_bytes(KEY_BYTES)
    try:
        _write(path, key)
    except OSError as error:
        log.warning("web.key_not_kept", reason=str(error))
    return key


def _write(path: Path, key: bytes) -> None:
    early = path.with_name(f".{path.name}.{os.getpid()}")
    early.unlink(missing_ok=True)
    descriptor = os.open(early, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
    early.replace(path)
