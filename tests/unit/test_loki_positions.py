"""Where shipping stands: a file of no use is set aside, never an obstacle."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from solrecd.alerts.shipping.positions import file_name, load, save
from solrecd.alerts.shipping.reading import Position
from tests.support.damage import DEPTH

DAMAGED = {
    "deep": "[" * DEPTH,
    "infinite": '{"node1": ["", 1e400, 0, 0, []]}',
    "long": '{"node1": ["", ' + "9" * 5000 + ", 0, 0, []]}",
    "negative": '{"node1": ["", -1, 0, 0, []]}',
    "huge": '{"node1": ["", 100000000000000000000, 0, 0, []]}',
    "a list": "[]",
    "short": '{"node1": []}',
}


def test_positions_come_back_as_they_were_saved(tmp_path: Path) -> None:
    positions = {"node1": Position("20261122T120005.123456Z.boot-000042", 7, 8, 9)}

    save(tmp_path / file_name("loki"), positions)

    assert load(tmp_path / file_name("loki")) == positions


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_set_aside_and_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / file_name("loki")
    path.write_text(text)

    with pytest.raises(ValueError, match="it is now "):
        load(path)

    assert not path.exists()
    assert (tmp_path / f"{file_name('loki')}.damaged").read_text() == text


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "fifo"])
def test_what_is_no_file_is_set_aside_and_saving_works(
    tmp_path: Path, make: object
) -> None:
    path = tmp_path / file_name("loki")
    make(path)  # type: ignore[operator]

    with pytest.raises(ValueError, match="damaged"):
        load(path)
    save(path, {})

    assert load(path) == {}
