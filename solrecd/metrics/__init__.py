"""Prometheus metrics: the only part that knows prometheus_client.

- `family`       what a metric family is, and how one is declared
- `console`      the numbers of one console: plain attributes that the hot path adds to
- `daemon`       the numbers of the daemon
- `catalogue`    all families
- `series`       what each console has, written for hundreds of consoles at once
- `samples`      what does not grow with the fleet; `exposition` writes it
- `tally`        a counter of the daemon's
- `histogram`    a histogram cheap enough for every datagram
- `signatures`   notices a crash that spreads over the fleet
- `alerts`       the receivers of alerts
- `fleet`        all consoles, the daemon and the process; renders a scrape
- `negotiation`  which format, and whether compressed
- `app`          the HTTP side

To add a metric, declare it as a field of `console.ConsoleMetrics` or of
`daemon.DaemonMetrics`, and add to that field where it happens::

    deliveries: Tally = tally(
        "solrecd_deliveries_total", "Deliveries, by result.", result=("ok", "failed")
    )

    sink = Sink(..., delivered=metrics.deliveries.add)     # delivered("failed")

so that the part that counts needs no import of this package. All label values that are
known beforehand are declared: their series exist at 0 from the first scrape on. What is
kept elsewhere is sampled: a function that returns the values of now is put into the
field. The reference of the metrics follows from the declarations (``make docs``).
"""

from solrecd.metrics.alerts import sample_alerts
from solrecd.metrics.app import metrics_app
from solrecd.metrics.catalogue import declared
from solrecd.metrics.console import ConsoleMetrics
from solrecd.metrics.family import Family, Format, Type
from solrecd.metrics.fleet import Metrics
from solrecd.metrics.histogram import Histogram
from solrecd.metrics.tally import Tally

__all__ = [
    "ConsoleMetrics",
    "Family",
    "Format",
    "Histogram",
    "Metrics",
    "Tally",
    "Type",
    "declared",
    "metrics_app",
    "sample_alerts",
]
