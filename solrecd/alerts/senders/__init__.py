"""Delivers alerts to receivers: one task for each.

- `table`         all kinds of receivers; `kind` says what one is
- `sink`          takes events, and has all the others
- `dispatcher`    decides who hears of what; `inbox` is in front of it
- `members`       the receivers as they are configured now
- `firing_file`   what fires, for the next daemon
- `excerpts`      reads what a console printed, in the archive
- `sender`        what all senders have in common
- `queued`        what senders have in common that tell one notice after the other
- `http_sender`   the one place that speaks HTTP to others
- `alertmanager`  a kind: Prometheus Alertmanager's API v2
- `webhook`       a kind: JSON to a server; `spool` is the queue on the disk
- `hook`          a kind: a program

A new kind of receiver is one file like the last three, and one line in `table`.

Nothing in here makes a console wait: every buffer is bounded, and a receiver that hangs
costs its own notices and no other's.
"""

from solrecd.alerts.senders.sender import Receipt, ReceiverStatistics, Tools
from solrecd.alerts.senders.sink import AlertSink

__all__ = ["AlertSink", "Receipt", "ReceiverStatistics", "Tools"]
