"""A console that is not recorded is shown as the others are."""

from __future__ import annotations

from pathlib import Path

from solrecd.console.unopened import Unopened
from tests.support.reopened_console import CONFIG, ReopenedConsole


def test_its_objects_have_the_keys_of_a_console_that_is_recorded(
    tmp_path: Path,
) -> None:
    recorded = ReopenedConsole(tmp_path).console
    unopened = Unopened(CONFIG, 0)

    assert unopened.summary().keys() == recorded.summary().keys()
    assert unopened.details().keys() == recorded.details().keys()
