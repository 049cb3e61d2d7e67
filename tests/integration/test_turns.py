"""A console is interpreted in pieces, and nothing of it is lost between them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.reopened_console import ReopenedConsole


@pytest.fixture
def console(tmp_path: Path) -> Iterator[ReopenedConsole]:
    """Return a console whose archive is empty."""
    console = ReopenedConsole(tmp_path)
    yield console
    console.journal.close()


def test_a_turn_takes_whole_packets_until_it_is_enough(
    console: ReopenedConsole,
) -> None:
    for number in range(10):
        console.say(b"line %d, and nothing more\r\n" % number)

    left = [console.console.interpret(60) for _ in range(5)]
    console.drain()

    assert left == [True, True, True, False, False]
    lines = [
        line.split(" | ")[1] for line in console.logs().splitlines() if "|" in line
    ]
    assert lines == [f"line {number}, and nothing more" for number in range(10)]


def test_a_note_stands_behind_all_that_was_said_before_it(
    console: ReopenedConsole,
) -> None:
    for number in range(10):
        console.say(b"line %d, and nothing more\r\n" % number)
    console.console.interpret(60)

    console.console.mark_restart(None, output_waited=False)
    console.drain()

    assert console.logs().splitlines()[-1].endswith("# restart: session kept")
