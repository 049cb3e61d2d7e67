"""The table of the recording: complete, true to the bytes, and the story follows it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given, settings, strategies as st

from solrecd.console.event_fanout import SECOND
from solrecd.console.recording import STEPS, Given, Recording
from solrecd.console.session_tracker import SessionTracker
from solrecd.events.sessions import Lost, LostReason, SessionState
from solrecd.process.transitions import IllegalInputError, look_up
from tests.unit.test_session_tracker import make_story

IMPOSSIBLE = {(Recording.EARLY, Given.KEPT), (Recording.LIVE, Given.KEPT)}
"""An earlier daemon's session is the first that there is, or none."""


@pytest.mark.parametrize(
    ("state", "said"), list(itertools.product(Recording, Given)), ids=str
)
def test_every_pair_is_in_the_table_or_refused_with_both_names(
    state: Recording, said: Given
) -> None:
    if (state, said) not in IMPOSSIBLE:
        assert look_up(STEPS, state, said).to in Recording
        return
    with pytest.raises(IllegalInputError, match=f"(?=.*{state.name}).*{said.name}"):
        look_up(STEPS, state, said)


@pytest.mark.parametrize("state", Recording)
def test_what_the_keeper_says_is_never_refused(state: Recording) -> None:
    assert {Given.UP, Given.TRYING, Given.LOST} <= set(STEPS[state])


def test_a_gap_ends_only_where_bytes_come() -> None:
    ends = {
        (given, step.to)
        for steps in STEPS.values()
        for given, step in steps.items()
        if step.ends_gap
    }

    assert ends == {
        (Given.BYTES, Recording.EARLY),
        (Given.UP, Recording.LIVE),
    }


SIGN = SECOND // 2
"""The line was ours for the last time so long before each input."""


def lose(story: SessionTracker, now: int) -> None:
    lost = Lost(LostReason.BMC_TIMEOUT, f"no answer at {now}")
    story.line_seen(now - SIGN)
    story.changed(SessionState.DOWN, lost, 1.0, now)


def come_up(story: SessionTracker, now: int) -> None:
    story.line_seen(now - SIGN)
    story.changed(SessionState.UP, None, None, now)


def bring_bytes(story: SessionTracker, now: int) -> None:
    story.line_seen(now - SIGN)
    story.resumed(now)


SAY = {Given.BYTES: bring_bytes, Given.UP: come_up, Given.LOST: lose}


@settings(deadline=None)
@given(st.lists(st.sampled_from(list(SAY)), max_size=30))
def test_the_gaps_are_the_time_without_bytes_in_any_order_of_what_is_said(
    said: list[Given],
) -> None:
    gaps: list[str] = []
    story = make_story(gaps)
    for now, each in enumerate(said, start=1):
        SAY[each](story, now * SECOND)

    assert [float(gap.split()[2]) for gap in gaps] == list(model(said))


def model(said: list[Given]) -> Iterator[float]:
    """Yield the lengths of the gaps of a session that is up; one input each second."""
    is_up, is_early, stopped = True, False, None
    for now, each in enumerate(said, start=1):
        if each is Given.LOST:
            stopped = stopped or now
        elif stopped is not None:
            yield now - stopped + SIGN / SECOND
            stopped = None
        elif each is Given.BYTES and is_early:
            yield SIGN / SECOND
        if each is Given.BYTES:
            is_early = True
        elif each is Given.LOST or not is_up:
            is_early = False
        is_up = each is Given.UP or (is_up and each is Given.BYTES)
