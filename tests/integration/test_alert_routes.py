"""A real Alertmanager with the sample configuration: who hears of what."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import alert_stack, server
from tests.support.alert_stack import Alertmanager, Webhook
from tests.support.peers import need
from tests.support.recorder import wait_until

RECORDER = {"job": "solrecd", "instance": "rec1:9623"}


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as receiver:
        yield receiver


@pytest.fixture
def alertmanager(tmp_path: Path, webhook: Webhook) -> Iterator[Alertmanager]:
    need(alert_stack.MISSING, available=alert_stack.AVAILABLE)
    with Alertmanager(tmp_path / "alertmanager", webhook.address) as running:
        yield running


def tell(alertmanager: Alertmanager, *alerts: dict[str, str]) -> None:
    """Send alerts as Prometheus does."""
    content = [{"labels": {**RECORDER, **labels}} for labels in alerts]
    alertmanager.ask("POST", "/api/v2/alerts", content)


def test_an_outage_of_the_bmcs_network_is_one_notification(
    alertmanager: Alertmanager, webhook: Webhook
) -> None:
    of_each = ("BmcUnreachable", "SolSessionDown", "ConsoleOutputLost")
    tell(
        alertmanager,
        {"alertname": "ManyBmcsUnreachable", "severity": "critical"},
        {"alertname": "ManyBmcsUnreachable", "severity": "critical", "instance": "2"},
    )

    tell(
        alertmanager,
        *(
            {"alertname": name, "severity": "warning", "console": f"node{number}"}
            for name in of_each
            for number in range(500)
        ),
        {"alertname": "SolrecdConfigInvalid", "severity": "warning"},
    )
    for name in ("SolrecdConfigInvalid", "ManyBmcsUnreachable"):
        webhook.wait(name, "firing", server.TIMEOUT)

    assert {name for name, inhibited in alertmanager.alerts().items() if inhibited} == {
        *of_each
    }
    assert {one.name for one in webhook.taken} == {
        "ManyBmcsUnreachable",
        "SolrecdConfigInvalid",
    }


def test_the_same_alert_of_many_machines_is_one_notification(
    alertmanager: Alertmanager, webhook: Webhook
) -> None:
    panics = [
        {"alertname": "MachineKernelPanic", "severity": "critical", "console": f"n{i}"}
        for i in range(500)
    ]

    tell(alertmanager, *panics)
    wait_until(lambda: len(webhook.taken), lambda n: n >= 500, seconds=server.TIMEOUT)

    assert {one.receiver for one in webhook.taken} == {"pager"}
    # A starved Alertmanager may find the last ones only after it sent the first.
    assert len({one.at for one in webhook.taken}) <= 5
    assert {one.labels["console"] for one in webhook.taken} == {
        panic["console"] for panic in panics
    }


def test_what_a_machine_died_of_is_told_and_not_that_its_boot_failed(
    alertmanager: Alertmanager, webhook: Webhook
) -> None:
    tell(
        alertmanager,
        {"alertname": "MachineKernelPanic", "severity": "critical", "console": "n1"},
    )

    tell(
        alertmanager,
        {"alertname": "MachineBootFailed", "severity": "critical", "console": "n1"},
        {"alertname": "MachineBootStuck", "severity": "critical", "console": "n2"},
    )
    webhook.wait("MachineBootStuck", "firing", server.TIMEOUT)

    assert {one.name for one in webhook.taken} <= {
        "MachineKernelPanic",
        "MachineBootStuck",
    }
    assert alertmanager.alerts()["MachineBootFailed"]
