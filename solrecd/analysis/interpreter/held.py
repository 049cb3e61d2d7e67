"""What is not told before the next lines have said whether it is true. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from solrecd.analysis.boot.detector import Marker
from solrecd.analysis.boot.machine import BootMachine
from solrecd.events.event import Event, Kind, Severity
from solrecd.events.lines import Line

CRASH_KERNEL_LINES: Final = 8
"""A crash kernel shows its command line within these; until then a reset without a
shutdown may still turn out to be kdump at work."""

REVEALING_LINES: Final = 4
"""systemd says within these that it runs in an initramfs."""

SCREEN_LINES: Final = 60
"""A menu or dialog that stands on the screen began within these."""


class HeldReset(NamedTuple):
    """A reset without a shutdown, until it is known not to be kdump."""

    seen: int
    """The line that it was seen in (`LineCount.absolute`)."""
    event: Event


class HeldMarker(NamedTuple):
    """A marker that counts when the next lines say so, or do not speak against it."""

    seen: int
    """As above."""
    marker: Marker
    line: Line
    where: int
    """The line's number."""


def unannounced(machine: BootMachine, at: int, line: int) -> Event:
    """Return the event of a reset without a shutdown, in the boot that it ended."""
    last = machine.kernel_time
    title = "Reset without a shutdown"
    return Event(
        at, machine.console, Kind.FAILURE, "reboot", Severity.CRITICAL,
        title if last is None else f"{title}, last kernel message at {last:.6f} s",
        machine.number, line,
    )  # fmt: skip


@dataclass(slots=True)
class Held:
    """All that waits for the next lines."""

    reset: HeldReset | None = None
    stage: HeldMarker | None = None
    """Words that another stage begins with as well."""
    question: HeldMarker | None = None
    """A menu or dialog, which waits for a person if nothing follows it."""

    @property
    def release_at(self) -> int | None:
        """The line (`LineCount.absolute`) at which nothing is to be expected any more.

        Questions wait for silence, not for lines.
        """
        ends = []
        if self.reset is not None:
            ends.append(self.reset.seen + CRASH_KERNEL_LINES)
        if self.stage is not None:
            ends.append(self.stage.seen + REVEALING_LINES)
        return min(ends, default=None)

    def asked(self, now: int) -> HeldMarker | None:
        """Take the question that still stands on the screen at a line."""
        question, self.question = self.question, None
        if question is None or now - question.seen > SCREEN_LINES:
            return None
        return question
