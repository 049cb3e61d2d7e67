"""The numbers of the receivers of alerts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from solrecd.metrics.daemon import DaemonMetrics
from solrecd.metrics.samples import Samples, Source


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
        """Events that it was not sent, because it was sent the same just before."""

    @property
    def waiting(self) -> int:
        """Notices that wait."""

    @property
    def firing(self) -> int:
        """Alerts that go on."""

    @property
    def works(self) -> bool:
        """Whether it accepted what it was sent last."""


Receivers = Callable[[], Mapping[str, ReceiverNumbers]]


def sample_alerts(
    metrics: DaemonMetrics, receivers: Receivers, dropped: Callable[[], int]
) -> None:
    """Have the numbers of all receivers in each scrape from now on.

    Args:
        metrics: of the daemon.
        receivers: returns the numbers of now, by the receiver's name.
        dropped: returns the events that no receiver was sent.
    """

    def each(value: Callable[[ReceiverNumbers], int]) -> Source:
        return lambda: {(name,): value(one) for name, one in receivers().items()}

    def notices() -> Samples:
        return {
            (name, result): count
            for name, one in receivers().items()
            for result, count in _results(one).items()
        }

    metrics.alert_notices = notices
    metrics.alert_queue = each(lambda one: one.waiting)
    metrics.alerts_firing = each(lambda one: one.firing)
    metrics.alert_receiver_up = each(lambda one: int(one.works))
    metrics.alert_events_dropped = lambda: {(): dropped()}


def _results(one: ReceiverNumbers) -> Mapping[str, int]:
    return {
        "delivered": one.delivered,
        "failed": one.failed,
        "dropped": one.dropped,
        "held_back": one.held_back,
    }
