"""Alerts: events that must not wait for a scrape, and the receivers that get them.

The modules here are pure: times are handed in, monotonic ones as ``float`` seconds,
those of the wall clock as stamps. `senders` delivers, `loki` ships logs.

- `alert`     an alert, and a notice of it
- `matching`  which events a receiver selects
- `damping`   repeats of the same alert are held back for a while
- `watch`     the alerts of one receiver: they fire, continue, and are resolved
- `excerpt`   what the console printed before it happened
- `payload`   what goes over the wire
- `saved`     the alerts that go on, as a restart finds them again
"""

from solrecd.alerts.alert import Alert, Moment, Notice, Phase
from solrecd.alerts.watch import Watch

__all__ = ["Alert", "Moment", "Notice", "Phase", "Watch"]
