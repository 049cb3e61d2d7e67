"""The line that ``systemctl status`` shows of the daemon, kept true."""

from __future__ import annotations

import itertools
from typing import Final

import trio

from solrecd.daemon.supervisor import Supervisor
from solrecd.process.systemd import Notifier

EVERY: Final = 5.0
"""Seconds between two looks whether it shows the truth."""

ALL_EVERY: Final = 12
"""Looks after which it is made again though no console has changed: some may have come
or gone."""


async def tell_status(supervisor: Supervisor, notifier: Notifier) -> None:
    """Tell the service manager how many sessions are up, until cancelled.

    Args:
        supervisor: knows the consoles.
        notifier: is told each line that differs from the one before.

    Returns: never by itself.
    """
    told, seen = "", -1
    for look in itertools.count():
        if seen != supervisor.changes or look % ALL_EVERY == 0:
            seen, words = supervisor.changes, supervisor.status_text()
            if words != told:
                notifier.status(words)
                told = words
        await trio.sleep(EVERY)
