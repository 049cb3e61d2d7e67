"""Prometheus metrics: the only part that knows prometheus_client.

- `families`    the catalogue: name, type, help and labels of everything exported
- `family`      what an entry of it is
- `tally`       a counter of the daemon's, for whoever has something to count
- `signatures`  notices a crash that spreads over the fleet
- `exposition`  what does not grow with the fleet, in Prometheus's formats
- `series`      what each console has, for hundreds of consoles at once
- `histogram`   a histogram cheap enough for every datagram
- `console`     the numbers of one console: plain attributes that the hot path adds to
- `alerts`      the receivers of alerts
- `fleet`       all consoles, the daemon and the process; renders a scrape
- `negotiation` which format, and whether compressed
- `app`         the HTTP side

To add a family: declare it in `families` (the constant and ``CATALOGUE``), then take
what counts it from the daemon's `Metrics`, in the composition root::

    deliveries = metrics.tally(families.DELIVERIES, [("webhook", "failed"), ...])
    sink = Webhook(..., delivered=deliveries.add)     # add("webhook", "failed")

so that the part that counts needs no import of this package. All label values that are
known beforehand are given at once: their series exist at 0 from the first scrape on.
A gauge is sampled: `Metrics.gauge` takes a function that returns the values of now.
`declared` lists all families, for whatever must not use others.
"""

from solrecd.metrics.alerts import sample_alerts
from solrecd.metrics.app import metrics_app
from solrecd.metrics.console import ConsoleMetrics
from solrecd.metrics.families import declared
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
