"""The alerts of one receiver: they fire, continue, and are resolved.

An alert is over when its *end* comes, which depends on what it is of:

- a **failure**: when its boot recovers, or a later boot is a good one; and, where no
  boot failed of it, `ReceiverConfig.resolve_after` its last event;
- a boot that is **stuck**: when it moves on, or another begins;
- a **session** that is not up: when the session's state is another one;
- everything else, `resolve_after` its last event.

A receiver that was notified that an alert fires is notified once that it is over. An
event of an alert that was sent within the damping's window is counted; when the alert
still fires at the end of the window and was not sent since it began, it is sent then.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from solrecd.alerts.alert import Alert, AlertKey, Context, Moment, Notice, Phase, key_of
from solrecd.alerts.damping import DIFFERENT, Damper
from solrecd.alerts.matching import is_deliberate, matches
from solrecd.config import ReceiverConfig
from solrecd.events.boots import Boot, Outcome
from solrecd.events.event import Event, Kind
from solrecd.events.sessions import SessionState

MAX_FIRING = 10_000
"""Alerts that fire at once, with their excerpts 50 MB; beyond that none is sent."""

_NOT_UP = frozenset(
    {SessionState.DOWN.value, SessionState.FOREIGN.value, SessionState.YIELDED.value}
)
_GOING_ON = frozenset({Outcome.RUNNING, Outcome.OK})


@dataclass(slots=True)
class _Firing:
    """An alert that fires."""

    alert: Alert
    last: float
    """Monotonic time of its newest event."""
    notified: bool = False
    """The receiver knows that it fires."""
    boot_failed: bool = False
    """Its boot failed since."""


class Watch:
    """Decides what one receiver is notified of.

    Args:
        config: of the receiver.
    """

    def __init__(self, config: ReceiverConfig) -> None:
        self.config = config
        self._damper = Damper(config.damping or 0.0)
        self._consoles: dict[str, dict[AlertKey, _Firing]] = {}
        self._count = 0
        self.held_back = 0
        """Events that were never sent."""
        self.crowded_out = 0
        """Of these, events that found `MAX_FIRING` alerts firing."""

    @property
    def firing(self) -> Iterator[Alert]:
        """The alerts that fire and that the receiver knows of."""
        for entry in self._entries():
            if entry.notified:
                yield entry.alert

    def __len__(self) -> int:
        return self._count

    def configure(self, config: ReceiverConfig) -> None:
        """Take a new configuration; the alerts go on."""
        self.config = config
        self._damper.window = config.damping or 0.0

    def wants(self, event: Event, context: Context, now: float) -> bool:
        """Whether `take` would return a notice of it at once."""
        if not matches(self.config.selection, event, context.labels):
            return False
        return self._damper.admits(key_of(event), now)

    # What happens.

    def take(self, event: Event, context: Context, moment: Moment) -> list[Notice]:
        """Take an event; return the notices to send."""
        notices: list[Notice] = []
        if event.kind is Kind.SESSION:
            notices += self._end_sessions(event, moment)
        if matches(self.config.selection, event, context.labels):
            notices += self._fire(event, context, moment)
        return notices

    def take_boot(self, boot: Boot, moment: Moment) -> list[Notice]:
        """Take what is known of a boot; return the notices to send."""
        firing = self._consoles.get(boot.console, {})
        return self._end(
            (k for k, e in firing.items() if _is_ended_by(e, boot)), moment
        )

    def forget(self, console: str, moment: Moment) -> list[Notice]:
        """End everything of a console that was removed."""
        self._damper.forget(console)
        return self._end(self._consoles.get(console, ()), moment)

    def tick(self, moment: Moment) -> list[Notice]:
        """Do what is due; return the notices to send."""
        notices: list[Notice] = []
        due = [e for e in self._entries() if self._due(e) <= moment.now]
        for entry in due:
            key = key_of(entry.alert.event)
            if self._expires(entry) <= moment.now:
                notices += self._end([key], moment)
            elif self._damper.admits(key, moment.now):
                notices += self._notify(key, entry, moment)
        return notices

    def restore(self, alerts: Iterable[Alert], moment: Moment) -> None:
        """Continue with alerts that an earlier daemon sent."""
        for alert in alerts:
            key = key_of(alert.event)
            if self._has_room(key):
                self._keep(key, _Firing(alert, moment.now, notified=True))
                self._damper.note_sent(key, moment.now)

    # Firing.

    def _fire(self, event: Event, context: Context, moment: Moment) -> list[Notice]:
        key = key_of(event)
        entry = self._consoles.get(event.console, {}).get(key)
        if entry is None:
            if not self._has_room(key):
                self._damper.take(key, moment.now)
                self.held_back += 1
                return []
            alert = Alert(event, event.time, *context)
            entry = self._keep(key, _Firing(alert, moment.now))
        else:
            alert = entry.alert
            entry.last = moment.now
            excerpt = context.excerpt or alert.excerpt
            entry.alert = replace(
                alert, event=event, excerpt=excerpt, count=alert.count + 1
            )
        return self._notify(key, entry, moment)

    def _notify(self, key: AlertKey, entry: _Firing, moment: Moment) -> list[Notice]:
        held = self._damper.take(key, moment.now)
        if held is None:
            self.held_back += 1
            return []
        entry.notified = True
        return [Notice(Phase.FIRING, entry.alert, moment.at, held)]

    def _has_room(self, key: AlertKey) -> bool:
        if self._count >= MAX_FIRING:
            self.crowded_out += 1
            return False
        return len(self._consoles.get(key.console, ())) < DIFFERENT

    def _keep(self, key: AlertKey, entry: _Firing) -> _Firing:
        self._consoles.setdefault(key.console, {})[key] = entry
        self._count += 1
        return entry

    # Ending.

    def _end_sessions(self, event: Event, moment: Moment) -> list[Notice]:
        """A console has one session, and its state is another one now."""
        if event.name not in set(SessionState) or is_deliberate(event):
            return []
        firing = self._consoles.get(event.console, ())
        is_session = Kind.SESSION.value
        over = (k for k in firing if k.kind == is_session and k.name != event.name)
        return self._end(over, moment)

    def _end(self, keys: Iterable[AlertKey], moment: Moment) -> list[Notice]:
        ended = [self._drop(key) for key in list(keys)]
        return [
            Notice(Phase.RESOLVED, entry.alert, moment.at)
            for entry in ended
            if entry.notified
        ]

    def _drop(self, key: AlertKey) -> _Firing:
        firing = self._consoles[key.console]
        entry = firing.pop(key)
        self._count -= 1
        if not firing:
            del self._consoles[key.console]
        return entry

    def _entries(self) -> Iterator[_Firing]:
        for firing in self._consoles.values():
            yield from firing.values()

    def _expires(self, entry: _Firing) -> float:
        return (
            math.inf if _has_an_end(entry) else entry.last + self.config.resolve_after
        )

    def _due(self, entry: _Firing) -> float:
        expires = self._expires(entry)
        if entry.notified:
            return expires
        return min(expires, self._damper.due(key_of(entry.alert.event)))


def _has_an_end(entry: _Firing) -> bool:
    """Whether something will happen that ends it: time does not."""
    event = entry.alert.event
    match event.kind:
        case Kind.STUCK:
            return True
        case Kind.SESSION:
            return event.name in _NOT_UP
        case Kind.FAILURE:
            return entry.boot_failed
        case _:
            return False


def _is_ended_by(entry: _Firing, boot: Boot) -> bool:
    event = entry.alert.event
    is_later = event.boot is not None and boot.boot > event.boot
    if event.kind is Kind.STUCK:
        is_same = boot.boot == event.boot
        return is_later or (is_same and boot.outcome is not Outcome.STUCK)
    if event.kind is not Kind.FAILURE:
        return False
    if is_later or event.boot is None:
        return boot.outcome is Outcome.OK
    if boot.boot != event.boot:
        return False
    was_failed, entry.boot_failed = entry.boot_failed, boot.outcome is Outcome.FAILED
    return was_failed and boot.outcome in _GOING_ON
