"""What an index knows of how a console is set, and of its BMC's event log."""

from contextlib import closing
from pathlib import Path

import pytest

from solrecd.events.boots import Boot, Evidence
from solrecd.events.event import Event, Kind, Severity
from solrecd.storage.index import FILE_NAME, Batch, Index
from solrecd.storage.index.boot_history import NEWEST, BootHistory

SECOND = 1_000_000
NOON = 1_800_000_000 * SECOND


def boot(number: int) -> Boot:
    return Boot("n1", number, NOON + number * 600 * SECOND)


def event(at: int, kind: Kind, name: str, **fields: int) -> Event:
    return Event(at, "n1", kind, name, Severity.WARNING, name, fields=fields)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return an index with five boots, noise in the first and the last but one."""
    file = tmp_path / FILE_NAME
    noise = [
        event(boot(n).started + SECOND, Kind.FAILURE, "console_noise") for n in (1, 4)
    ]
    entries = [event(NOON + n, Kind.SEL, "asserted", entry=n) for n in (7, 9, 8)]
    with closing(Index.create(file)) as index:
        index.write(Batch([boot(n) for n in range(1, 6)], [*noise, *entries]))
    return file


def history(path: Path) -> BootHistory:
    return BootHistory(path, outcomes=("ok",), count=3)


def test_evidence_is_the_newest_boots_and_their_last_noise(path: Path) -> None:
    found = history(path).evidence("n1")

    assert [each.boot for each in found.boots] == [3, 4, 5][-NEWEST:]
    assert found.noise == boot(4).started + SECOND


def test_the_newest_entry_of_a_log_is_the_latest_one(path: Path) -> None:
    assert history(path).last_log_entry("n1") == 9


def test_of_an_unknown_console_nothing_is_known(path: Path) -> None:
    one = history(path)

    assert (one.evidence("n2"), one.last_log_entry("n2")) == (Evidence(), None)


def test_without_an_index_nothing_is_known(tmp_path: Path) -> None:
    one = history(tmp_path / FILE_NAME)

    assert (one.evidence("n1"), one.last_log_entry("n1")) == (Evidence(), None)
