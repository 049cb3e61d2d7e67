"""How long boots take, stage by stage, and how they end."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build

from tools.dashboards.panels import (
    GREEN,
    RED,
    YELLOW,
    AnyPanel,
    Query,
    Size,
    graph,
    heat,
    number,
)
from tools.dashboards.queries import increase, of

_DURATION = "solrecd_boot_stage_duration_seconds"
_STAGE = 'stage=~"$stage"'
_BOOTS = of("solrecd_boots_total")
_BAD = of("solrecd_boots_total", 'outcome=~"failed|stuck"')
_HALF, _MOST = 0.5, 0.95


def fill(board: build.Dashboard) -> build.Dashboard:
    """Add the panels."""
    counted = increase(of(f"{_DURATION}_bucket", _STAGE), "$__rate_interval")
    heats = heat(
        "How long stages took",
        f"sum by (le) ({counted})",
        size=Size(24, 9),
        about="Of the stages chosen above, over all consoles.",
    )
    for panel in (*_numbers(), heats, *_curves()):
        board = board.with_panel(panel)
    return board


def _numbers() -> list[AnyPanel]:
    size = Size(6, 4)
    share = f"sum({increase(_BAD)}) / sum({increase(_BOOTS)})"
    whole = f"sum({increase(of(f'{_DURATION}_sum'))}) / sum({increase(_BOOTS)})"
    return [
        number("Boots", f"sum({increase(_BOOTS)})", size=size),
        number(
            "Failed or stuck",
            share,
            size=size,
            unit="percentunit",
            steps=((None, GREEN), (0.01, YELLOW), (0.1, RED)),
        ),
        number(
            "A boot takes",
            whole,
            size=size,
            unit="s",
            about="Mean time in all stages but login, over boots that ended.",
        ),
        number(
            "Stuck now",
            f"sum({of('solrecd_boot_stuck')})",
            size=size,
            steps=((None, GREEN), (1, RED)),
        ),
    ]


def _curves() -> list[AnyPanel]:
    size = Size(12, 9)
    ended = f"sum by (outcome) ({increase(_BOOTS, '$__rate_interval')}) > 0"
    most = f"topk(10, sum by (console) ({increase(_BOOTS, '1h')})) > 0"
    limits = f"max by (stage) ({of('solrecd_boot_stage_timeout_seconds', _STAGE)})"
    return [
        graph(
            "Half of the boots stay in a stage for",
            Query(_quantile(_HALF), "{{stage}}"),
            size=size,
            unit="s",
        ),
        graph(
            "95 of 100 boots stay in a stage for at most",
            Query(_quantile(_MOST), "{{stage}}"),
            Query(limits, "limit of {{stage}}"),
            size=size,
            unit="s",
        ),
        graph("How boots ended", Query(ended, "{{outcome}}"), size=size, stacked=True),
        graph(
            "Boots within an hour, of those that booted most",
            Query(most, "{{console}}"),
            size=size,
        ),
    ]


def _quantile(share: float) -> str:
    counted = increase(of(f"{_DURATION}_bucket", _STAGE), "1h")
    return f"histogram_quantile({share}, sum by (le, stage) ({counted}))"
