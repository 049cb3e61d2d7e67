"""Every expression of the dashboards, asked of a real Prometheus."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from solrecd.events.stages import Stage
from tests.support.peers import need
from tools.dashboards import server
from tools.dashboards.boards import dashboards
from tools.dashboards.queries import STUCK_RANK
from tools.dashboards.scenario import CONSOLES, HUNG
from tools.dashboards.server import Prometheus

ONE_CONSOLE = "node005|node001"
"""One that lost its session, and one that failed: no machine has it all."""


class Question(NamedTuple):
    """A target of a panel."""

    panel: Any
    target: Any
    consoles: str


def questions() -> Iterator[Question]:
    """Yield the targets of every panel of every dashboard."""
    for board in dashboards():
        consoles = ONE_CONSOLE if board.uid == "solrecd-console" else ".+"
        for panel in board.panels or []:
            for target in getattr(panel, "targets", None) or []:
                yield Question(panel, target, consoles)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Return a Prometheus that knows the story of a fleet."""
    reason = server.missing()
    need(str(reason), available=reason is None)
    with server.prometheus(tmp_path_factory.mktemp("prometheus")) as running:
        yield running


def answer(prometheus: Prometheus, question: Question) -> list[dict[str, Any]]:
    """Return what Grafana would get."""
    ask = prometheus.now if question.target.instant else prometheus.over_time
    return ask(question.target.expr, question.consoles)


def test_every_expression_returns_data(prometheus: Prometheus) -> None:
    empty = [
        (question.panel.title, question.target.expr)
        for question in questions()
        if not answer(prometheus, question)
    ]

    assert empty == []


def test_every_name_of_a_series_can_be_filled_in(prometheus: Prometheus) -> None:
    for question in questions():
        legend = question.target.legend_format or ""
        wanted = {word.partition("}}")[0] for word in legend.split("{{")[1:]}
        for series in answer(prometheus, question):
            assert wanted <= series["metric"].keys(), question.panel.title


def test_the_wall_shows_the_stuck_consoles_and_the_stage_of_the_others(
    prometheus: Prometheus,
) -> None:
    (wall,) = (it for it in questions() if it.panel.title == "What every console did")

    last = {
        series["metric"]["console"]: float(series["values"][-1][1])
        for series in answer(prometheus, wall)
    }

    assert len(last) == CONSOLES
    stuck = {name for name, rank in last.items() if rank == STUCK_RANK}
    assert {f"node{number + 1:03d}" for number in HUNG} <= stuck
    assert set(last.values()) - {STUCK_RANK} <= {stage.rank for stage in Stage}


def test_labels_of_the_configuration_choose_consoles(prometheus: Prometheus) -> None:
    (wall,) = (it for it in questions() if it.panel.title == "What every console did")
    expression = wall.target.expr.replace("$match", 'rack="r1"')

    chosen = {one["metric"]["console"] for one in prometheus.over_time(expression)}

    assert chosen == {"node001", "node004", "node007", "node010"}
