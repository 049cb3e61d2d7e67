"""Losses are marked where they are, and a flood of them is bounded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from solrecd.console.losses import NOTES_AT_ONCE, NOTES_EACH_SECOND, Losses
from solrecd.events.gaps import Gap, GapReason

SECOND = 1_000_000


@dataclass
class Told:
    """Takes notes, events and counts, and remembers all."""

    notes: list[str] = field(default_factory=list)
    reports: list[Any] = field(default_factory=list)
    amended: int = 0
    counted: int = 0
    settled: int = 0

    def note(self, at: int, text: str, offset: int | None = None) -> None:
        self.notes.append(text)

    def report(self, at: int, draft: Any) -> Any:
        self.reports.append(draft)

        class _Event:
            time = at

        return _Event()

    def gap(self, reason: GapReason, count: int) -> None:
        self.counted += 1

    def settle(self) -> None:
        self.settled += 1


def losses() -> tuple[Told, Losses]:
    told = Told()
    return told, Losses(told, told, told.settle)  # type: ignore[arg-type]


def test_as_many_losses_as_a_line_can_have_are_noted_each() -> None:
    told, found = losses()

    for number in range(NOTES_EACH_SECOND):
        found.mark(Gap(GapReason.OVERRUN, "lost"), number * SECOND // NOTES_EACH_SECOND)

    assert told.notes == ["gap: lost"] * NOTES_EACH_SECOND


def test_a_flood_of_losses_is_counted_and_has_few_notes_and_one_event() -> None:
    told, found = losses()

    for number in range(4000):
        found.mark(Gap(GapReason.OVERRUN, "lost"), 5 * SECOND + number)
    found.mark(Gap(GapReason.OVERRUN, "lost"), 6 * SECOND)

    assert told.counted == 4001
    assert told.settled == NOTES_AT_ONCE + 1
    assert len(told.reports) == 1
    more = 4000 - NOTES_AT_ONCE
    assert told.notes[NOTES_AT_ONCE:] == [
        f"gap: {more} times more before this line (overrun)",
        "gap: lost",
    ]


def test_losses_of_a_session_are_noted_each() -> None:
    told, found = losses()

    for number in range(2 * NOTES_EACH_SECOND):
        found.mark(Gap(GapReason.SESSION, "gone"), 5 * SECOND + number)

    assert len(told.notes) == 2 * NOTES_EACH_SECOND
