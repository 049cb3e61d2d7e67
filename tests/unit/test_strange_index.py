"""An index whose tables and values are not what was written: noticed, and survived."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from solrecd.events.boots import Boot, Outcome
from solrecd.events.event import Event, Kind, Severity
from solrecd.events.stages import Stage
from solrecd.storage.index import Batch, Index, is_complete, open_or_replace
from solrecd.storage.index.boot_history import BootHistory, KnownBoots
from tests.support.damage import STATEMENTS

NOON = 1_795_000_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return an index with a boot and an event of two consoles."""
    path = tmp_path / "index.sqlite"
    with closing(Index.create(path)) as index:
        for name in ("a", "b"):
            boot = Boot(name, 1, NOON, outcome=Outcome.OK, facts={"bios": "1.2"})
            event = Event(
                NOON,
                name,
                Kind.FAILURE,
                "oops",
                Severity.ERROR,
                "Oops",
                1,
                fields={"n": 1},
            )
            index.write(Batch([boot], [event]))
    return path


def alter(path: Path, statement: str) -> None:
    """Change an index as no solrecd does."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()


def recall(path: Path, console: str, told: list[str] | None = None) -> KnownBoots:
    """Return what a start knows of a console."""
    on_damage = (told if told is not None else []).append
    memory = BootHistory(path, outcomes=("ok",), count=3, on_damage=on_damage)
    return memory.recall(console)


def test_an_index_as_it_was_written_is_complete(path: Path) -> None:
    assert is_complete(path)
    assert recall(path, "a").boot is not None


@pytest.mark.parametrize(
    "statement",
    [it for it in STATEMENTS if "exploded" not in it],
)
def test_no_value_and_no_missing_table_keeps_a_start_from_recording(
    path: Path, statement: str
) -> None:
    alter(path, statement)

    recalled = recall(path, "a")
    complete = is_complete(path)
    opened = open_or_replace(path, "old")

    with closing(opened.index) as index:
        assert opened.set_aside is not None
        assert not list(index.boots())
    assert isinstance(recalled, KnownBoots)
    assert not complete


def test_what_makes_no_sense_is_told_with_the_consoles_name(path: Path) -> None:
    alter(path, "UPDATE boots SET failures = 'many'")
    told: list[str] = []

    recall(path, "a", told)

    assert len(told) == 1
    assert told[0].startswith("a: ")


def test_an_outcome_and_a_stage_of_a_later_version_are_unknown(path: Path) -> None:
    alter(path, "UPDATE boots SET outcome = 'exploded', last_stage = 'orbit'")

    boot = recall(path, "a").boot

    assert boot is not None
    assert (boot.outcome, boot.last_stage) == (Outcome.UNKNOWN, Stage.UNKNOWN)
    assert is_complete(path)


def test_one_consoles_row_costs_no_other_console_what_is_known(path: Path) -> None:
    alter(path, "UPDATE boots SET failures = 'many' WHERE console = 1")

    assert recall(path, "a").boot is None
    assert recall(path, "b").boot is not None


@pytest.mark.parametrize("companion", ["", "-wal", "-shm"])
@pytest.mark.parametrize("kind", ["folder", "fifo"])
def test_what_is_no_file_is_set_aside(path: Path, companion: str, kind: str) -> None:
    place = path.with_name(path.name + companion)
    place.unlink(missing_ok=True)
    if kind == "fifo":
        os.mkfifo(place)
    else:
        place.mkdir()

    recalled = recall(path, "a")
    complete = is_complete(path)
    opened = open_or_replace(path, "old")

    opened.index.close()
    assert recalled == KnownBoots()
    assert not complete
    assert opened.set_aside is not None
    assert is_complete(path)
