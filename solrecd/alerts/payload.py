"""What is sent: Alertmanager's alerts, our own JSON objects, signatures."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from solrecd.alerts.alert import Alert, Notice
from solrecd.config import ReceiverConfig, Secret
from solrecd.config.alert_values import fill
from solrecd.events.event import Event, Kind
from solrecd.process.stamps import format_stamp

TEST = "test"
"""Name of the event that people try their receivers with."""

VALUE_MAX = 1024
"""Bytes of a label's value."""


def alert_name(event: Event) -> str:
    """Return the name of an alert: ``ConsolePanic``, ``ConsoleStuck``.

    A closed set: kinds and names are those of the marker rules.
    """
    match event.kind:
        case Kind.OPERATOR if event.name == TEST:
            return "SolrecdTest"
        case Kind.FAILURE:
            words = event.name
        case Kind.STUCK:
            words = event.kind.value
        case kind:
            words = f"{kind}_{event.name}"
    return "Console" + "".join(word.capitalize() for word in words.split("_"))


def labels_of(alert: Alert, receiver: ReceiverConfig) -> dict[str, str]:
    """Return what identifies an alert, and what people route by."""
    event = alert.event
    own = {
        "alertname": alert_name(event),
        "console": event.console,
        "severity": event.severity.value,
        "kind": event.kind.value,
        "name": event.name,
        "signature": event.signature or "",
    }
    found = {**alert.labels, **receiver.labels, **own}
    return {name: _cut(value) for name, value in found.items() if value}


def _cut(value: str) -> str:
    return value.encode()[:VALUE_MAX].decode("utf-8", "ignore")


def _read_more(event: Event) -> str:
    boot = "" if event.boot is None else f" --boot {event.boot}"
    return f"solrecctl log {event.console}{boot}"


def _urls(alert: Alert, receiver: ReceiverConfig) -> dict[str, str]:
    event = alert.event
    runbook = fill(receiver.runbook or "", name=event.name, kind=event.kind.value)
    link = fill(receiver.link or "", console=event.console, boot=event.boot or "")
    return {"runbook_url": runbook, "link": link}


def alertmanager_object(
    notice: Notice, receiver: ReceiverConfig, ends_at: int
) -> dict[str, Any]:
    """Return a ``postableAlert`` of Alertmanager's API v2.

    Args:
        notice: that it fires, or that it is over.
        receiver: that it is sent to.
        ends_at: stamp; in the past for an alert that is over.
    """
    alert = notice.alert
    event, urls = alert.event, _urls(alert, receiver)
    annotations = {
        "summary": f"{event.console}: {event.title}",
        "title": event.title,
        "boot": "" if event.boot is None else str(event.boot),
        "kernel": alert.kernel,
        "excerpt": alert.excerpt,
        "runbook_url": urls["runbook_url"],
        "command": _read_more(event),
        "held_back": str(notice.held_back or ""),
    }
    found: dict[str, Any] = {
        "labels": labels_of(alert, receiver),
        "annotations": {name: text for name, text in annotations.items() if text},
        "startsAt": format_stamp(alert.since),
        "endsAt": format_stamp(ends_at),
    }
    return found | ({"generatorURL": urls["link"]} if urls["link"] else {})


@dataclass(frozen=True, slots=True)
class Envelope:
    """A notice as a webhook or a program gets it."""

    id: str
    console: str
    body: bytes


def envelope(notice: Notice, receiver: ReceiverConfig, host: str) -> Envelope:
    """Return a notice as JSON: the event's object, and what is known around it.

    Args:
        notice: what to send.
        receiver: that it is sent to.
        host: the machine that solrecd runs on.
    """
    alert = notice.alert
    content = {
        **alert.event.as_dict(),
        "version": 1,
        "id": notice.id,
        "status": notice.phase.value,
        "receiver": receiver.name,
        "host": host,
        "labels": labels_of(alert, receiver),
        "since": format_stamp(alert.since),
        "sent": format_stamp(notice.at),
        "count": alert.count,
        "held_back": notice.held_back,
        "kernel": alert.kernel,
        "excerpt": alert.excerpt,
        "command": _read_more(alert.event),
        **_urls(alert, receiver),
    }
    body = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
    return Envelope(notice.id, alert.event.console, body)


def signature(secret: Secret, timestamp: str, body: bytes) -> str:
    """Return the value of ``X-Solrecd-Signature``.

    Args:
        secret: shared with the receiver.
        timestamp: the value of ``X-Solrecd-Timestamp``: seconds since the epoch. It is
            signed as well, so that an old request cannot be sent again.
        body: of the request.
    """
    message = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.reveal(), message, hashlib.sha256).hexdigest()


def headers(content: Envelope, secret: Secret | None, now: int) -> Mapping[str, str]:
    """Return the headers of a webhook's request.

    Args:
        content: what is sent.
        secret: None: unsigned.
        now: seconds since the epoch.
    """
    found = {"Content-Type": "application/json", "Idempotency-Key": content.id}
    if secret is not None:
        timestamp = str(now)
        found["X-Solrecd-Timestamp"] = timestamp
        found["X-Solrecd-Signature"] = signature(secret, timestamp, content.body)
    return found
