"""Ships what consoles print to Grafana Loki.

Loki keeps an entry with the same time and text only once.

- `payload`     entries as Loki's push API takes them
- `service`     the receiver that a configuration means
"""

from solrecd.alerts.loki.service import receiver, ship

__all__ = ["receiver", "ship"]
