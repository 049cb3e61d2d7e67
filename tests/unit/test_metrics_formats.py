"""The exposition formats: text 0.0.4 and OpenMetrics 1.0, by their own parsers."""

from collections.abc import Iterable

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

from solrecd.events.boots import Boot, Outcome
from solrecd.events.gaps import GapReason
from solrecd.events.reading import Reading
from solrecd.events.sessions import LostReason, SessionState
from solrecd.events.stages import Stage
from solrecd.metrics import Format, Metrics

NOON = 1_795_348_800_000_000
"""A stamp: 2026-11-22T12:00:00Z."""


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(["panic", "oops", "100%"], version="1.2.3")


def openmetrics_families(text: str) -> list[Metric]:
    """Return what the strict parser makes of a scrape."""
    parse = openmetrics_parser.text_string_to_metric_families
    return [*parse(text)]  # type: ignore[no-untyped-call]


def busy(metrics: Metrics) -> None:
    """Have something in every family, and names that try to break out."""
    for name in ("n1", 'n"2\\', "n\n3", "n{4}%s", "\u00e4" * 20):
        console = metrics.console(name, {"rack": 'r"1\\\n'})
        console.received_bytes = len(name)
        console.last_output = NOON
        console.session_entered(SessionState.DOWN, NOON, LostReason.BMC_TIMEOUT)
        console.enter(Stage.KERNEL, NOON)
        console.power_on = name == "n1"
        console.gap(GapReason.SKIPPED, 7)
        stages = {"firmware": 0.0, "kernel": 42.5, "init": 50.0}
        ended = Boot(
            name, 3, NOON, ended=NOON + 1, outcome=Outcome.FAILED, stages=stages
        )
        console.read(Reading(boots=[ended]))
    metrics.filesystem(avail=1, size=2)
    metrics.journal(used=1, size=2)
    metrics.loop_lag.observe(0.002)


def samples(
    found: Iterable[Metric],
) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return the values of all series but those of the process."""
    return {
        (one.name, frozenset(one.labels.items())): one.value
        for family in found
        for one in family.samples
        if one.name.startswith("solrecd_")
    }


def test_both_formats_say_the_same_and_are_read_by_their_parsers(
    metrics: Metrics,
) -> None:
    busy(metrics)

    text = samples(text_string_to_metric_families(metrics.render().decode()))
    found = metrics.render(Format.OPENMETRICS).decode()
    openmetrics = samples(openmetrics_families(found))

    assert text == openmetrics
    consoles = {dict(labels).get("console") for _, labels in text}
    assert {"n1", 'n"2\\', "n\n3", "n{4}%s"} <= consoles


def test_openmetrics_knows_units_and_ends_once(metrics: Metrics) -> None:
    busy(metrics)

    found = metrics.render(Format.OPENMETRICS).decode()

    assert found.endswith("\n# EOF\n")
    assert found.count("# EOF") == 1
    units = {family.name: family.unit for family in openmetrics_families(found)}
    assert units["solrecd_console_received_bytes"] == "bytes"
    assert units["solrecd_boot_stage_duration_seconds"] == "seconds"
    assert units["solrecd_console_gaps"] == ""
    assert "_created" not in found


def test_a_stages_duration_names_a_console_and_a_boot_that_took_it(
    metrics: Metrics,
) -> None:
    busy(metrics)

    found = metrics.render(Format.OPENMETRICS).decode()
    exemplars = [
        (one.labels["stage"], one.labels["le"], one.exemplar)
        for family in openmetrics_families(found)
        for one in family.samples
        if one.exemplar
    ]

    assert [where[:2] for where in exemplars] == [
        ("firmware", "45.0"),
        ("kernel", "10.0"),
    ]
    exemplar = exemplars[0][2]
    assert exemplar.labels == {"console": "\u00e4" * 20, "boot": "3"}
    assert exemplar.value == 42.5
    assert exemplar.timestamp is not None
    assert float(str(exemplar.timestamp)) == NOON / 1e6 + 42.5
    assert " # {" not in metrics.render().decode()


def test_an_exemplar_that_is_longer_than_allowed_is_left_out(metrics: Metrics) -> None:
    stages = {"firmware": 0.0, "kernel": 42.5}
    name = "n" * 200
    ended = Boot(name, 3, NOON, ended=NOON, outcome=Outcome.OK, stages=stages)

    metrics.console(name).read(Reading(boots=[ended]))

    assert b" # {" not in metrics.render(Format.OPENMETRICS)
