"""What all senders have in common: counts, health, the wait between tries."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import structlog

from solrecd.alerts import Notice

RETRY_FIRST: Final = 1.0
RETRY_LAST: Final = 60.0
"""Seconds between two tries: doubling up to that, with jitter. A receiver that was
restarted has its alerts within a minute."""

log = structlog.get_logger()


class Receipt(NamedTuple):
    """The result of a test."""

    receiver: str
    target: str
    """URL or program."""
    ok: bool
    answer: str
    """In one line."""


class ReceiverStatistics(NamedTuple):
    """The numbers of a receiver."""

    delivered: int
    failed: int
    """Tries that failed."""
    dropped: int
    """Notices that will never be delivered."""
    held_back: int
    """Events that were not sent, because the same was sent just before."""
    waiting: int
    firing: int
    works: bool
    """The last try was a success; true as well before the first."""


@dataclass(slots=True)
class Tally:
    """What became of a receiver's notices."""

    delivered: int = 0
    failed: int = 0
    dropped: int = 0


class Health:
    """Logs trouble when it begins and when it ends, not each time in between.

    Args:
        receiver: its name.
        target: what cannot be reached.
    """

    def __init__(self, receiver: str, target: str) -> None:
        self._names = {"receiver": receiver, "target": target}
        self.problem: str | None = None

    def bad(self, problem: str) -> None:
        """Note a try that failed."""
        if self.problem is None:
            log.warning("alerts.failing", **self._names, reason=problem)
        self.problem = problem

    def good(self) -> None:
        """Note one that did not."""
        if self.problem is not None:
            log.info("alerts.works_again", **self._names)
        self.problem = None


class RetryDelay:
    """How long to wait before the next try.

    Args:
        rng: of the jitter: a server that comes back is not asked by all at once.
        first: seconds, the longest first wait.
    """

    def __init__(self, rng: random.Random, first: float = RETRY_FIRST) -> None:
        self._rng = rng
        self._first = self._ceiling = first

    def next(self) -> float:
        """Return the seconds to wait now, and double those of the next time."""
        wait = self._rng.uniform(self._ceiling / 2, self._ceiling)
        self._ceiling = min(self._ceiling * 2, RETRY_LAST)
        return wait

    def reset(self) -> None:
        """Begin with the shortest wait again."""
        self._ceiling = self._first


@dataclass(frozen=True, slots=True)
class Tools:
    """What senders need of the machine."""

    wall_clock: Callable[[], int]
    """Stamps."""
    host: str
    """Name of this machine."""
    folder: Path
    """Where what must survive a restart is kept."""
    rng: random.Random = field(default_factory=random.Random)


class Sender(Protocol):
    """Notifies one receiver; belongs to the event loop."""

    tally: Tally

    def offer(self, notices: Iterable[Notice]) -> None:
        """Take notices; never waits, never raises."""

    def resume(self, notices: Iterable[Notice]) -> None:
        """Take what fires and was sent before, by another sender."""

    def follow(self, before: Sender) -> None:
        """Take over what waits at an earlier sender of the same receiver."""

    @property
    def waiting(self) -> int:
        """How many notices wait."""

    @property
    def works(self) -> bool:
        """Whether the last try was a success."""

    async def run(self) -> None:
        """Deliver what is offered until cancelled; failures are logged, not raised.

        Raises:
            OSError: nothing can be delivered as long as a file is missing.
        """

    async def finish(self) -> None:
        """Store what waits and must not be lost: the daemon stops."""

    async def test(self, notice: Notice) -> Sequence[Receipt]:
        """Deliver a notice at once, beside the others.

        Raises:
            OSError: as `run`.
        """
