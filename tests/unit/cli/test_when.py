"""Times as people write and read them."""

from collections.abc import Iterator
from contextlib import suppress
from time import tzset

import pytest
from hypothesis import given, strategies as st

from solrecd.cli.program import CommandError
from solrecd.cli.shared.when import (
    duration,
    format_when,
    local,
    parse_when,
    seconds_between,
    short,
)
from solrecd.process.stamps import format_stamp, parse_stamp

NOW = parse_stamp("2026-11-22T12:30:00.000000Z")


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-21", "2026-11-21T00:00:00.000000Z"),
        ("2026-11-21T08:00", "2026-11-21T08:00:00.000000Z"),
        ("2026-11-21 08:00:05", "2026-11-21T08:00:05.000000Z"),
        ("2026-11-21T08:00:05.123456Z", "2026-11-21T08:00:05.123456Z"),
        ("2026-11-21T08:00:05+01:00", "2026-11-21T07:00:05.000000Z"),
        ("08:15", "2026-11-22T08:15:00.000000Z"),
        ("8:15", "2026-11-22T08:15:00.000000Z"),
        ("today", "2026-11-22T00:00:00.000000Z"),
        ("yesterday", "2026-11-21T00:00:00.000000Z"),
        ("now", "2026-11-22T12:30:00.000000Z"),
        ("90s", "2026-11-22T12:28:30.000000Z"),
        ("1.5h", "2026-11-22T11:00:00.000000Z"),
        ("2d", "2026-11-20T12:30:00.000000Z"),
        ("1w", "2026-11-15T12:30:00.000000Z"),
        ("-1h", "2026-11-22T11:30:00.000000Z"),
        ("2 h", "2026-11-22T10:30:00.000000Z"),
        ("2 hours ago", "2026-11-22T10:30:00.000000Z"),
        ("1 day ago", "2026-11-21T12:30:00.000000Z"),
        ("2h ago", "2026-11-22T10:30:00.000000Z"),
        ("5min", "2026-11-22T12:25:00.000000Z"),
        ("1h30m", "2026-11-22T11:00:00.000000Z"),
        ("1 hour 30 minutes ago", "2026-11-22T11:00:00.000000Z"),
    ],
)
def test_a_time_is_understood(text: str, time: str) -> None:
    assert parse_when(text, NOW) == parse_stamp(time)


@pytest.mark.parametrize(
    "text", ["", "soon", "25:00", "2026-13-01", "2 x", "ago", "5 parsecs ago", "-"]
)
def test_what_is_no_time_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(CommandError, match="yesterday"):
        parse_when(text, NOW)


@given(st.text())
def test_no_text_does_worse_than_a_refusal(text: str) -> None:
    with suppress(CommandError):
        parse_when(text, NOW)


@given(st.integers(min_value=0, max_value=4_000_000_000_000_000))
def test_a_stamp_is_written_as_the_vocabulary_writes_it(stamp: int) -> None:
    assert format_when(stamp) == format_stamp(stamp)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0.0s"),
        (4.25, "4.2s"),
        (59.6, "60s"),
        (720, "12m"),
        (3 * 3600 + 300, "3h05"),
        (12 * 86400, "12d"),
    ],
)
def test_a_duration_is_short(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_times_of_the_contract_are_compared_and_shortened() -> None:
    earlier, later = "2026-11-22T12:00:00.500000Z", "2026-11-22T12:00:02.000000Z"

    assert seconds_between(earlier, later) == 1.5
    assert (short(later), short(None)) == ("2026-11-22 12:00:02Z", "")


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    tzset()
    yield
    monkeypatch.undo()
    tzset()


@pytest.mark.usefixtures("in_berlin")
@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-21T08:00", "2026-11-21T07:00:00.000000Z"),
        ("2026-07-21 08:00", "2026-07-21T06:00:00.000000Z"),
        ("2026-11-21T08:00Z", "2026-11-21T08:00:00.000000Z"),
        ("08:15", "2026-11-22T07:15:00.000000Z"),
        ("today", "2026-11-21T23:00:00.000000Z"),
        ("yesterday", "2026-11-20T23:00:00.000000Z"),
        ("1h", "2026-11-22T11:30:00.000000Z"),
    ],
)
def test_a_time_without_a_zone_is_local(text: str, time: str) -> None:
    assert parse_when(text, NOW) == parse_stamp(time)


@pytest.mark.usefixtures("in_berlin")
def test_people_read_local_time_with_its_offset_and_may_paste_it() -> None:
    shown = short("2026-11-22T12:00:02.000000Z")

    assert shown == "2026-11-22 13:00:02+01:00"
    assert parse_when(shown, NOW) == parse_stamp("2026-11-22T12:00:02.000000Z")
    assert local("2026-07-22T12:00:02.000001Z") == "2026-07-22T14:00:02.000001+02:00"
    assert local("") == ""
