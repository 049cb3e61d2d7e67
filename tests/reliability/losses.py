"""Marks of loss in a log, compared with what is missing among its numbered lines.

A machine that prints `numbered` lines shows by itself what was lost: the numbers jump,
or a line is cut. A BMC marks a full buffer at the *head* of what waits in it, so a
mark may stand as many bytes before the loss as the buffer holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Self

from solrecd.simbmc.machine import numbered

LINE = 64
"""Bytes of a numbered line."""

_SESSION = re.compile(r"gap: up to [\d.]+ s without a session ")
_JOURNAL = re.compile(r"gap: [\d.]+ s without room ")
_BMC = re.compile(r"gap: .* bytes (?:may be )?lost \((overrun|skipped)\)")


@dataclass(slots=True)
class Text:
    """A log: where its bytes go on, and where what is marked."""

    jumps: list[int] = field(default_factory=list)
    """Bytes of log before each place where something is missing."""
    repeats: list[int] = field(default_factory=list)
    """Bytes before each place where the numbers go back."""
    bmc_marks: list[int] = field(default_factory=list)
    gap_marks: list[int] = field(default_factory=list)
    """Spans without a session or without room: whatever is missing there is told."""
    lines: dict[int, int] = field(default_factory=dict)
    """Number of the line of the log (from 0) at each jump."""
    missing: dict[int, int] = field(default_factory=dict)
    """Bytes that are missing at each jump: whole lines, or less than one."""
    size: int = 0

    @classmethod
    def parse(cls, log: str, name: str) -> Self:
        """Read a console's log, all segments joined."""
        text = cls()
        pattern = re.compile(rf"{re.escape(name)} (\d{{8}}) #+$")
        expected: int | None = None
        loose = ""
        for place, line in enumerate(log.splitlines()):
            body = line[30:]
            if line[28:29] == "#":
                text._mark(body)
                continue
            match = pattern.match(body) if len(body) == LINE - 2 else None
            if match is None:
                loose += body
                text.size += len(body)
                continue
            number = int(match[1])
            if expected is not None and loose == _whole(name, expected):
                # A note has parted the line; nothing is missing.
                expected, loose = expected + 1, ""
            if expected is not None and number < expected:
                text.repeats.append(text.size)
            elif expected is not None and (loose or number > expected):
                text.jumps.append(text.size)
                text.lines[text.size] = place
                text.missing[text.size] = max(1, number - expected) * LINE
            loose = ""
            expected = number + 1
            text.size += LINE
        return text

    def _mark(self, body: str) -> None:
        if _BMC.match(body):
            self.bmc_marks.append(self.size)
        elif _SESSION.match(body) or _JOURNAL.match(body):
            self.gap_marks.append(self.size)


def _whole(name: str, number: int) -> str:
    return numbered(name, number * LINE, LINE).decode().rstrip()


@dataclass(frozen=True, slots=True)
class Found:
    """The result of the comparison; places are bytes of log before."""

    losses: int
    marks: int
    unmarked: list[int]
    false_marks: list[int]


def find_losses(text: Text, *, reach: int) -> Found:
    """Compare marks and losses.

    Args:
        text: a log.
        reach: bytes of the BMC's buffer and a packet.
    """
    marks = sorted((*text.bmc_marks, *text.gap_marks))

    def is_marked(loss: int) -> bool:
        return any(loss - reach <= mark <= loss + LINE for mark in marks)

    def is_true(mark: int) -> bool:
        return any(mark - LINE <= loss <= mark + reach for loss in text.jumps)

    unfinished = text.size - reach
    return Found(
        losses=len(text.jumps),
        marks=len(marks),
        unmarked=[loss for loss in text.jumps if not is_marked(loss)],
        false_marks=[
            mark for mark in text.bmc_marks if mark < unfinished and not is_true(mark)
        ],
    )
