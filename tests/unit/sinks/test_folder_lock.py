"""One recorder per log folder: a second one is refused, and told what to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from solrecd.storage.archive.folder_lock import FILE_NAME, FolderLock
from solrecd.storage.archive.segment_types import ArchiveError


def test_a_second_recorder_is_refused_with_folder_process_and_remedy(
    tmp_path: Path,
) -> None:
    first = FolderLock(tmp_path)

    with pytest.raises(ArchiveError) as refusal:
        FolderLock(tmp_path)

    first.close()
    assert str(refusal.value) == (
        f"{tmp_path}: another solrecd (pid {os.getpid()}) records into this folder;"
        " stop that one, or set another log_dir in [daemon]"
    )


def test_a_folder_that_was_closed_is_free(tmp_path: Path) -> None:
    FolderLock(tmp_path / "log").close()

    FolderLock(tmp_path / "log").close()


def test_a_process_that_died_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("1\n")

    FolderLock(tmp_path).close()


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "fifo"])
def test_what_is_no_file_is_not_in_the_way(tmp_path: Path, make: object) -> None:
    make(tmp_path / FILE_NAME)  # type: ignore[operator]
    first = FolderLock(tmp_path)

    with pytest.raises(ArchiveError):
        FolderLock(tmp_path)
    first.close()


def test_a_folder_that_cannot_be_locked_is_recorded_into_all_the_same(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").touch()

    FolderLock(tmp_path / "file" / "log").close()
