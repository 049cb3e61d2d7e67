"""One console: where its machine is, what it suffered, what is missing."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build

from tools.dashboards.panels import (
    BLUE,
    GREEN,
    ORANGE,
    RED,
    YELLOW,
    AnyPanel,
    Query,
    Size,
    graph,
    number,
    stages,
    timeline,
    word,
)
from tools.dashboards.queries import entered, increase, per_console, stage_ranks

_OUTPUT = per_console("solrecd_console_last_output_timestamp_seconds")
_UP = per_console("solrecd_sol_session_up")


def fill(board: build.Dashboard) -> build.Dashboard:
    """Add the panels."""
    for panel in (*_numbers(), *_timelines(), *_curves()):
        board = board.with_panel(panel)
    return board


def _numbers() -> list[AnyPanel]:
    size = Size(4, 4)
    alarm = ((None, GREEN), (1, RED))
    is_good = ((None, RED), (1, GREEN))
    failures = increase(per_console("solrecd_failures_total"))
    return [
        word("Stage", Query(f"time() - {entered()}", "{{stage}}"), size=size, unit="s"),
        number(
            "Stuck", f"max({per_console('solrecd_boot_stuck')})", size=size, steps=alarm
        ),
        number("Failures", f"sum({failures})", size=size, steps=alarm),
        number("Recorded", f"max({_UP})", size=size, steps=is_good),
        number(
            "Power",
            f"max({per_console('solrecd_power_on')})",
            size=size,
            steps=((None, BLUE), (1, GREEN)),
            about="As the BMC says; nothing while it does not.",
        ),
        number(
            "Silent for",
            f"time() - max({_OUTPUT})",
            size=size,
            unit="s",
            steps=((None, GREEN), (3600, YELLOW), (86400, ORANGE)),
        ),
    ]


def _timelines() -> list[AnyPanel]:
    size = Size(24, 5)
    return [
        stages("Boots", Query(stage_ranks(), "{{console}}"), size=size),
        timeline(
            "Recorded",
            Query(_UP, "{{console}}"),
            {0: ("no session", RED), 1: ("recorded", GREEN)},
            size=Size(24, 4),
        ),
    ]


def _curves() -> list[AnyPanel]:
    size = Size(12, 8)
    return [
        graph(
            "Output",
            Query(_rate("solrecd_console_received_bytes_total"), "bytes"),
            size=size,
            unit="Bps",
        ),
        graph(
            "Failures",
            _by("solrecd_failures_total", "name"),
            size=size,
            stacked=True,
        ),
        graph(
            "Boots that ended",
            _by("solrecd_boots_total", "outcome"),
            size=size,
            stacked=True,
        ),
        graph(
            "Output that is missing",
            _by("solrecd_console_gaps_total", "reason"),
            _by("solrecd_sol_session_lost_total", "reason", "session: "),
            size=size,
            stacked=True,
            about="Places where output is, or may be, missing; sessions that ended.",
        ),
    ]


def _rate(family: str) -> str:
    return f"sum(rate({per_console(family)}[$__rate_interval]))"


def _by(family: str, label: str, prefix: str = "") -> Query:
    counted = increase(per_console(family), "$__rate_interval")
    return Query(f"sum by ({label}) ({counted}) > 0", f"{prefix}{{{{{label}}}}}")
