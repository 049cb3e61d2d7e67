"""One SoL session on the wire: a `Session` joined to the hub.

Console bytes go straight to the `Recorder`, in the hub's own call: they are recorded
before the packet that brought them is acknowledged. Everything else the session says
(logged in, refused, stolen, lost) waits in a small mailbox for the keeper.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import trio

from solrecd.events import GapReason, LostReason
from solrecd.ipmi.events import (
    LoggedIn,
    SessionEvent,
    SessionLost,
    SolData,
    SolLoss,
)
from solrecd.ipmi.session import Session
from solrecd.link.hub import Hub
from solrecd.link.resolve import Address

MAILBOX = 64
"""Events that may wait for the keeper, which takes them at once; a BMC that causes
more in one wake-up of the loop talks nonsense and loses the session."""


class Recorder(Protocol):
    """Where the bytes of a console go; both methods are called from the hub."""

    def record(self, data: bytes) -> bool:
        """Record console output; False refuses it, and the BMC keeps it for now."""

    def mark_loss(self, reason: GapReason, count: int | None) -> None:
        """Mark that output is missing here; ``count`` is bytes where that is known."""


class SolLink:
    """A session's endpoint. Used by one task; `close` it in any case."""

    def __init__(
        self, hub: Hub, address: Address, session: Session, recorder: Recorder
    ) -> None:
        self.session = session
        self._recorder = recorder
        self._post, self._mail = trio.open_memory_channel[SessionEvent](MAILBOX)
        self.suite: int | None = None
        """Cipher suite of the login; None before it."""
        self.is_over = False
        """The session has ended; nobody is left to say goodbye to."""
        self._bug: Exception | None = None
        self._port = hub.connect(address, self)

    # What the hub calls.

    @property
    def deadline(self) -> float | None:
        """See `Endpoint`."""
        return self.session.deadline

    def receive(self, datagram: bytes, now: float) -> None:
        """See `Endpoint`; the path of every byte."""
        try:
            for event in self.session.receive(datagram, now):
                if type(event) is SolData:
                    if self._recorder.record(event.data):
                        self.session.acknowledge()
                else:
                    self._deliver(event)
        except Exception as error:  # noqa: BLE001 - raised again in the keeper's task
            self._fail(error)

    def expire(self, now: float) -> None:
        """See `Endpoint`."""
        try:
            for event in self.session.expire(now):
                self._deliver(event)
        except Exception as error:  # noqa: BLE001 - raised again in the keeper's task
            self._fail(error)

    def _fail(self, bug: Exception) -> None:
        """Let a bug end this console's session: the hub serves others as well."""
        self._bug = bug
        self.is_over = True
        self._port.close()
        self._post.close()

    def datagrams(self) -> Sequence[bytes]:
        """See `Endpoint`."""
        return self.session.datagrams()

    def _deliver(self, event: SessionEvent) -> None:
        if type(event) is SolLoss:
            self._recorder.mark_loss(event.reason, event.count)
            return
        if type(event) is LoggedIn:
            self.suite = event.suite
        self.is_over = self.is_over or type(event) is SessionLost
        try:
            self._post.send_nowait(event)
        except (trio.WouldBlock, trio.ClosedResourceError):
            self._post.close()

    # What the keeper calls.

    async def next_event(self) -> SessionEvent:
        """Wait for the next event that is not console output.

        Cancelling it loses no event.

        Raises:
            Exception: a bug of ours met in the hub's call, for the supervisor to log.
        """
        try:
            return await self._mail.receive()
        except trio.EndOfChannel:
            if self._bug is not None:
                raise self._bug from None
            return SessionLost(
                LostReason.PROTOCOL_ERROR, "more events than a session can have"
            )

    def open(self) -> None:
        """Begin to log in."""
        self.session.open(trio.current_time())
        self._port.flush()

    def activate(self) -> None:
        """Ask for the SoL payload."""
        self.session.activate(trio.current_time())
        self._port.flush()

    def deactivate(self) -> None:
        """Take the SoL payload from whoever holds it."""
        self.session.deactivate(trio.current_time())
        self._port.flush()

    def write(self, data: bytes) -> None:
        """Type bytes on the console."""
        self.session.write(data, trio.current_time())
        self._port.flush()

    def say_goodbye(self) -> None:
        """Deactivate the payload and close the session; `SessionLost` follows."""
        self.session.close(trio.current_time())
        self._port.flush()

    def close(self) -> None:
        """Leave the hub."""
        self._port.close()
        self._post.close()
