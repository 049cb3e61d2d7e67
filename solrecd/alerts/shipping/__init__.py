"""Ships what consoles print, out of the archive.

The archive is the queue: every console has a position in its own text segments, and
what a receiver has not taken yet is simply still to be read. An outage of an hour costs
nothing, a restart goes on where it ended, and no console waits for anything here.
Entries are sent at least once: what was taken just before a crash may come twice, with
the same times.

- `reading`     entries behind a position
- `receiver`    what differs between kinds of receivers
- `positions`   where each console stands, on the disk
- `shipper`     the task that does it: batches, retries
- `service`     the same with a real connection
"""

from solrecd.alerts.shipping.receiver import Answer, Receiver, Stream
from solrecd.alerts.shipping.service import ship_to
from solrecd.alerts.shipping.shipper import Shipper, ShipperContext

__all__ = ["Answer", "Receiver", "Shipper", "ShipperContext", "Stream", "ship_to"]
