"""The Grafana dashboards: as committed, and only of what the daemon exports."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from solrecd.metrics import declared
from tools.dashboards.__main__ import FOLDER, texts

TEXTS = texts()
BOARDS: Mapping[str, Any] = {name: json.loads(text) for name, text in TEXTS.items()}
KNOWN_VARIABLES = {"__range", "__rate_interval"}
OF_THE_PROCESS = re.compile(r"(?:process|python)_\w+")


def expressions(board: Mapping[str, Any]) -> Iterator[str]:
    """Yield everything that a dashboard asks Prometheus."""
    for panel in board["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]


def exported() -> set[str]:
    """Return every name of a series of the daemon's own."""
    names: set[str] = set()
    for family in declared():
        ends = ("_bucket", "_sum", "_count") if family.type == "histogram" else ("",)
        names.update(family.name + end for end in ends)
    return names


def test_the_committed_dashboards_are_what_the_sources_make() -> None:
    committed = {path.name: path.read_text() for path in FOLDER.glob("*.json")}

    assert committed == TEXTS, "run: make dashboards"


@pytest.mark.parametrize("name", TEXTS)
def test_a_dashboard_asks_only_for_families_that_are_declared(name: str) -> None:
    asked = {
        word
        for expression in expressions(BOARDS[name])
        for word in re.findall(r"\b(?:solrecd|process|python)_\w+", expression)
    }

    unknown = {word for word in asked - exported() if not OF_THE_PROCESS.match(word)}
    assert asked
    assert not unknown


@pytest.mark.parametrize("name", TEXTS)
def test_every_expression_uses_only_variables_that_there_are(name: str) -> None:
    board = BOARDS[name]
    own = {variable["name"] for variable in board["templating"]["list"]}

    used = {
        word
        for expression in expressions(board)
        for word in re.findall(r"\$\{?(\w+)", expression)
    }

    assert used <= own | KNOWN_VARIABLES
    assert {"datasource", "instance"} <= own


@pytest.mark.parametrize("name", TEXTS)
def test_panels_fill_the_width_and_do_not_overlap(name: str) -> None:
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in BOARDS[name]["panels"])
        for x in range(place.get("x", 0), place.get("x", 0) + place["w"])
        for y in range(place.get("y", 0), place.get("y", 0) + place["h"])
    ]

    assert len(set(cells)) == len(cells)
    assert all(0 <= x < 24 for x, _ in cells)


def test_dashboards_lead_to_each_other() -> None:
    for board in BOARDS.values():
        (link,) = board["links"]
        assert (link["type"], link["tags"]) == ("dashboards", ["solrecd"])
        assert "solrecd" in board["tags"]
    clicks = re.findall(r"/d/([\w-]+)", TEXTS["solrecd-fleet.json"])
    assert {f"{uid}.json" for uid in clicks} == {"solrecd-console.json"}


def test_what_is_stuck_or_failed_stands_first() -> None:
    first, second, *_ = BOARDS["solrecd-fleet.json"]["panels"]
    table = next(
        panel
        for panel in BOARDS["solrecd-fleet.json"]["panels"]
        if panel["type"] == "table"
    )

    assert (first["title"], second["title"]) == ("Stuck", "Failures")
    assert table["options"]["sortBy"] == [
        {"displayName": "stuck", "desc": True},
        {"displayName": "failures", "desc": True},
    ]
