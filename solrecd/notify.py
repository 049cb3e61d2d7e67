"""Tells systemd how the service is: the only part that knows sdnotify.

sdnotify gives us the connected socket and nothing more: its own ``notify`` would block
the event loop, cannot send more than Latin-1 and hides every error.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from sdnotify import SystemdNotifier

MAX_STATUS = 1024
"""Characters of a status: it is one line in ``systemctl status``."""


class Notifier:
    """Speaks sd_notify(3); without a socket every method does nothing.

    Nothing here blocks or raises: a service manager that does not listen is no reason
    to stop recording. A message that does not fit into the socket's queue is dropped;
    the next watchdog ping comes by itself.

    Args:
        channel: connected datagram socket, owned by this object from here on.
        watchdog_interval: see the attribute.
        monotonic_ns: CLOCK_MONOTONIC, which systemd compares a reload with.
    """

    def __init__(
        self,
        channel: socket.socket | None = None,
        *,
        watchdog_interval: float | None = None,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.watchdog_interval = watchdog_interval
        """Seconds between two pings, half of what systemd allows; None: no watchdog."""
        self._channel = channel
        self._monotonic_ns = monotonic_ns
        if channel is not None:
            channel.setblocking(False)

    def ready(self) -> None:
        """Say that the start, or a reload, is complete."""
        self._send("READY=1")

    def reloading(self) -> None:
        """Say that a reload has begun; `ready` ends it."""
        # Both in one datagram, or Type=notify-reload ignores the first.
        self._send(f"RELOADING=1\nMONOTONIC_USEC={self._monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Say that the service is on its way out."""
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """Show one line of text in ``systemctl status``."""
        line = " ".join(text.split())
        self._send(f"STATUS={line[:MAX_STATUS]}")

    def watchdog(self) -> None:
        """Say that the service is alive; to be called each `watchdog_interval`."""
        self._send("WATCHDOG=1")

    def close(self) -> None:
        """Close the socket; later messages go nowhere."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _send(self, message: str) -> None:
        if self._channel is not None:
            with suppress(OSError):
                self._channel.send(message.encode(errors="replace"))


def connect(environ: Mapping[str, str] = os.environ) -> Notifier:
    """Return the notifier of this process's service manager.

    Args:
        environ: tells the watchdog's time and whether there is a socket at all; which
            one it is, sdnotify itself reads from the environment of the process.
    """
    # Outside systemd, sdnotify would leave an open socket behind.
    channel = SystemdNotifier().socket if environ.get("NOTIFY_SOCKET") else None
    return Notifier(channel, watchdog_interval=_watchdog_interval(environ))


def _watchdog_interval(environ: Mapping[str, str]) -> float | None:
    """Return half of WATCHDOG_USEC in seconds, as sd_watchdog_enabled(3) advises."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    text = environ.get("WATCHDOG_USEC", "")
    if not text.isdecimal() or not int(text):
        return None
    return int(text) / 1_000_000 / 2
