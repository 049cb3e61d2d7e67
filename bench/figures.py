"""What a benchmark measured, and how it is shown."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    """None: nothing is promised, the figure is there for comparison."""
    more_is_better: bool = False

    @property
    def verdict(self) -> str:
        """Whether the goal is met, in a word."""
        if self.goal is None:
            return ""
        is_met = (
            self.value >= self.goal if self.more_is_better else self.value <= self.goal
        )
        return "met" if is_met else "MISSED"

    @property
    def wanted(self) -> str:
        """The goal as a person writes it."""
        if self.goal is None:
            return ""
        return f"{'≥' if self.more_is_better else '≤'} {self.goal:g}"


def markdown(figures: Iterable[Figure]) -> str:
    """Return the figures as a Markdown table."""
    rows = [
        ("figure", "measured", "unit", "goal", ""),
        ("---", "---:", "---", "---:", "---"),
        *(
            (one.name, f"{one.value:.3g}", one.unit, one.wanted, one.verdict)
            for one in figures
        ),
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def machine() -> str:
    """Return one line about where this was measured."""
    return (
        f"{_processor()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f};"
        f" Linux {platform.release()}, Python {platform.python_version()}"
    )


def _processor() -> str:
    lines: Sequence[str] = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if "model name" in line)
    return next(names, platform.machine())
