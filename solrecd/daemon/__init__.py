"""The running recorder: what it is built of, and the set of its consoles.

- `daemon`       composition root: builds everything, signals, readiness
- `files`        its journal and index, and the folders they are in
- `supervisor`   the set of consoles: starts, restarts, reloads
- `coverage`     how much of their time consoles were recorded
- `keeping`      copies to an object store, and coverage
- `tending`      one console of it, until its files are finished
"""

from solrecd.daemon.daemon import Daemon

__all__ = ["Daemon"]
