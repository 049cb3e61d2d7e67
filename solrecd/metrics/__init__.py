"""Prometheus metrics: the only part that knows prometheus_client.

- `families`    the catalogue: name, type, help and labels of everything exported
- `exposition`  numbers to Prometheus's text format
- `histogram`   a histogram cheap enough for every datagram
- `console`     the numbers of one console: plain attributes that the hot path adds to
- `fleet`       all consoles, the daemon and the process; renders a scrape
- `app`         the HTTP side
"""

from solrecd.metrics.app import metrics_app
from solrecd.metrics.console import ConsoleMetrics
from solrecd.metrics.fleet import Metrics
from solrecd.metrics.histogram import Histogram

__all__ = ["ConsoleMetrics", "Histogram", "Metrics", "metrics_app"]
