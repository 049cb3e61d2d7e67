"""Every gap of a session is marked, however it came about."""

from __future__ import annotations

from typing import Any

from solrecd.console.event_fanout import SECOND, EventFanout, Sinks
from solrecd.console.session_tracker import SessionTracker
from solrecd.events.gaps import Gap
from solrecd.events.sessions import Lost, LostReason, SessionState
from solrecd.metrics import ConsoleMetrics, Metrics
from tests.support.unguarded import Unguarded
from tests.support.virtual_site import NoAlerts, Stream, Tellers

GONE = Lost(LostReason.DEACTIVATED, "the BMC switched SoL off")


def make_story(
    gaps: list[str], metrics: ConsoleMetrics | None = None
) -> SessionTracker:
    """Return the story of a session that is up."""
    story = new_story(gaps, metrics)
    story.resumed(0)
    story.changed(SessionState.UP, None, None, 0)
    return story


def new_story(
    gaps: list[str], metrics: ConsoleMetrics | None = None, last_byte: int | None = None
) -> SessionTracker:
    """Return the story of a session of which nothing is known yet."""
    told = Tellers(Stream())
    metrics = metrics or Metrics((), version="0").console("n1", {})
    everyone: Any = told
    alerts: Any = NoAlerts()
    sinks = Sinks(archive=everyone, index=everyone, viewers=everyone, alerts=alerts)
    fanout = EventFanout("n1", sinks, metrics, lambda: 1, Unguarded())

    def mark(gap: Gap, _at: int) -> None:
        gaps.append(gap.text)

    return SessionTracker(fanout, metrics, mark, fanout.note, now=0, resumed=last_byte)


def test_a_payload_that_comes_back_ends_one_gap() -> None:
    gaps: list[str] = []
    story = make_story(gaps)

    story.line_seen(SECOND)
    story.changed(SessionState.CONNECTING, GONE, None, 2 * SECOND)
    story.resumed(3 * SECOND)
    story.changed(SessionState.UP, None, None, 3 * SECOND)

    assert gaps == ["up to 2.0 s without a session (deactivated)"]


def test_an_activation_that_was_not_heard_of_and_a_second_one_are_two_gaps() -> None:
    gaps: list[str] = []
    story = make_story(gaps)

    story.line_seen(SECOND)
    story.changed(SessionState.CONNECTING, GONE, None, SECOND)
    story.resumed(2 * SECOND)
    story.resumed(6 * SECOND)
    story.changed(SessionState.UP, None, None, 6 * SECOND)

    assert gaps == [
        "up to 1.0 s without a session (deactivated)",
        "up to 4.0 s without a session (deactivated)",
    ]


def test_the_time_between_two_daemons_is_a_gap_unless_the_session_was_kept() -> None:
    gaps: list[str] = []

    for kept in (False, True):
        story = new_story(gaps, last_byte=-5 * SECOND)
        if kept:
            story.went_on(0, None, output_waited=False)
        story.changed(SessionState.UP, None, None, 0)

    assert gaps == ["up to 5.0 s without a session (stopped)"]


def test_a_session_that_is_left_without_a_reason_leaves_no_gap() -> None:
    gaps: list[str] = []
    story = make_story(gaps)

    story.line_seen(SECOND)
    story.changed(SessionState.CONNECTING, None, None, SECOND)
    story.changed(SessionState.DOWN, GONE, 1.0, 2 * SECOND)
    story.changed(SessionState.UP, None, None, 3 * SECOND)

    assert gaps == []


def test_the_metrics_know_the_state_and_why_it_is_not_up() -> None:
    metrics = Metrics((), version="0").console("n1", {})
    story = make_story([], metrics)

    story.changed(SessionState.DOWN, Lost(LostReason.CRASHED, "a bug"), 5.0, 7 * SECOND)

    assert metrics.session_state is SessionState.DOWN
    assert metrics.session_since == 7 * SECOND
    assert metrics.session_reason == "crashed"


def test_a_gap_of_several_crashes_begins_at_the_last_sign_of_the_line() -> None:
    gaps: list[str] = []
    crashed = Lost(LostReason.CRASHED, "a bug")
    story = make_story(gaps)

    story.line_seen(SECOND)
    story.changed(SessionState.DOWN, crashed, 5.0, 5 * SECOND)
    story.changed(SessionState.DOWN, crashed, 5.0, 10 * SECOND)
    story.resumed(12 * SECOND)
    story.changed(SessionState.DOWN, crashed, 5.0, 15 * SECOND)
    story.resumed(20 * SECOND)
    story.changed(SessionState.UP, None, None, 20 * SECOND)

    assert gaps == [
        "up to 11.0 s without a session (crashed)",
        "up to 8.0 s without a session (crashed)",
    ]
