"""What goes over the wire."""

from __future__ import annotations

from solrecd.alerts import Alert, Notice, Phase
from solrecd.alerts.payload import VALUE_MAX, alertmanager_object
from solrecd.events.event import Kind
from solrecd.process.stamps import SECOND
from tests.support.alerting import EPOCH, event, receiver


def notice(**changes: object) -> Notice:
    """Return a notice of a panic on a console in a rack."""
    alert = Alert(
        event("panic"), EPOCH, {"rack": "r1", "name": "x"}, "6.1.0", "line 1\nline 2"
    )
    return Notice(Phase.FIRING, alert, EPOCH, held_back=2)


def test_alertmanager_gets_labels_to_route_by_and_notes_to_read() -> None:
    config = receiver(
        labels={"site": "a"},
        runbook="https://wiki/{kind}/{name}",
        link="https://sol/{console}/{boot}",
    )

    found = alertmanager_object(notice(), config, EPOCH + 240 * SECOND)

    assert found == {
        "labels": {
            "alertname": "ConsolePanic",
            "console": "n1",
            "kind": "failure",
            "name": "panic",
            "rack": "r1",
            "severity": "fatal",
            "signature": "abc",
            "site": "a",
        },
        "annotations": {
            "boot": "7",
            "command": "solrecctl log n1 --boot 7",
            "excerpt": "line 1\nline 2",
            "held_back": "2",
            "kernel": "6.1.0",
            "runbook_url": "https://wiki/failure/panic",
            "summary": "n1: panic of a test",
            "title": "panic of a test",
        },
        "startsAt": "2023-11-14T22:13:20.000000Z",
        "endsAt": "2023-11-14T22:17:20.000000Z",
        "generatorURL": "https://sol/n1/7",
    }


def test_labels_are_bounded_and_never_empty() -> None:
    alert = Alert(
        event("down", kind=Kind.SESSION, signature=None), EPOCH, {"a": "é" * 2000}
    )

    labels = alertmanager_object(Notice(Phase.FIRING, alert, 0), receiver(), 0)[
        "labels"
    ]

    assert labels["alertname"] == "ConsoleSessionDown"
    assert "signature" not in labels
    assert len(labels["a"].encode()) <= VALUE_MAX


def test_the_same_notice_has_the_same_id_and_its_end_another() -> None:
    first, again = notice(), notice()
    over = Notice(Phase.RESOLVED, first.alert, EPOCH)

    assert first.id == again.id
    assert over.id != first.id
