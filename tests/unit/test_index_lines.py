"""Boots as lines for scripts: SQLite puts together what the objects say."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from solrecd.events.boots import Boot, Outcome
from solrecd.events.stages import Stage
from solrecd.storage.index import Batch, Index

KEYS = (
    "started",
    "ended",
    "console",
    "boot",
    "kernel",
    "stages.firmware",
    "stages.kernel",
    "stages.login",
    "outcome",
    "last_stage",
    "failures",
    "gaps",
    "cause",
    "bytes",
    "cmdline",
    "title",
)

FULL = Boot(
    "a",
    7,
    1_763_812_800_000_001,
    ended=1_763_816_400_999_999,
    cause="power",
    outcome=Outcome.FAILED,
    last_stage=Stage.KERNEL,
    stages={"firmware": 0.0, "kernel": 12.34},
    kernel="6.1.0-56-amd64",
    cmdline="ro quiet",
    title="Kernel panic - not syncing",
    failures=2,
    gaps=1,
    bytes=4096,
)


@pytest.fixture
def index() -> Iterator[Index]:
    with closing(Index.in_memory()) as index:
        yield index


@pytest.mark.parametrize("boot", [FULL, Boot("b", 1, 0)])
def test_a_line_says_what_the_object_says(index: Index, boot: Boot) -> None:
    index.write(Batch([boot]))

    (line,) = index.boot_lines(KEYS)

    (found,) = index.boots()
    stages = {f"stages.{name}": f"{at:.1f}" for name, at in found["stages"].items()}
    values = [{**found, **stages}.get(key) for key in KEYS]
    assert line.split("\t") == ["" if each is None else str(each) for each in values]


def test_a_tab_that_a_console_printed_begins_no_column(index: Index) -> None:
    index.write(Batch([Boot("a", 1, 0, title="two\twords", kernel="6\t1")]))

    (line,) = index.boot_lines(("kernel", "title", "gaps"))

    assert line.split("\t") == ["6\\x091", "two\\x09words", "0"]


def test_lines_are_those_of_the_boots_that_are_meant_oldest_first(index: Index) -> None:
    boots = [Boot("a", 1, 30), Boot("b", 1, 10), Boot("a", 2, 40), Boot("b", 2, 20)]
    index.write(Batch(boots))

    everything = list(index.boot_lines(("console", "boot")))
    some = list(index.boot_lines(("console", "boot"), ["a", "b"], newest=1, until=40))

    assert everything == ["b\t1", "b\t2", "a\t1", "a\t2"]
    assert some == ["b\t2", "a\t1"]
