"""Alerts that fire, go on and are over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings, strategies as st

from solrecd.alerts import Notice, Phase, Watch
from solrecd.alerts.alert import AlertKey, Context, key_of
from solrecd.alerts.damping import DIFFERENT
from solrecd.config import Selection
from solrecd.events.boots import Outcome
from solrecd.events.event import Event, Kind
from tests.support.alerting import boot, event, moment, receiver, session

NOTHING = Context()


def take(watch: Watch, one: Event, now: float = 0.0) -> Sequence[Notice]:
    """Tell a watch of an event."""
    return watch.take(one, NOTHING, moment(now))


def phases(notices: Sequence[Notice]) -> list[tuple[Phase, str]]:
    """Return what is told, and of what."""
    return [(notice.phase, notice.alert.event.name) for notice in notices]


def test_an_event_fires_its_alert_at_once() -> None:
    watch = Watch(receiver())

    told = take(watch, event("panic"))

    assert phases(told) == [(Phase.FIRING, "panic")]
    assert [alert.event.name for alert in watch.firing] == ["panic"]


@pytest.mark.parametrize(
    ("first", "ending"),
    [
        pytest.param(event("panic"), boot(Outcome.OK, 8), id="the next boot is good"),
        pytest.param(
            event("kernel", kind=Kind.STUCK), boot(Outcome.RUNNING), id="it moves on"
        ),
        pytest.param(
            event("kernel", kind=Kind.STUCK), boot(Outcome.RUNNING, 8), id="it reboots"
        ),
    ],
)
def test_an_alert_is_over_when(first: Event, ending: object) -> None:
    watch = Watch(receiver())
    take(watch, first)

    told = watch.take_boot(ending, moment(60))  # type: ignore[arg-type]

    assert phases(told) == [(Phase.RESOLVED, first.name)]
    assert not list(watch.firing)


@pytest.mark.parametrize(
    ("first", "meanwhile"),
    [
        (event("panic"), boot(Outcome.FAILED)),
        (event("panic"), boot(Outcome.RUNNING, 8)),
        (event("panic"), boot(Outcome.FAILED, 8)),
        (event("panic"), boot(Outcome.OK, 8, console="n2")),
        (event("oops"), boot(Outcome.OK)),
        (event("kernel", kind=Kind.STUCK), boot(Outcome.STUCK)),
        (session("down"), boot(Outcome.OK, 8)),
    ],
)
def test_an_alert_goes_on_while_nothing_ends_it(
    first: Event, meanwhile: object
) -> None:
    watch = Watch(receiver())
    take(watch, first)

    told = watch.take_boot(meanwhile, moment(60))  # type: ignore[arg-type]

    assert not told
    assert len(watch) == 1


def test_a_boot_that_recovers_ends_its_failure() -> None:
    watch = Watch(receiver())
    take(watch, event("emergency"))
    watch.take_boot(boot(Outcome.FAILED), moment(1))

    told = watch.take_boot(boot(Outcome.OK), moment(300))

    assert phases(told) == [(Phase.RESOLVED, "emergency")]


def test_a_failure_that_no_boot_failed_of_is_over_after_a_while() -> None:
    watch = Watch(receiver(resolve_after=3600.0))
    take(watch, event("oom"))
    watch.take_boot(boot(Outcome.OK), moment(1))

    assert not watch.tick(moment(3599))
    assert phases(watch.tick(moment(3600))) == [(Phase.RESOLVED, "oom")]


def test_a_machine_that_stays_dead_is_told_of_for_ever() -> None:
    watch = Watch(receiver(resolve_after=3600.0))
    take(watch, event("panic"))
    watch.take_boot(boot(Outcome.FAILED), moment(1))

    assert not watch.tick(moment(30 * 86400))
    assert len(watch) == 1


def test_a_session_that_is_back_ends_what_was_told_of_it() -> None:
    watch = Watch(receiver(selection=Selection()))
    take(watch, session("down"))

    told = take(watch, session("up"), 5)

    assert phases(told) == [(Phase.RESOLVED, "down")]


@pytest.mark.parametrize("reason", ["stopped", "reconnect", "reconfigured"])
def test_a_session_that_a_user_ended_is_no_alarm(reason: str) -> None:
    watch = Watch(receiver())

    assert not take(watch, session("down", reason=reason))


def test_a_console_that_was_removed_takes_its_alerts_along() -> None:
    watch = Watch(receiver())
    take(watch, event("panic"))
    take(watch, event("panic", console="n2"))

    told = watch.forget("n1", moment(5))

    assert phases(told) == [(Phase.RESOLVED, "panic")]
    assert [alert.event.console for alert in watch.firing] == ["n2"]


def test_the_next_telling_says_what_was_held_back() -> None:
    watch = Watch(receiver(damping=600.0))
    take(watch, event("panic"))
    for second in (10, 20, 30):
        assert not take(watch, event("panic", at=second), second)

    told = take(watch, event("panic", at=600), 600)

    assert [notice.held_back for notice in told] == [3]
    assert told[0].alert.count == 5
    assert watch.held_back == 3


def test_what_fires_again_in_the_window_is_told_at_its_end() -> None:
    watch = Watch(receiver(damping=600.0))
    take(watch, event("panic"))
    watch.take_boot(boot(Outcome.FAILED), moment(1))
    watch.take_boot(boot(Outcome.OK, 8), moment(60))
    assert not take(watch, event("panic", boot=8, at=100), 100)
    watch.take_boot(boot(Outcome.FAILED, 8), moment(101))

    assert not watch.tick(moment(599))
    assert phases(watch.tick(moment(600))) == [(Phase.FIRING, "panic")]


def test_what_was_never_told_is_never_told_to_be_over() -> None:
    watch = Watch(receiver(damping=600.0))
    take(watch, event("panic"))
    watch.take_boot(boot(Outcome.OK, 8), moment(60))
    take(watch, event("panic", boot=8, at=100), 100)

    assert not watch.take_boot(boot(Outcome.OK, 9), moment(160))


def test_a_console_with_a_thousand_crashes_does_not_ring_a_thousand_times() -> None:
    watch = Watch(receiver(damping=600.0))

    told = [
        notice
        for number in range(1000)
        for notice in take(watch, event("oops", signature=str(number)), number / 100)
    ]
    neighbour = take(watch, event("oops", console="n2"), 10)

    assert len(told) == DIFFERENT
    assert len(neighbour) == 1
    assert len(watch) == DIFFERENT + 1


def test_a_restarted_daemon_goes_on_and_does_not_repeat_itself() -> None:
    before, after = Watch(receiver()), Watch(receiver())
    take(before, event("panic"))

    after.restore(before.firing, moment(0))

    assert not take(after, event("panic", at=5), 5)
    assert phases(after.take_boot(boot(Outcome.OK, 8), moment(60))) == [
        (Phase.RESOLVED, "panic")
    ]


# Whatever happens.

_KINDS = st.sampled_from(
    [(Kind.FAILURE, "panic"), (Kind.FAILURE, "oops"), (Kind.STUCK, "kernel")]
)
_CONSOLES = st.sampled_from(["n1", "n2"])
_STEPS = st.one_of(
    st.tuples(
        st.just("event"),
        _CONSOLES,
        _KINDS,
        st.integers(1, 3),
        st.sampled_from(["a", "b"]),
    ),
    st.tuples(
        st.just("boot"), _CONSOLES, st.sampled_from(list(Outcome)), st.integers(1, 3)
    ),
    st.tuples(st.just("session"), _CONSOLES, st.sampled_from(["up", "down"])),
    st.tuples(st.just("forget"), _CONSOLES),
    st.tuples(st.just("tick")),
)


def _happen(watch: Watch, step: Sequence[object], now: float) -> Sequence[Notice]:
    match step:
        case ("event", str(console), (Kind() as kind, str(name)), int(number), str(s)):
            one = event(
                name, console=console, kind=kind, boot=number, at=now, signature=s
            )
            return take(watch, one, now)
        case ("boot", str(console), Outcome() as outcome, int(number)):
            return watch.take_boot(boot(outcome, number, console=console), moment(now))
        case ("session", str(console), str(state)):
            return take(watch, session(state, console=console), now)
        case ("forget", str(console)):
            return watch.forget(console, moment(now))
        case _:
            return watch.tick(moment(now))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.floats(0.1, 700), _STEPS), max_size=60))
def test_nothing_rings_twice_in_a_window_and_all_that_rang_is_accounted_for(
    story: list[tuple[float, Sequence[object]]],
) -> None:
    watch = Watch(receiver(damping=600.0))
    now = 0.0
    fired: dict[AlertKey, list[float]] = defaultdict(list)
    open_: set[AlertKey] = set()

    for wait, step in story:
        now += wait
        forgotten = step[1] if step[0] == "forget" else None
        for notice in _happen(watch, step, now):
            key = key_of(notice.alert.event)
            if notice.phase is Phase.FIRING:
                fired[key].append(now)
                open_.add(key)
            else:
                open_.remove(key)
        for key in [key for key in fired if key.console == forgotten]:
            del fired[key]

    assert open_ == {key_of(alert.event) for alert in watch.firing}
    for times in fired.values():
        for one, other in pairwise(times):
            assert other - one >= 600.0
