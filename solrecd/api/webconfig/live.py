"""A web configuration that follows its files: certificates are replaced while we serve.

exporter-toolkit rereads its files with each connection. Here a look every few
seconds finds those that changed; what is wrong with the new ones is logged, and the old
settings go on.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import NamedTuple

import structlog
import trio

from solrecd.api.webconfig.parse import parse
from solrecd.api.webconfig.settings import WebConfig, WebConfigError
from solrecd.api.webconfig.tls import make_context
from solrecd.process.threads import Job, in_thread

LOOK_EVERY = 5.0
"""Seconds between two looks at the files."""

MAX_FILE = 1024 * 1024
"""Bytes of the file: a thousand users are 80 KB."""

_Print = tuple[tuple[int, int, int] | None, ...]
"""For each file what changes when it does; None: it is not there."""

_LOOK = Job("the web configuration's files", "the next start reads them")

log = structlog.get_logger()


class Loaded(NamedTuple):
    """What was read from the files."""

    config: WebConfig
    context: ssl.SSLContext | None
    """None: plain HTTP."""


def load(path: str) -> Loaded:
    """Return the settings of a file; reads also the files that it names.

    Raises:
        WebConfigError: with all that is wrong.
    """
    file = Path(path)
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_FILE + 1)
        text = content.decode()
    except OSError as error:
        problem = f"cannot be read: {error.strerror or error}"
        raise WebConfigError(file, [problem]) from None
    except UnicodeDecodeError:
        raise WebConfigError(file, ["is not UTF-8"]) from None
    if len(content) > MAX_FILE:
        raise WebConfigError(file, [f"is larger than {MAX_FILE} bytes"])
    config = parse(text, file)
    context = None if config.tls is None else make_context(config.tls, file)
    return Loaded(config, context)


class LiveWebConfig:
    """The settings of now; `run` keeps them so.

    Args:
        path: of the file.

    Raises:
        WebConfigError: with all that is wrong.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._loaded = load(path)
        self._print = self._look()
        self._told = ""

    def config(self) -> WebConfig:
        """Return the settings."""
        return self._loaded.config

    def context(self) -> ssl.SSLContext | None:
        """Return what the next connection is served with; None: plain HTTP."""
        return self._loaded.context

    async def run(self) -> None:
        """Follow the files until cancelled; a hung disk blocks one thread, not us."""
        while True:
            await trio.sleep(LOOK_EVERY)
            await in_thread(_LOOK, self.refresh)

    def refresh(self) -> None:
        """Reload the files if one of them changed, or could not be used so far."""
        found = self._look()
        if found == self._print and not self._told:
            return
        try:
            self._loaded = load(self._path)
        except WebConfigError as error:
            if str(error) != self._told:
                log.error("webconfig.refused", reason=str(error))  # noqa: TRY400 - no bug
            self._told = str(error)
            return
        # What was there before it was read: a change in between is seen next time.
        self._print = found
        self._told = ""
        log.info("webconfig.reloaded", path=self._path)

    def _look(self) -> _Print:
        tls = self._loaded.config.tls
        files = (Path(self._path), *(() if tls is None else tls.files))
        return tuple(map(_print_of, files))


def _print_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
