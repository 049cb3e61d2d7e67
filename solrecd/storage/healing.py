"""Rebuilds an index that is damaged or incomplete, while the recorder records.

It takes minutes of a processor: in a process of its own, or it would be the ACKs that
wait. What is damaged is set aside there, never removed.
"""

from __future__ import annotations

from pathlib import Path

import structlog
import trio

from solrecd.process.programs import run_program
from solrecd.process.threads import Job, in_thread
from solrecd.storage import rebuild
from solrecd.storage.index.files import holds_any, is_complete

PAUSE = 60.0
"""Seconds from one rebuild to the next: a disk that damages each gets no more."""

PAUSE_COMPLETE = 5.0
"""Seconds from a look that found nothing wrong to the next: it reads every row."""

LOOK = 1.0
"""Seconds between two looks whether it is asked for."""

_SHOWN = 2000
"""Characters of what a rebuild said that failed."""

_CHECK = Job("the check of the index", "the next start checks it")

log = structlog.get_logger()


class Healing:
    """Looks after one index file; `run` is its whole life.

    Args:
        path: the index.
        archive: the folder that it is rebuilt from; an empty one asks for nothing.
        markers_dir: folder of the marker rules that are added.
    """

    def __init__(self, path: Path, archive: Path, markers_dir: str) -> None:
        self._path = path
        self._archive = archive
        self._markers_dir = markers_dir
        self._is_asked = holds_any(archive)
        """Set in any thread, where `trio.Event` cannot be."""
        self._told = False

    def want(self, reason: str) -> None:
        """Have the index looked at, and rebuilt if need be; for any thread.

        Args:
            reason: why; told once for all who ask until the look.
        """
        told, self._told = self._told, True
        if not told:
            log.warning("index.damaged", path=str(self._path), reason=reason)
        self._is_asked = True

    async def run(self) -> None:
        """Look and rebuild whenever it is asked for.

        Returns: never.
        Resources: one thread that may be abandoned, one process that is ended.
        Errors: none; what cannot be rebuilt is logged and tried again when asked.
        """
        while True:
            if self._is_asked:
                self._is_asked = self._told = False
                if await self._is_complete():
                    await trio.sleep(PAUSE_COMPLETE)
                else:
                    await self._rebuild()
                    await trio.sleep(PAUSE)
            await trio.sleep(LOOK)

    async def _is_complete(self) -> bool:
        return await in_thread(_CHECK, is_complete, self._path)

    async def _rebuild(self) -> None:
        command = rebuild.command(self._archive, self._path, self._markers_dir)
        ended = await run_program(["nice", *command])
        if ended.status == 0:
            log.info("index.rebuilt", result=ended.output.decode().strip())
        else:
            reason = ended.errors.decode(errors="replace").strip()
            log.error("index.not_rebuilt", reason=reason[-_SHOWN:])
