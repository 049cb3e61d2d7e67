"""The four dashboards, and what all of them have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as model

from tools.dashboards import boots, console, fleet, recorder
from tools.dashboards.queries import (
    console_variable,
    match_variable,
    stage_variable,
    variables,
)

TAG: Final = "solrecd"


def dashboards() -> Sequence[model.Dashboard]:
    """Return all of them, in the order in which people read them."""
    everywhere = [console_variable(many=True), match_variable()]
    wall = _frame("solrecd-fleet", "solrecd: fleet", "now-6h", everywhere)
    durations = _frame("solrecd-boots", "solrecd: boots", "now-24h", [stage_variable()])
    one = _frame(
        "solrecd-console",
        "solrecd: one console",
        "now-24h",
        [console_variable(many=False)],
    )
    health = _frame("solrecd-recorder", "solrecd: recorder", "now-6h", [])
    return [
        fleet.fill(wall).build(),
        boots.fill(durations).build(),
        console.fill(one).build(),
        recorder.fill(health).build(),
    ]


def _frame(
    uid: str,
    title: str,
    since: str,
    own: Sequence[Builder[model.VariableModel]],
) -> build.Dashboard:
    board = build.Dashboard(title).uid(uid).tags([TAG]).time(since, "now")
    board = board.refresh("30s").timezone("browser").link(_others())
    board = board.tooltip(model.DashboardCursorSync.CROSSHAIR)
    source = build.DatasourceVariable("datasource").label("Prometheus")
    board = board.with_variable(source.type("prometheus"))
    for variable in (*variables(), *own):
        board = board.with_variable(variable)
    return board


def _others() -> build.DashboardLink:
    """Return the menu that leads to the other dashboards of solrecd."""
    link = build.DashboardLink("solrecd").type(model.DashboardLinkType.DASHBOARDS)
    link = link.tags([TAG]).as_dropdown(as_dropdown=False)
    return link.include_vars(include_vars=True).keep_time(keep_time=True)
