"""What the console printed before it happened."""

from __future__ import annotations

from hypothesis import given, strategies as st

from solrecd.alerts.excerpt import EXCERPT_MAX, excerpt
from solrecd.events.event import Kind
from solrecd.events.lines import Line
from solrecd.process.stamps import SECOND
from solrecd.storage.formats.lines import TextFormat
from tests.support.alerting import EPOCH, event

HEADLINE = "Kernel panic - not syncing: Attempted to kill init!"
PANIC = event("panic", at=50, fields={"headline": HEADLINE})


def log_of(texts: list[str], *, per_second: int = 1) -> bytes:
    """Return lines as the archive has them, some of which came together."""
    lines = [
        Line(EPOCH + n // per_second * per_second * SECOND, 0, text)
        for n, text in enumerate(texts)
    ]
    return TextFormat().lines(lines)


def numbered(count: int, headline_at: int) -> list[str]:
    """Return numbered lines with the headline among them."""
    texts = [f"[   {n}.0] line {n}" for n in range(count)]
    texts[headline_at] = f"[   {headline_at}.0] {HEADLINE}"
    return texts


def test_it_has_the_lines_before_the_headline_and_the_report() -> None:
    texts = numbered(60, 50)

    found = excerpt(log_of(texts), PANIC, 20, whole=True)

    assert found.split("\n") == texts[30:]


def test_the_headline_is_found_among_lines_that_came_together() -> None:
    texts = numbered(60, 54)

    found = excerpt(log_of(texts, per_second=10), PANIC, 3, whole=True)

    assert found.split("\n") == texts[51:]


def test_of_a_stuck_boot_it_has_what_was_printed_last() -> None:
    texts = [f"line {n}" for n in range(60)]

    found = excerpt(log_of(texts), event("kernel", kind=Kind.STUCK), 5, whole=True)

    assert found.split("\n") == texts[55:]


def test_notes_of_solrecd_and_half_a_line_are_left_out() -> None:
    note = TextFormat().note(EPOCH, "gap: 3 s")
    log = b"00:00.000000Z | half\n" + note + log_of(["whole"])

    found = excerpt(log, event("down", kind=Kind.SESSION), 20)

    assert found == "whole"


def test_a_long_report_leaves_room_for_what_was_before() -> None:
    texts = [f"{n} {'x' * 90}" for n in range(50)]
    texts += [HEADLINE] + [f"report {n} {'y' * 90}" for n in range(200)]

    found = excerpt(log_of(texts), PANIC, 20, whole=True)

    lines = found.split("\n")
    assert lines.index(HEADLINE) >= 15
    assert lines[lines.index(HEADLINE) + 1].startswith("report 0 ")


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\n"), max_size=600), max_size=60
    ),
    st.integers(1, 200),
    st.integers(0, 70),
)
def test_it_is_bounded_whatever_was_printed(
    texts: list[str], before: int, at: int
) -> None:
    log = log_of(texts)

    found = excerpt(log, event("panic", at=at), before, whole=True)

    assert len(found.encode()) <= EXCERPT_MAX


@given(st.binary(max_size=2000))
def test_any_bytes_may_be_in_the_log(log: bytes) -> None:
    assert len(excerpt(log, PANIC, 20).encode()) <= EXCERPT_MAX
