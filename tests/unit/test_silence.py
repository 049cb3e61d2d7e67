"""When silence is suspicious, and when it is none of our business."""

from __future__ import annotations

from dataclasses import replace

import pytest

from solrecd.console.silence import (
    AGAIN_AFTER,
    SILENT_AFTER,
    SilenceWatch,
    Situation,
)

LAST = 1_000_000_000
SILENT = Situation(
    is_up=True, is_on=True, is_booting=True, since=LAST, boot=7, offset=4096
)
LATE = LAST + SILENT_AFTER


def test_a_machine_that_boots_without_a_word_is_suspicious_after_a_while() -> None:
    watch = SilenceWatch()

    assert not watch.is_suspicious(SILENT, LATE - 1)
    assert watch.is_suspicious(SILENT, LATE)


@pytest.mark.parametrize(
    "quiet",
    [{"is_up": False}, {"is_on": False}, {"is_on": None}, {"is_booting": False}],
)
def test_a_machine_with_a_reason_to_be_silent_is_left_alone(
    quiet: dict[str, bool | None],
) -> None:
    watch = SilenceWatch()

    assert not watch.is_suspicious(replace(SILENT, **quiet), LATE + 10 * AGAIN_AFTER)  # type: ignore[arg-type]


def test_one_silence_is_looked_into_once() -> None:
    watch = SilenceWatch()
    watch.tried(SILENT, LATE)

    assert not watch.is_suspicious(SILENT, LATE + 10 * AGAIN_AFTER)


@pytest.mark.parametrize("news", [{"offset": 5000}, {"boot": 8}])
def test_the_next_silence_is_looked_into_but_not_too_soon(
    news: dict[str, int],
) -> None:
    watch = SilenceWatch()
    watch.tried(SILENT, LATE)
    again = replace(SILENT, **news)  # type: ignore[arg-type]

    assert not watch.is_suspicious(again, LATE + AGAIN_AFTER - 1)
    assert watch.is_suspicious(again, LATE + AGAIN_AFTER)
