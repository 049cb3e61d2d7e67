"""The power watch: when it asks, and what it makes of the answers."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from solrecd.sources.ipmi.link.power import (
    POWER_ALONG,
    POWER_APART,
    POWER_EVERY,
    POWER_FAILURES,
    POWER_FIRST,
    POWER_RARELY,
    PowerWatch,
)
from solrecd.sources.ipmi.protocol.events import CommandAnswered, CommandFailed

ON, OFF = (CommandAnswered(1, 0, bytes((bit, 0, 0))) for bit in (1, 0))
REFUSED = CommandAnswered(1, 0xC1, b"")
FAILED = CommandFailed(1)

Answer = CommandAnswered | CommandFailed


class Site:
    """A watch, and a BMC that answers after a while."""

    def __init__(self, seed: int = 1) -> None:
        self.questions: list[tuple[int, int]] = []
        self.told: list[bool | None] = []
        self._reply: Callable[[Answer], None] | None = None
        self.watch = PowerWatch(self._send, self.told.append, random.Random(seed), 0.0)

    def _send(
        self,
        netfn: int,
        command: int,
        retry_intervals: tuple[float, ...],
        reply: Callable[[Answer], None],
    ) -> None:
        self.questions.append((netfn, command))
        self._reply = reply

    def answer(self, answer: Answer) -> None:
        assert self._reply is not None
        self._reply(answer)

    def rounds(self, answer: Answer, count: int) -> Iterator[float]:
        """Ask and answer; yield the time of each question."""
        for _ in range(count):
            now = self.watch.due
            self.watch.ask(now)
            self.answer(answer)
            yield now


def test_the_first_question_comes_soon_and_each_later_one_within_the_interval() -> None:
    first, second, third = Site().rounds(ON, 3)

    assert first <= POWER_FIRST
    assert second - first <= POWER_EVERY
    assert third - second == pytest.approx(POWER_EVERY)


def test_a_fleet_asks_at_whole_seconds_as_often_in_each() -> None:
    sites = [Site(seed) for seed in range(600)]
    seconds = Counter(list(site.rounds(ON, 3))[-1] % POWER_EVERY for site in sites)

    assert set(seconds) == set(range(int(POWER_EVERY)))
    assert max(seconds.values()) < 3 * len(sites) / POWER_EVERY


def test_a_fleet_does_not_ask_all_at_once() -> None:
    seconds = [Site(seed).watch.due for seed in range(300)]

    counts = [sum(low <= at < low + 0.2 for at in seconds) for low in (0.1, 0.9, 1.7)]
    assert max(counts) < 60


@pytest.mark.parametrize(
    ("answer", "told"), [(ON, True), (OFF, False), (REFUSED, None)]
)
def test_an_answer_is_told(answer: Answer, told: bool | None) -> None:  # noqa: FBT001
    site = Site()

    list(site.rounds(answer, 1))

    assert site.told == [told]
    assert site.questions == [(0, 1)]


def test_nothing_is_asked_while_an_answer_is_due() -> None:
    site = Site()

    site.watch.ask(1.0)
    site.watch.hurry(1.1, 0)

    assert (site.watch.due, site.watch.along) == (math.inf, math.inf)


def test_after_a_while_the_question_may_go_along_with_another() -> None:
    site = Site()

    asked = max(site.rounds(ON, 2))

    assert site.watch.along == asked + POWER_ALONG


def test_a_bmc_that_does_not_tell_is_not_asked_along_with_others() -> None:
    site = Site()

    list(site.rounds(REFUSED, 1))

    assert site.watch.along == math.inf


def test_a_reason_to_ask_that_comes_before_the_answer_is_not_lost() -> None:
    site = Site()
    site.watch.ask(1.0)

    site.watch.hurry(1.1, 0)
    site.answer(ON)

    assert site.watch.due == 1.0 + POWER_APART


def test_reasons_to_ask_bring_the_next_question_forward_but_never_flood() -> None:
    site = Site()
    last = max(site.rounds(ON, 3))

    site.watch.hurry(last + 0.1, 0)
    urgent = site.watch.due
    site.watch.hurry(last + 0.1, 5.0)

    assert urgent == last + POWER_APART
    assert site.watch.due == urgent


def test_an_answer_that_was_lost_changes_nothing() -> None:
    site = Site()
    _, second, third = site.rounds(FAILED, POWER_FAILURES)

    assert site.told == [None]
    assert third - second == pytest.approx(POWER_EVERY)
    assert site.watch.due - third == pytest.approx(POWER_RARELY)


@pytest.mark.parametrize("answer", [REFUSED, FAILED])
def test_a_bmc_that_does_not_tell_is_asked_rarely(answer: Answer) -> None:
    times = list(Site().rounds(answer, 6))

    assert times[-1] - times[-2] == pytest.approx(POWER_RARELY)


def test_a_bmc_that_answers_again_is_asked_as_before() -> None:
    site = Site()
    list(site.rounds(FAILED, 6))

    first, second = site.rounds(ON, 2)

    assert second - first <= POWER_EVERY
