"""The daemon's own log, and what happens on consoles as far as it tells that.

- `setup`      the only place that configures structlog: forms, secrets, escapes
- `journald`   the journal's native protocol: entries with fields, over a socket
- `entries`    what an entry is made of: field names, priorities, message ids
"""

from solrecd.process.log.journald import open_journal
from solrecd.process.log.setup import configure

__all__ = ["configure", "open_journal"]
