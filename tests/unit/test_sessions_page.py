"""The page about sessions says what the tables say."""

import enum
import re

import pytest

from solrecd.events.sessions import SessionState
from solrecd.sources.ipmi.keeper.states import STEPS, WISHES, Input, is_step
from tools.sessions import PAGE, documented, render


def test_what_make_docs_makes_is_current() -> None:
    assert PAGE.read_text("utf-8") == render(), "run `make docs`"


def test_the_diagram_has_every_step_that_is_no_wish() -> None:
    drawn = re.findall(
        r"^    (\w+) --> (\w+): (.*?)(?: / .*)?$", render(), re.MULTILINE
    )

    assert {
        (state.name, step.to.name, given.value)
        for state, row in STEPS.items()
        for given, step in row.items()
        if given not in {*WISHES, Input.STOP} and is_step(state, step)
    } <= set(drawn)


def test_every_state_that_is_shown_is_explained_by_what_is_done() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", render(), re.MULTILINE))

    assert set(rows) == set(SessionState)
    assert rows["up"] == "up, leaving, renewing, releasing"
    assert all(rows.values())


def test_a_state_without_explanation_is_refused() -> None:
    class Bare(enum.Enum):
        TOLD = 1
        """What it is."""
        UNTOLD = 2

    with pytest.raises(ValueError, match="UNTOLD is not explained"):
        documented(Bare)
