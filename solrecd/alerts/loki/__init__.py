"""Ships what consoles print to Grafana Loki, out of the archive.

The archive is the queue: every console has a position in its own text segments, and
what Loki has not taken yet is simply still to be read. An outage of an hour costs
nothing, a restart goes on where it ended, and no console waits for anything here.
Entries are sent at least once: what was taken just before a crash may come twice, with
the same times, and Loki keeps an entry with the same time and text only once.

- `reading`     entries behind a position
- `payload`     entries as Loki's push API takes them
- `positions`   where each console stands, on the disk
- `shipper`     the task that does it: batches, retries
- `service`     the same with a real connection
"""

from solrecd.alerts.loki.service import ship
from solrecd.alerts.loki.shipper import Shipper, ShipperContext

__all__ = ["Shipper", "ShipperContext", "ship"]
