"""Events that must not wait for a scrape: who is told what, when, and when it is over.

Pure: times are handed in. Monotonic times are ``float`` seconds, stamps what people
read.

- `model`     an alert, and a notice of it
- `matching`  which events a receiver hears of
- `damping`   the same thing on the same console is told once in a while
- `watch`     the alerts of one receiver: they fire, go on, and are resolved
- `excerpt`   what the console printed before it happened
- `payload`   what goes over the wire
- `saved`     the alerts that go on, as a restart finds them again
"""

from solrecd.alerts.alert import Alert, Moment, Notice, Phase
from solrecd.alerts.watch import Watch

__all__ = ["Alert", "Moment", "Notice", "Phase", "Watch"]
