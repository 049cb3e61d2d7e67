"""What senders have in common that deliver one notice after the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import trio

from solrecd.alerts import Notice, Phase
from solrecd.alerts.payload import Envelope, envelope
from solrecd.alerts.senders.sender import Health, Receipt, Sender, Tally, Tools
from solrecd.config import Key, ReceiverConfig
from solrecd.config.values import boolean

MOST: Final = 1000
"""Notices that may wait; the oldest go first."""

RESOLVED_KEYS: Final = {
    "send_resolved": Key(
        boolean, "Whether the receiver is also notified when an alert is resolved."
    ),
}


class Outcome(NamedTuple):
    """The result of one try to deliver a notice."""

    ok: bool
    answer: str
    """In one line."""
    is_final: bool = True
    """Another try would end alike."""


class QueuedSender(ABC):
    """A queue of notices in the order in which they go out; a `Sender` but for `run`.

    Belongs to the event loop.

    Args:
        config: of the receiver.
        tools: of the machine.
        shown: what the log and a test call the server or program.
        send_resolved: whether the receiver is notified that an alert is over.
    """

    def __init__(
        self, config: ReceiverConfig, tools: Tools, *, shown: str, send_resolved: bool
    ) -> None:
        self.tally = Tally()
        self._config = config
        self._tools = tools
        self._shown = shown
        self._send_resolved = send_resolved
        self._health = Health(config.name, shown)
        self._notices: deque[Envelope] = deque()
        self._wanted = trio.Event()
        """Set when there is something to do; the task that does it renews it."""

    @property
    def waiting(self) -> int:
        """How many notices wait."""
        return len(self._notices)

    @property
    def works(self) -> bool:
        """Whether the last try was a success."""
        return self._health.problem is None

    def offer(self, notices: Iterable[Notice]) -> None:
        """Take notices; never waits, never raises."""
        for notice in notices:
            if notice.phase is Phase.RESOLVED and not self._send_resolved:
                continue
            if len(self._notices) >= MOST:
                self._notices.popleft()
                self.tally.dropped += 1
            self._notices.append(self._envelope(notice))
            self._wanted.set()

    def resume(self, notices: Iterable[Notice]) -> None:  # noqa: B027 - a default
        """Do nothing: the daemon that sent them before has delivered or queued them."""

    def follow(self, before: Sender) -> None:
        """Take over what waits at an earlier sender of the same receiver."""
        if isinstance(before, type(self)):
            self._notices.extend(before._notices)  # noqa: SLF001 - its own class
            before._notices.clear()  # noqa: SLF001
            self._wanted.set()

    async def finish(self) -> None:  # noqa: B027 - a default
        """Do nothing: what waits in memory is lost with the daemon."""

    async def test(self, notice: Notice) -> Sequence[Receipt]:
        """Deliver a notice at once, beside the others."""
        found = await self._try_once(self._envelope(notice))
        return [Receipt(self._config.name, self._shown, found.ok, found.answer)]

    @abstractmethod
    async def _try_once(self, content: Envelope) -> Outcome:
        """Deliver a notice, with nothing prepared and nothing counted."""

    def _envelope(self, notice: Notice) -> Envelope:
        return envelope(notice, self._config, self._tools.host)

    def _count(self, outcome: Outcome) -> None:
        """Count a try; a notice that another try would not deliver is dropped."""
        if outcome.ok:
            self.tally.delivered += 1
            self._health.good()
            return
        self.tally.failed += 1
        self.tally.dropped += outcome.is_final
        self._health.bad(outcome.answer)
