"""A blocking UDP socket around one `Session`: all the I/O an engine test needs."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from solrecd.sources.ipmi.protocol.events import (
    LoggedIn,
    SessionEvent,
    SessionLost,
    SolActivated,
    SolData,
    SolRefused,
)
from solrecd.sources.ipmi.protocol.options import SessionOptions
from solrecd.sources.ipmi.protocol.session import Session

E = TypeVar("E", bound=SessionEvent)

_DATAGRAM_MAX = 65535
_ROUND = 0.05
"""Seconds that one wait for a datagram may take, so that timers are kept."""


class Pump:
    """Carries one session's datagrams, acknowledges its output and keeps its events."""

    def __init__(self, address: tuple[str, int], options: SessionOptions) -> None:
        """Open a socket; nothing is sent before `log_in`."""
        self.session = Session(
            options,
            token_bytes=secrets.token_bytes,
            session_id=secrets.randbits(31) | 0x10,
        )
        self.output = bytearray()
        self.events: list[SessionEvent] = []
        """Everything but output, in order."""
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.connect(address)

    def __enter__(self) -> Self:
        """Return the pump itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Say goodbye unless the session is lost, and close the socket."""
        if not any(isinstance(event, SessionLost) for event in self.events):
            self.session.close(time.monotonic())
            self.wait(SessionLost, seconds=3)
        self._socket.close()

    def log_in(self) -> LoggedIn | SessionLost:
        """Open the session and return how that went."""
        self.session.open(time.monotonic())
        event = self.wait_any(LoggedIn, SessionLost)
        assert isinstance(event, LoggedIn | SessionLost)
        return event

    def activate(self) -> SolActivated | SolRefused | SessionLost:
        """Ask for the payload and return how that went."""
        self.session.activate(time.monotonic())
        event = self.wait_any(SolActivated, SolRefused, SessionLost)
        assert isinstance(event, SolActivated | SolRefused | SessionLost)
        return event

    def request(self, netfn: int, command: int, data: bytes = b"") -> int:
        """Send a command and return its ticket."""
        return self.session.request(netfn, command, data, time.monotonic())

    def write(self, data: bytes) -> None:
        """Type on the console."""
        self.session.write(data, time.monotonic())

    def wait(self, wanted: type[E], *, seconds: float = 10) -> E:
        """Pump until an event of this type comes, and return it.

        Raises:
            TimeoutError: it did not come.
        """
        event = self.wait_any(wanted, seconds=seconds)
        assert isinstance(event, wanted)
        return event

    def wait_any(self, *wanted: type[Any], seconds: float = 10) -> SessionEvent:
        """Pump until an event of one of these types comes, and return it.

        Raises:
            TimeoutError: none came.
        """
        start = len(self.events)

        def found() -> Sequence[SessionEvent]:
            return [e for e in self.events[start:] if isinstance(e, wanted)]

        self.until(lambda: bool(found()), seconds=seconds)
        return found()[0]

    def until(self, condition: Callable[[], bool], *, seconds: float = 10) -> None:
        """Pump until ``condition`` holds.

        Raises:
            TimeoutError: it never did; says which events there were.
        """
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"not within {seconds} s; events: {self.events}")
            self._round()

    def run(self, seconds: float) -> None:
        """Pump for that long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._round()

    def _round(self) -> None:
        self._flush()
        now = time.monotonic()
        deadline = self.session.deadline
        wait = _ROUND if deadline is None else min(_ROUND, max(deadline - now, 0.001))
        self._socket.settimeout(wait)
        try:
            datagram = self._socket.recv(_DATAGRAM_MAX)
        except (TimeoutError, ConnectionRefusedError):
            self._take(self.session.expire(time.monotonic()))
        else:
            self._take(self.session.receive(datagram, time.monotonic()))
            self._take(self.session.expire(time.monotonic()))
        self._flush()

    def _take(self, events: Sequence[SessionEvent]) -> None:
        for event in events:
            if isinstance(event, SolData):
                self.output += event.data
                self.session.acknowledge()
            else:
                self.events.append(event)

    def _flush(self) -> None:
        for datagram in self.session.datagrams():
            try:
                self._socket.send(datagram)
            except ConnectionRefusedError:
                continue  # told about an earlier one; the engine's timers handle it
