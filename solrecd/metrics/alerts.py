"""The numbers of those who are told of alerts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from solrecd.metrics import families as f
from solrecd.metrics.fleet import Metrics

_RESULTS = ("delivered", "failed", "dropped", "held_back")


class ReceiverNumbers(Protocol):
    """What is known of one receiver; the sinks' statistics fit it."""

    @property
    def delivered(self) -> int:
        """Notices that it took."""

    @property
    def failed(self) -> int:
        """Tries that failed."""

    @property
    def dropped(self) -> int:
        """Notices that it will never have."""

    @property
    def held_back(self) -> int:
        """Events that it was not told of, because it was told the same just before."""

    @property
    def waiting(self) -> int:
        """Notices that wait."""

    @property
    def firing(self) -> int:
        """Alerts that go on."""

    @property
    def works(self) -> bool:
        """Whether it took what it was told last."""


Receivers = Callable[[], Mapping[str, ReceiverNumbers]]


def sample_alerts(
    metrics: Metrics, receivers: Receivers, dropped: Callable[[], int]
) -> None:
    """Have the numbers of all receivers in each scrape from now on.

    Args:
        metrics: of the daemon.
        receivers: returns the numbers of now, by the receiver's name.
        dropped: returns the events that nobody was told of.
    """

    def gauge(value: Callable[[ReceiverNumbers], int]) -> Callable[[], _Samples]:
        return lambda: {(name,): value(one) for name, one in receivers().items()}

    def notices() -> _Samples:
        return {
            (name, result): getattr(one, result)
            for name, one in receivers().items()
            for result in _RESULTS
        }

    metrics.gauge(f.ALERT_NOTICES, notices)
    metrics.gauge(f.ALERT_QUEUE, gauge(lambda one: one.waiting))
    metrics.gauge(f.ALERTS_FIRING, gauge(lambda one: one.firing))
    metrics.gauge(f.ALERT_RECEIVER_UP, gauge(lambda one: int(one.works)))
    metrics.gauge(f.ALERT_EVENTS_DROPPED, lambda: {(): dropped()})


_Samples = Mapping[tuple[str, ...], float]
