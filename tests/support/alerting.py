"""Events, boots and receivers for the tests of alerts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import trio

from solrecd.alerts import Moment
from solrecd.alerts.senders.alertmanager import Alertmanager
from solrecd.config import ReceiverConfig, Selection
from solrecd.events.boots import Boot, Outcome
from solrecd.events.event import Event, Kind, Severity
from solrecd.process.stamps import SECOND

EPOCH = 1_700_000_000 * SECOND
"""Stamp at which every test begins."""

EVERYTHING = Selection(kinds=tuple(Kind), severity=Severity.INFO)


def moment(now: float) -> Moment:
    """Return a time, in seconds since the test began."""
    return Moment(now, EPOCH + int(now * SECOND))


def event(
    name: str = "panic",
    *,
    console: str = "n1",
    at: float = 0.0,
    kind: Kind = Kind.FAILURE,
    boot: int | None = 7,
    **changes: Any,
) -> Event:
    """Return an event, a panic unless it is told to be another."""
    given: Mapping[str, Any] = {
        "severity": Severity.FATAL,
        "title": f"{name} of a test",
        "signature": "abc",
        **changes,
    }
    stamp = EPOCH + int(at * SECOND)
    return Event(stamp, console, kind, name, boot=boot, **given)


def session(state: str, *, console: str = "n1", reason: str = "bmc_timeout") -> Event:
    """Return a change of a session's state."""
    fields = {} if state == "up" else {"reason": reason}
    severity = Severity.INFO if state == "up" else Severity.ERROR
    return event(
        state,
        console=console,
        kind=Kind.SESSION,
        severity=severity,
        signature=None,
        fields=fields,
    )


def boot(outcome: Outcome, number: int = 7, *, console: str = "n1") -> Boot:
    """Return what is known of a boot."""
    return Boot(console, number, EPOCH, outcome=outcome)


def receiver(name: str = "am", **changes: Any) -> ReceiverConfig:
    """Return an Alertmanager that is told of everything, unless it is another."""
    given: dict[str, Any] = {
        "target": Alertmanager(urls=("http://127.0.0.1:9",)),
        "selection": EVERYTHING,
        **changes,
    }
    return ReceiverConfig(name=name, **given)


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that real sockets, disks or programs bring about."""
    with trio.fail_after(30):
        while not condition():  # noqa: ASYNC110 - nothing signals it
            await trio.sleep(0.01)
