"""Which share of a time was recorded."""

from itertools import pairwise

from hypothesis import given, strategies as st

from solrecd.process.stamps import SECOND, format_stamp
from solrecd.storage.formats.coverage import (
    Missing,
    Recorded,
    Span,
    cover,
    cut,
    merged,
    with_copies,
)

STAMPS = st.integers(0, 60)
SPANS = st.lists(
    st.builds(lambda one, other: Span(min(one, other), max(one, other)), STAMPS, STAMPS)
)
MISSING = st.lists(st.builds(Missing, STAMPS, st.integers(0, 20), st.integers(1, 3)))


def instants(spans: list[Span]) -> set[int]:
    return {instant for begin, end in spans for instant in range(begin, end)}


@given(SPANS)
def test_a_union_holds_every_instant_once(spans: list[Span]) -> None:
    union = merged(span for span in spans if span.begin < span.end)

    assert instants(union) == instants(spans)
    assert sum(end - begin for begin, end in union) == len(instants(spans))
    assert all(a.end < b.begin for a, b in pairwise(union))


@given(SPANS, STAMPS, STAMPS)
def test_what_is_cut_lies_in_the_window(
    spans: list[Span], one: int, other: int
) -> None:
    window = Span(min(one, other), max(one, other))

    found = list(cut(spans, window))

    assert instants(found) == instants(spans) & set(range(*window))
    assert all(begin < end for begin, end in found)


@given(MISSING, STAMPS, STAMPS, STAMPS, st.none() | STAMPS)
def test_what_was_lost_and_what_was_recorded_are_the_counted_time(
    missing: list[Missing], first: int, since: int, length: int, down: int | None
) -> None:
    until = since + length
    recorded = Recorded(first, first, missing, down)

    found = cover(recorded, since, until)

    counted = set(range(max(since, first), until))
    gone = instants([each.span for each in missing])
    if down is not None:
        gone |= set(range(down, until))
    assert found.counted == len(counted)
    assert found.lost == len(counted & gone)
    assert 0.0 <= found.share <= 1.0
    assert (found.share == 1.0) == (found.lost == 0)


@given(MISSING, STAMPS, MISSING)
def test_another_gap_never_makes_it_better(
    missing: list[Missing], first: int, more: list[Missing]
) -> None:
    before = cover(Recorded(first, first, missing), 0, 60)
    after = cover(Recorded(first, first, [*missing, *more]), 0, 60)

    assert after.share <= before.share
    assert after.gaps >= before.gaps


def test_a_console_that_was_never_recorded_is_covered_by_nothing() -> None:
    row = cover(Recorded(), 0, 10 * SECOND).as_row("a")

    assert (row["oldest"], row["since"], row["coverage"]) == (None, None, 0.0)


def test_the_time_before_the_first_sign_does_not_count() -> None:
    recorded = Recorded(50 * SECOND, 50 * SECOND, [Missing(60 * SECOND, 5 * SECOND)])

    found = cover(recorded, 0, 100 * SECOND)

    assert (found.since, found.counted) == (50 * SECOND, 50 * SECOND)
    assert (found.share, found.gaps) == (0.9, 1)


def test_a_gap_that_goes_on_is_lost_until_now() -> None:
    found = cover(Recorded(0, 0, (), 75 * SECOND), 0, 100 * SECOND)

    assert (found.share, found.gaps, found.lost) == (0.75, 1, 25 * SECOND)


def test_a_gap_without_a_length_is_a_gap_and_no_time() -> None:
    found = cover(Recorded(0, 0, [Missing(5 * SECOND, 0, 40)]), 0, 10 * SECOND)

    assert (found.share, found.gaps, found.lost) == (1.0, 40, 0)


def test_a_share_is_never_rounded_up_to_all() -> None:
    month = 30 * 86400 * SECOND

    found = cover(Recorded(0, 0, [Missing(SECOND, 1)]), 0, month)

    assert found.share == 0.999999


def test_a_row_is_the_contracts_object() -> None:
    recorded = Recorded(SECOND, SECOND, [Missing(5 * SECOND, SECOND)])

    assert cover(recorded, 0, 11 * SECOND).as_row("node001") == {
        "console": "node001",
        "oldest": format_stamp(SECOND),
        "coverage": 0.9,
        "gaps": 1,
        "lost_seconds": 1.0,
        "since": format_stamp(SECOND),
        "until": format_stamp(11 * SECOND),
    }


def test_what_is_only_kept_elsewhere_counts_as_well() -> None:
    gone = Missing(10 * SECOND, SECOND)
    both = Missing(49 * SECOND, SECOND)
    here = Recorded(50 * SECOND, 48 * SECOND, [both, Missing(70 * SECOND, SECOND)])
    copied = Recorded(0, 0, [gone, both, Missing(70 * SECOND, SECOND)])

    found = cover(with_copies(here, copied), 0, 100 * SECOND)

    assert (found.oldest, found.since) == (0, 0)
    assert (found.gaps, found.lost) == (3, 3 * SECOND)


def test_without_copies_nothing_changes() -> None:
    here = Recorded(5, 5, [Missing(7, 1)])

    assert with_copies(here, Recorded()) is here
    assert with_copies(here, Recorded(6, 6, [Missing(9, 1)])) is here
