"""Tells systemd how the service is: the only part that knows sdnotify.

sdnotify sends every message, on a socket that does not block, or the event loop would
wait for the service manager. What it cannot do is to pass descriptors along with a
message, so that alone is done here, on its socket: systemd keeps some for us while we
are away (sd_pid_notify_with_fds(3), sd_listen_fds_with_names(3)). Each has a name of
its own: two under one name come back in either order.
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType

import trio
from sdnotify import SystemdNotifier

from solrecd.process.programs import run_program

MAX_STATUS = 1024
"""Characters of a status: it is one line in ``systemctl status``."""

MAX_STORING = 8192
"""Messages about descriptors that may wait for room in the socket's queue."""

MAX_NAMES = 96 * 1024
"""Bytes of the names of all stored descriptors: the next process finds them in one
environment variable, and Linux starts no program with one of 128 KiB (execve(2))."""

FIRST_DESCRIPTOR = 3
"""SD_LISTEN_FDS_START."""

ASK_TIMEOUT = 5.0
"""Seconds for systemctl to say why we are to stop; then we stop as if for good. It says
so within 50 ms, but not on a machine that swaps; meanwhile we record."""

_RESTARTS = frozenset({"restart", "try-restart", "reload-or-restart"})
"""Jobs that end with a new process of ours."""


class Notifier:
    """Speaks sd_notify(3); without a socket every method does nothing.

    Nothing here blocks or raises: recording goes on if the service manager does not
    listen. A message that does not fit into the socket's queue is dropped;
    the next watchdog ping comes by itself.

    Args:
        systemd: connected; its socket is this object's from here on.
        watchdog_interval: see the attribute.
        monotonic_ns: CLOCK_MONOTONIC, which systemd compares a reload with.
        inherited: see the attribute.
        unit: our name for systemctl; empty: it cannot be asked.
    """

    def __init__(
        self,
        systemd: SystemdNotifier | None = None,
        *,
        watchdog_interval: float | None = None,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
        inherited: Mapping[str, int] = MappingProxyType({}),
        unit: str = "",
    ) -> None:
        self.watchdog_interval = watchdog_interval
        """Seconds between two pings, half of what systemd allows; None: no watchdog."""
        self.inherited = inherited
        """Descriptors that an earlier process stored here, by name; ours now."""
        self._unit = unit
        self._systemd = systemd
        self._names = set(inherited)
        """Of what is stored."""
        self._room = MAX_NAMES - sum(map(_room_of, inherited))
        """Bytes for more of them."""
        self._storing: deque[tuple[str, int | None]] = deque(maxlen=MAX_STORING)
        self._monotonic_ns = monotonic_ns
        if systemd is not None:
            systemd.socket.setblocking(False)

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
        self._store_waiting()

    # Descriptors.

    @property
    def keeps_descriptors(self) -> bool:
        """The service manager may keep descriptors while we restart."""
        return self._systemd is not None

    def store(self, name: str, fd: int) -> None:
        """Store a descriptor, under a unique name; not where too many are."""
        if name not in self._names:
            if self._room < _room_of(name):
                return
            self._names.add(name)
            self._room -= _room_of(name)
        # FDPOLL=0, or systemd would drop a socket for an ICMP error queued on it.
        self._storing.append((f"FDSTORE=1\nFDNAME={name}\nFDPOLL=0", fd))
        self._store_waiting()

    def unstore(self, name: str) -> None:
        """Let the service manager close a stored descriptor."""
        if name in self._names:
            self._names.remove(name)
            self._room += _room_of(name)
        self._storing.append((f"FDSTOREREMOVE=1\nFDNAME={name}", None))
        self._store_waiting()

    async def will_restart(self) -> bool:
        """Whether the stop that was asked of us is the first half of a restart.

        A service is not told. systemd's queue is the only place that knows: while we
        stop, the job there is "restart"; it becomes "start" when we are gone. Where
        there is no answer (no D-Bus, no systemctl), or nothing was stored, it counts as
        a final stop.
        """
        if not self._unit or self._systemd is None:
            return False
        with trio.move_on_after(ASK_TIMEOUT):
            return await self._stores_something() and await self._has_restart_job()
        return False

    async def restarts(self) -> int:
        """Return how often the service manager restarted us by itself.

        Since the unit was started by hand; 0 where that is unknown.
        """
        if not self._unit or self._systemd is None:
            return 0
        with trio.move_on_after(ASK_TIMEOUT):
            shown = await _ask_systemd("show", "--property=NRestarts", self._unit)
            found = re.search(r"^NRestarts=(\d{1,9})$", shown, re.MULTILINE)
            return int(found[1]) if found else 0
        return 0

    async def _stores_something(self) -> bool:
        shown = await _ask_systemd(
            "show", "--property=NFileDescriptorStore", self._unit
        )
        return bool(re.search(r"^NFileDescriptorStore=[1-9]", shown, re.MULTILINE))

    async def _has_restart_job(self) -> bool:
        jobs = await _ask_systemd("list-jobs", "--plain", "--no-legend", self._unit)
        return any(
            fields[1] == self._unit and fields[2] in _RESTARTS
            for line in jobs.splitlines()
            if len(fields := line.split()) > 2
        )

    def _store_waiting(self) -> None:
        """Send what waits, in order; the queue of the socket may be short."""
        while self._storing and self._systemd is not None:
            message, fd = self._storing[0]
            descriptors = [] if fd is None else [fd]
            try:
                socket.send_fds(self._systemd.socket, [message.encode()], descriptors)
            except BlockingIOError:
                return
            except OSError:
                pass  # no listener, or the descriptor was closed meanwhile
            self._storing.popleft()

    def close(self) -> None:
        """Close the socket; later messages go nowhere."""
        if self._systemd is not None:
            self._systemd.socket.close()
            self._systemd = None

    def _send(self, message: str) -> None:
        if self._systemd is not None:
            # It sends Latin-1, through which the bytes of UTF-8 pass as they are.
            self._systemd.notify(message.encode(errors="replace").decode("latin-1"))


def connect(environ: Mapping[str, str] = os.environ) -> Notifier:
    """Return the notifier of this process's service manager.

    Args:
        environ: tells the watchdog's time and whether there is a socket at all; which
            one it is, sdnotify itself reads from the environment of the process.
    """
    return Notifier(
        _service_manager(environ),
        watchdog_interval=_watchdog_interval(environ),
        inherited=inherited_descriptors(environ),
        unit=environ.get("SOLRECD_UNIT", ""),
    )


def _service_manager(environ: Mapping[str, str]) -> SystemdNotifier | None:
    """Return the connected service manager; None where there is none to be reached."""
    # Without an address sdnotify would leave an open socket behind.
    if not environ.get("NOTIFY_SOCKET"):
        return None
    found = SystemdNotifier()
    return None if found.socket is None else found


def inherited_descriptors(environ: Mapping[str, str]) -> dict[str, int]:
    """Return the descriptors that the service manager passed to us, by name.

    They are closed in programs that we run. Two under one name cannot be told apart:
    only the last counts. Sockets that systemd listens on for us come here as well.
    """
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return {}
    count = environ.get("LISTEN_FDS", "")
    descriptors = range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + _number(count))
    for fd in descriptors:
        with suppress(OSError):
            os.set_inheritable(fd, False)
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    return dict(zip(names, descriptors, strict=False))


def _room_of(name: str) -> int:
    """Return the bytes that a name takes, with the colon between it and the next."""
    return len(name) + 1


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


async def _ask_systemd(*words: str) -> str:
    try:
        ended = await run_program(["systemctl", *words])
    except OSError:
        return ""
    return ended.output.decode(errors="replace")


def _watchdog_interval(environ: Mapping[str, str]) -> float | None:
    """Return half of WATCHDOG_USEC in seconds, as sd_watchdog_enabled(3) advises."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    text = environ.get("WATCHDOG_USEC", "")
    if not text.isdecimal() or not int(text):
        return None
    return int(text) / 1_000_000 / 2
