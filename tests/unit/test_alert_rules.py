"""Alert rules ask for what is exported; each has its cases and its runbook."""

import argparse
import importlib
import re
import shlex
from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby

import pytest

from solrecd.analysis.boot.rules import RuleSet
from solrecd.cli import program
from solrecd.cli.shared.when import parse_when
from solrecd.cli.solrecctl import PROGRAM
from solrecd.cli.solrecd import PROGRAM as DAEMON_PROGRAM
from solrecd.events.event import Severity
from solrecd.events.gaps import GapReason
from solrecd.events.sessions import LostReason, SessionState
from solrecd.events.stages import Stage
from solrecd.metrics import Type, declared
from solrecd.storage import marker_files
from tests.support.alert_rules import CASES, FOLDER, ROOT, Alert, alerts, load

ALERTS = alerts()
RUNBOOKS = (ROOT / "packaging/docs/runbooks.md").read_text()

FROM_PROMETHEUS = {"job", "instance"}
"""Labels that a scrape adds."""

FATAL_AND_TOLD_ELSEWHERE = {"panic", "loader_error"}
"""The first has an alert of its own, the second fails the boot where it matters."""


@pytest.fixture(scope="module")
def markers() -> RuleSet:
    return marker_files.load()


def each_alert(given: list[Alert] = ALERTS) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("alert", given, ids=lambda alert: alert.name)


@each_alert()
def test_a_rule_asks_for_declared_families_and_their_labels(alert: Alert) -> None:
    families = {family.name: family for family in declared()}

    for selector in alert.selectors():
        family = families[selector.family]
        allowed = {*family.labels, *FROM_PROMETHEUS}
        assert {label for label, _ in selector.values} <= allowed, selector


@each_alert()
def test_a_rule_joins_and_groups_by_labels_that_its_families_have(alert: Alert) -> None:
    families = {family.name: family for family in declared()}
    asked = [families[selector.family] for selector in alert.selectors()]

    labels = {label for family in asked for label in family.labels}

    histograms = {"le"} if any(one.type is Type.HISTOGRAM for one in asked) else set()
    assert alert.matched_labels() <= labels | FROM_PROMETHEUS | histograms


@each_alert()
def test_a_rule_compares_labels_with_values_that_occur(
    alert: Alert, markers: RuleSet
) -> None:
    known = {
        "name": {*markers.failure_names},
        "reason": {*map(str, LostReason), *map(str, GapReason)},
        "stage": {*map(str, Stage)},
        "state": {*map(str, SessionState)},
    }

    for selector in alert.selectors():
        for label, value in selector.values:
            assert value == "%s" or value in known[label], selector


def test_every_fatal_failure_is_told(markers: RuleSet) -> None:
    (alert,) = [one for one in ALERTS if one.name == "MachineFatalFailure"]

    fatal = {one.name for one in markers.rules if one.severity is Severity.FATAL}

    asked = [pair for selector in alert.selectors() for pair in selector.values]
    told = {value for label, value in asked if label == "name"}
    assert told == fatal - FATAL_AND_TOLD_ELSEWHERE


@each_alert()
def test_an_alert_says_how_bad_it_is_and_where_to_read_on(alert: Alert) -> None:
    assert alert.severity in {"critical", "warning", "info"}
    assert set(alert.annotations) == {"summary", "description", "runbook_url"}
    anchor = alert.annotations["runbook_url"].rpartition("#")[2]
    assert anchor == alert.name.lower()


@pytest.fixture(scope="module")
def told() -> dict[str, list[list[bool]]]:
    """Tell for each alert, and each of its cases, when it is told, in time order."""
    found: dict[str, list[list[bool]]] = defaultdict(list)
    for path in CASES:
        for case in load(path)["tests"]:
            checks = sorted(
                (each["alertname"], seconds(each["eval_time"]), "exp_alerts" in each)
                for each in case["alert_rule_test"]
            )
            for name, group in groupby(checks, key=lambda check: check[0]):
                found[name].append([is_told for _, _, is_told in group])
    return found


def seconds(text: str) -> int:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    return sum(int(n) * units[unit] for n, unit in re.findall(r"(\d+)([smhd])", text))


@each_alert()
def test_an_alert_has_cases_where_it_is_not_told_then_told_then_over(
    alert: Alert, told: dict[str, list[list[bool]]]
) -> None:
    changes = [[key for key, _ in groupby(case)] for case in told[alert.name]]

    assert [False, True, False] in changes


def test_cases_are_of_alerts_that_exist(told: dict[str, list[list[bool]]]) -> None:
    assert set(told) == {alert.name for alert in ALERTS}


def test_alertmanager_inhibits_alerts_that_exist() -> None:
    names = {alert.name for alert in ALERTS}
    rules = load(FOLDER / "alertmanager.yml")["inhibit_rules"]
    matchers = [
        matcher
        for rule in rules
        for matcher in (*rule["source_matchers"], *rule["target_matchers"])
    ]

    named = [re.fullmatch(r'alertname=~?"([\w|]+)"', matcher) for matcher in matchers]

    assert all(named)
    assert {name for each in named if each for name in each[1].split("|")} <= names


def sections() -> dict[str, str]:
    """Return the text of each runbook by its heading."""
    parts = re.split(r"(?m)^### (.*)$", RUNBOOKS)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_each_alert_has_one_runbook_and_each_runbook_an_alert() -> None:
    headings = re.findall(r"(?m)^### (.*)$", RUNBOOKS)

    assert headings == [alert.name for alert in ALERTS]


@each_alert()
def test_a_runbook_begins_with_how_bad_it_is_and_has_commands(alert: Alert) -> None:
    text = sections()[alert.name].strip()

    assert text.startswith(f"{alert.severity}. ")
    assert re.search(r"(?m)^    \S", text)
    assert "gnore it" in text or "Ignore a" in text or "Ignore s" in text


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each solrecctl or solrecd command in a page of ours."""
    lines = re.findall(r"(?m)^ {4}(.*)$", text) + re.findall(r"`([^`\n]+)`", text)
    for line in lines:
        words = shlex.split(line)
        if len(words) > 1 and words[0] in ("solrecctl", "solrecd"):
            yield words


def parse(words: list[str]) -> argparse.Namespace:
    """Return what a command's own parser makes of it; SystemExit when it refuses."""
    parent = PROGRAM if words[0] == "solrecctl" else DAEMON_PROGRAM
    command = parent.table[words[1]]
    parser = program.command_parser(
        parent, command, importlib.import_module(command.module)
    )
    return program._parse(parser, words[2:], argparse.Namespace(**parent.defaults))


@pytest.mark.parametrize("words", [*commands(RUNBOOKS)], ids=" ".join)
def test_commands_of_the_runbooks_are_understood(words: list[str]) -> None:
    parsed = parse(words)

    since = getattr(parsed, "since", None)
    assert since is None or parse_when(since, now=1_795_348_800_000_000)


@each_alert([alert for alert in ALERTS if "solrecctl" in str(alert.annotations)])
def test_commands_in_what_an_alert_says_are_understood(alert: Alert) -> None:
    text = alert.annotations["description"]
    text = re.sub(r"{{ \$labels\.console }}", "node001", text)
    found = re.findall(r"solrecctl [^,.:]+", text)

    assert [parse(shlex.split(each)) for each in found]


@pytest.mark.parametrize("severity", ["critical", "warning", "info"])
def test_the_page_on_monitoring_lists_the_alerts_by_severity(severity: str) -> None:
    page = (ROOT / "packaging/docs/monitoring.md").read_text()

    (row,) = re.findall(rf"(?m)^\| {severity} \| (.*) \|$", page)

    wanted = [alert.name for alert in ALERTS if alert.severity == severity]
    assert re.findall(r"\w+", row) == wanted
