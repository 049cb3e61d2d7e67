"""A metric is a field: what its declaration says is in the scrape, and nothing else."""

# ruff: noqa: RUF009 - the calls declare fields

from __future__ import annotations

from dataclasses import dataclass

import pytest

from solrecd.events.sessions import SessionState
from solrecd.events.stages import Stage
from solrecd.metrics import Format, Metrics, Tally, declared, samples, series
from solrecd.metrics.console import ConsoleMetrics
from solrecd.metrics.daemon import DaemonMetrics
from solrecd.metrics.family import Type, declared_in


@dataclass
class Console:
    keys: int = series.counter("solrecd_keys_total", "Keys.")
    doors: dict[str, int] = series.counters(
        "solrecd_doors_total", "Doors.", way=("in",)
    )
    seen: int = series.stamp_with("solrecd_seen_seconds", "Seen.", ("by",), by=())
    by: str = "guard"


@dataclass
class Daemon:
    letters: Tally = samples.tally(
        "solrecd_letters_total", "Letters.", way=("in", "out"), size=("big",)
    )
    weight: float | None = samples.known_gauge("solrecd_weight_bytes", "Weight.")


def written(console: Console) -> list[str]:
    """Return the series of one console."""
    member = series.member("n1", {}, console)
    return [
        one.how(one.family, one.attribute)([member]) for one in declared_in(Console)
    ]


def test_a_console_has_the_first_values_that_its_fields_declare() -> None:
    assert written(Console()) == [
        'solrecd_keys_total{console="n1"} 0\n',
        'solrecd_doors_total{console="n1",way="in"} 0\n',
        "",
    ]


def test_what_is_added_to_a_field_is_written() -> None:
    console = Console(keys=2, doors={"in": 3, "unheard of": 1}, seen=1_500_000)

    assert written(console) == [
        'solrecd_keys_total{console="n1"} 2\n',
        'solrecd_doors_total{console="n1",way="in"} 3\n',
        'solrecd_seen_seconds{console="n1",by="guard"} 1.500000\n',
    ]


def test_a_tally_has_all_series_whose_label_values_are_declared() -> None:
    daemon = Daemon()

    daemon.letters.add("in", "big", count=3)

    assert daemon.letters.samples() == {("in", "big"): 3, ("out", "big"): 0}
    assert Daemon().letters.samples() == {("in", "big"): 0, ("out", "big"): 0}


@pytest.mark.parametrize(("weight", "line"), [(None, ""), (2.5, "2.5"), (0, "0")])
def test_what_is_not_known_has_no_series(weight: float | None, line: str) -> None:
    (_, gauge) = declared_in(Daemon)

    text = gauge.how(gauge.family, weight, Format.TEXT)

    values = [one.split()[1] for one in text.splitlines() if one[0] != "#"]
    assert gauge.family.type is Type.GAUGE
    assert values == [line] * bool(line)


def test_all_declared_families_are_scraped_and_no_others() -> None:
    metrics = Metrics(["panic"], version="1")
    metrics.console("n1")

    headers = [
        line.split()[2]
        for line in metrics.render().decode().splitlines()
        if line.startswith("# TYPE solrecd_")
    ]

    names = [one.name for one in declared()]
    assert sorted(headers) == sorted(names)
    assert len(names) == len(set(names))


def test_consoles_in_different_states_have_their_own_labels_each() -> None:
    metrics = Metrics([], version="1")
    states = [SessionState.UP, SessionState.UP, SessionState.DOWN, SessionState.UP]
    for number, state in enumerate(states):
        metrics.console(f"n{number}").session_entered(state, 1, None)
        metrics.console(f"n{number}").enter(Stage.KERNEL, number)

    text = metrics.render().decode()

    for number, state in enumerate(states):
        assert f'entered_timestamp_seconds{{console="n{number}",state="{state}"' in text
    assert text.count('stage="kernel"} 0.00000') == len(states) - 1


def test_fields_of_consoles_have_a_console_and_those_of_the_daemon_none() -> None:
    assert all("console" in one.family.labels for one in declared_in(ConsoleMetrics))
    assert all("console" not in one.family.labels for one in declared_in(DaemonMetrics))
