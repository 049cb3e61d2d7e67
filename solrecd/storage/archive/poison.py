"""Bytes that the archive cannot take, because of a bug of ours: kept as a file.

They would crash each attempt to write them, and never leave the journal. First they are
archived without their meaning: ``.raw`` has them, the log a note in place of their
text. What crashes that, too, is set aside, beside the segments: these are just the
bytes needed to find the bug.
"""

from __future__ import annotations

from pathlib import Path

from solrecd.process.stamps import format_stamp
from solrecd.storage.archive.files import FileSystem, GrowingFile

SUFFIX = ".poison"
"""What such a file's name ends with; stamp and stream offset come before it."""


class Poison:
    """Files of one console that are to be written (writer thread).

    Args:
        files: of the archive.
        folder: of the console.
    """

    def __init__(self, files: FileSystem, folder: Path) -> None:
        self._files = files
        self._folder = folder
        self._waiting: list[GrowingFile] = []

    @property
    def pending(self) -> bool:
        """Whether a file has to be written."""
        return bool(self._waiting)

    def add(self, at: int, offset: int, data: bytes) -> str:
        """Have bytes written later; return their file's name.

        Args:
            at: stamp of now.
            offset: stream offset of the first of them.
            data: the bytes.
        """
        stamp = format_stamp(at).replace("-", "").replace(":", "")
        path = self._folder / f"{stamp}.offset-{offset}{SUFFIX}"
        file = GrowingFile(self._files, path)
        file.add(data)
        self._waiting.append(file)
        return path.name

    def flush(self) -> None:
        """Write them, forced to the disk: the journal forgets them next.

        Raises:
            OSError: the disk refuses; what is left is tried again next time.
        """
        while self._waiting:
            self._files.make_folder(self._folder)
            file = self._waiting[0]
            try:
                file.flush()
                file.sync()
            finally:
                file.close()
            self._waiting.pop(0)
