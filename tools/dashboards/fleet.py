"""The wall: what is stuck or failed comes first, then what every console does."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build

from solrecd.events.stages import Stage
from tools.dashboards.panels import (
    GREEN,
    ORANGE,
    RED,
    YELLOW,
    AnyPanel,
    Column,
    Query,
    Size,
    graph,
    number,
    stages,
    worst_first,
)
from tools.dashboards.queries import chosen, entered, increase, per_console, stage_ranks

SHOWN = 60
"""Consoles in the picture of the fleet: the stuck ones, then those still on their way
up; a screen has no more lines."""

_ALARM = ((None, GREEN), (1, RED))
_ON_THEIR_WAY = "|".join(
    stage for stage in Stage if stage not in (Stage.UNKNOWN, Stage.OFF, Stage.LOGIN)
)
_FAILURES = per_console("solrecd_failures_total")
_ENTERED = "solrecd_boot_stage_entered_timestamp_seconds"


def fill(board: build.Dashboard) -> build.Dashboard:
    """Add the panels."""
    for panel in _numbers():
        board = board.with_panel(panel)
    return (
        board.with_panel(_worst())
        .with_panel(_wall())
        .with_panel(_failures())
        .with_panel(_lost())
    )


def _numbers() -> list[AnyPanel]:
    size = Size(4, 4)
    failed = f"sum by (instance, console) ({increase(_FAILURES)})"
    up = per_console("solrecd_sol_session_up")
    stage = per_console(_ENTERED, f'stage=~"{_ON_THEIR_WAY}"')
    stuck = per_console("solrecd_boot_stuck")
    open_ = per_console("solrecd_console_left_logged_in")
    return [
        number("Stuck", f"sum({chosen(stuck)})", size=size, steps=_ALARM),
        number(
            "Failures",
            f"sum({chosen(failed)})",
            size=size,
            steps=_ALARM,
            about="Panics, hangs, out of memory ... in the time shown.",
        ),
        number(
            "Not recorded",
            f"sum({chosen(f'{up} == bool 0')})",
            size=size,
            steps=_ALARM,
            about="Consoles without a session.",
        ),
        number("Booting", f"count({chosen(stage)}) or vector(0)", size=size),
        number(
            "Left logged in",
            f"sum({chosen(open_)})",
            size=size,
            steps=((None, GREEN), (1, ORANGE)),
        ),
        number("Consoles", f"count({chosen(up)})", size=size),
    ]


def _worst() -> AnyPanel:
    failures = f"round(sum by (instance, console) ({increase(_FAILURES)}))"
    output = per_console("solrecd_console_last_output_timestamp_seconds")
    up = per_console("solrecd_sol_session_up")
    return worst_first(
        "Stuck and failed first",
        [
            Column("stuck", chosen(per_console("solrecd_boot_stuck")), "bool", _ALARM),
            Column("failures", chosen(failures), "short", ((None, GREEN), (1, ORANGE))),
            Column("recorded", chosen(up), "bool", ((None, RED), (1, GREEN))),
            Column("in this stage for", chosen(f"time() - {entered()}"), "s"),
            Column(
                "silent for",
                chosen(f"time() - {output}"),
                "s",
                ((None, GREEN), (86400, YELLOW)),
            ),
        ],
        size=Size(24, 10),
        about="A click on a console leads to its own dashboard.",
    )


def _wall() -> AnyPanel:
    wanted = f"topk({SHOWN}, {chosen(stage_ranks())})"
    return stages(
        "What every console did",
        Query(wanted, "{{console}}"),
        size=Size(24, 12),
        about=f"At most {SHOWN} consoles; choose by name or label to see others.",
    )


def _failures() -> AnyPanel:
    counted = chosen(increase(_FAILURES, "$__rate_interval"))
    return graph(
        "Failures",
        Query(f"sum by (name) ({counted}) > 0", "{{name}}"),
        size=Size(12, 8),
        stacked=True,
    )


def _lost() -> AnyPanel:
    lost = per_console("solrecd_sol_session_lost_total")
    counted = chosen(increase(lost, "$__rate_interval"))
    return graph(
        "Sessions lost",
        Query(f"sum by (reason) ({counted}) > 0", "{{reason}}"),
        size=Size(12, 8),
        stacked=True,
    )
