"""Files that others can reach: opened without waiting, set aside when of no use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from solrecd.process.plain_files import (
    NotPlainError,
    make_way,
    open_plain,
    read_plain,
    set_aside,
)


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")

    assert read_plain(path) == b"content"
    assert read_plain(path, 3) == b"con"


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "fifo"])
def test_what_is_no_file_is_refused_at_once_and_makes_way(
    tmp_path: Path, make: object
) -> None:
    path = tmp_path / "file"
    make(path)  # type: ignore[operator]

    with pytest.raises(NotPlainError, match="this is not a file"):
        open_plain(path)
    aside = make_way(path)

    assert aside == tmp_path / "file.damaged"
    assert not path.exists()


def test_a_file_and_nothing_at_all_need_not_make_way(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert make_way(tmp_path / "file") is None
    assert make_way(tmp_path / "nothing") is None


def test_nothing_that_was_set_aside_is_overwritten(tmp_path: Path) -> None:
    found = []
    for content in ("first", "second", "third"):
        (tmp_path / "file").write_text(content)
        found.append(set_aside(tmp_path / "file").name)

    assert found == ["file.damaged", "file.damaged-2", "file.damaged-3"]
    assert (tmp_path / "file.damaged").read_text() == "first"
