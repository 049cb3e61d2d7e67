"""Ships what consoles print to a receiver of OTLP (OpenTelemetry protocol) over HTTP.

- `payload`     entries as log records, in OTLP's JSON
- `service`     the receiver that a configuration means
"""

from solrecd.alerts.otlp.service import receiver, ship

__all__ = ["receiver", "ship"]
