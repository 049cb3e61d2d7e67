"""Tells people, and what they have put up to be told: one task for each receiver.

- `sink`          takes events, and has all the others
- `dispatcher`    decides who hears of what; `inbox` is in front of it
- `members`       the receivers as they are configured now
- `firing_file`   what fires, for the next daemon
- `excerpts`      reads what a console printed, in the archive
- `sender`        what all senders have in common
- `waiting`       notices for a receiver that is told one after the other
- `http`          the one place that speaks HTTP to others
- `alertmanager`  Prometheus Alertmanager's API v2
- `webhook`       JSON to somebody's own server; `spool` is the queue on the disk
- `hook`          a program of somebody's own

Nothing in here waits for anybody in front of it: every buffer is bounded, and a
receiver that hangs costs its own notices and no one else's.
"""

from solrecd.alerts.senders.sender import Receipt, ReceiverStatistics, Tools
from solrecd.alerts.senders.sink import AlertSink

__all__ = ["AlertSink", "Receipt", "ReceiverStatistics", "Tools"]
