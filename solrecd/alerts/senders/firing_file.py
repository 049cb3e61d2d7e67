"""Keeps on the disk what fires, so that a restarted daemon continues with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

import structlog
import trio

from solrecd.alerts import Alert
from solrecd.alerts.saved import load, save
from solrecd.process.plain_files import make_way, read_plain
from solrecd.process.threads import Job, in_thread

FILE_NAME: Final = "firing.json"

_FRESH: Final = ".new"

INTERVAL: Final = 1.0
"""Seconds between two writes: a kill costs the changes of one second, no more."""

MAX_SIZE: Final = 256 << 20
"""Bytes that are read: more than all that may fire."""

TIMEOUT: Final = 5.0
"""Seconds that a start or a stop waits for the disk."""

_LOAD: Final = Job("what fired before", "the next start reads it")
_SAVE: Final = Job("the saving of what fires", "the next start has what was saved last")

Firing = Callable[[], Mapping[str, Iterable[Alert]]]

log = structlog.get_logger()


class FiringFile:
    """A small file that is replaced as a whole.

    Args:
        folder: made when it is needed.
        firing: returns what fires, by receiver.
    """

    def __init__(self, folder: Path, firing: Firing) -> None:
        self._path = folder / FILE_NAME
        self._firing = firing
        self._changed = trio.Event()
        self._limiter = trio.CapacityLimiter(1)
        self._failing = False

    def changed(self) -> None:
        """Have it written soon."""
        self._changed.set()

    async def read(self) -> dict[str, list[Alert]]:
        """Return what an earlier daemon left; nothing where that cannot be read."""
        with trio.move_on_after(TIMEOUT):
            return await in_thread(_LOAD, self._read, limiter=self._limiter)
        return {}

    async def run(self) -> None:
        """Write changes until cancelled; a disk that hangs delays nothing but this."""
        while True:
            await self._changed.wait()
            await self.write()
            await trio.sleep(INTERVAL)

    async def write(self) -> None:
        """Write what fires now; a failure is logged."""
        self._changed = trio.Event()
        firing = {name: list(alerts) for name, alerts in self._firing().items()}
        try:
            await in_thread(_SAVE, self._write, firing, limiter=self._limiter)
        except OSError as error:
            if not self._failing:
                log.warning(
                    "alerts.not_saved", reason=f"{self._path}: {error.strerror}"
                )
            self._failing = True
        else:
            self._failing = False

    def _read(self) -> dict[str, list[Alert]]:
        make_way(self._path)
        make_way(self._path.with_suffix(_FRESH))
        try:
            return load(read_plain(self._path, MAX_SIZE))
        except FileNotFoundError:
            return {}
        except OSError as error:
            log.warning("alerts.not_restored", reason=f"{self._path}: {error.strerror}")
            return {}

    def _write(self, firing: Mapping[str, Iterable[Alert]]) -> None:
        self._path.parent.mkdir(mode=0o750, exist_ok=True)
        fresh = self._path.with_suffix(_FRESH)
        fresh.write_bytes(save(firing))
        fresh.replace(self._path)
