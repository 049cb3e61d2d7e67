"""What a console's source counts on the wire, as metric families."""

from __future__ import annotations

from dataclasses import dataclass

from solrecd.events.wire_counts import Repeat, WireCounts
from solrecd.metrics.series import counter, counters


@dataclass(slots=True)
class WireMetrics(WireCounts):
    """The counts of one console; its source adds to them and knows no metrics."""

    received: int = counter(
        "solrecd_console_datagrams_received_total",
        "Datagrams from the console's BMC, accepted or not.",
    )
    rejected: int = counter(
        "solrecd_console_datagrams_rejected_total",
        "Those of them that were rejected: malformed, forged, replayed, refusals in"
        " a login.",
    )
    send_errors: int = counter(
        "solrecd_console_send_errors_total",
        "Datagrams to the console's BMC that the kernel would not send.",
    )
    repeats: dict[str, int] = counters(
        "solrecd_console_repeats_total",
        "Packets sent more than once, by either end; many mean a lossy network.",
        what=Repeat,
    )
