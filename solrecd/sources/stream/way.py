"""What the kinds of streams have in common, and what each of them brings.

A kind brings a `Way`: how a console's stream is opened, taken over from an earlier
process, and examined while it is not open. What it opens is a `Connection`: bytes that
are looked at, recorded, and only then taken. `source` does the rest for all kinds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from solrecd.events.sessions import Lost
from solrecd.sources.base import Recorder, Tell
from solrecd.sources.findings import Finding

Say = Callable[[bytes], None]
"""Sends bytes as they are, in order with what was typed.

It raises `BufferError` where too much waits already."""


class Connection(Protocol):
    """A way that is open, and how far what came out of it was recorded.

    All methods but the asynchronous ones are quick, and none of them blocks.
    """

    @property
    def descriptors(self) -> Mapping[str, int]:
        """What the next process needs to go on, by what `Way.adopt` calls it."""

    def resume(self, offset: int) -> None:
        """Drop what an earlier process recorded, and could not take any more.

        Args:
            offset: up to where the console's stream is recorded.
        """

    def look(self) -> bytes | None:
        """Return the console's bytes that wait, or the first of them, and keep them.

        Empty: what waits has to be taken, and is none of the console's. None: the
        other end has closed, and nothing waits any more.

        Raises:
            BlockingIOError: nothing waits.
            OSError: the connection broke.
        """

    def recording(self, offset: int, size: int) -> None:
        """Note that so many bytes are about to be recorded at that stream offset."""

    def take(self) -> None:
        """Take what was looked at.

        Raises:
            OSError: the connection broke.
            BufferError: the other end does not take our answers.
        """

    async def wait(self) -> None:
        """Wait until there is something to look at.

        Raises:
            OSError: the connection broke.
        """

    async def tend(self, say: Say) -> None:
        """Do what has to be done while it is open; may return at once.

        Args:
            say: sends what the protocol wants to be said.
        """

    def encoded(self, typed: bytes) -> bytes:
        """Return what is to be sent for bytes that were typed."""

    def send(self, data: bytes) -> int:
        """Send bytes, or the first of them; return how many.

        Raises:
            OSError: the connection broke.
        """

    async def wait_sendable(self) -> None:
        """Wait until some can be sent.

        Raises:
            OSError: the connection broke.
        """

    @property
    def send_break(self) -> Callable[[], Awaitable[None]] | None:
        """Sends a serial break, now; None: it cannot."""

    async def ended(self) -> Lost:
        """Return why it ended, where `look` returned None."""

    async def aclose(self) -> None:
        """End it at the other end, too; within seconds, and whatever happens."""

    def leave(self) -> None:
        """Close our side of it: the next process goes on with it."""

    def details(self) -> Mapping[str, Any]:
        """Return what ``status`` shows of it."""

    def findings(self) -> Sequence[Finding]:
        """Return what ``doctor`` says of it."""


class Way(Protocol):
    """How to reach one console."""

    @property
    def place(self) -> str:
        """Where it leads, as people write it: also tells it from others."""

    @property
    def longest_wait(self) -> float:
        """Seconds between tries at most."""

    @property
    def unnoticed(self) -> float:
        """Seconds for which an other end that is gone may be thought to be there."""

    @property
    def has_break(self) -> bool:
        """Breaks can be sent on it."""

    def details(self) -> Mapping[str, Any]:
        """Return what ``status`` shows."""

    async def open(self, recorder: Recorder) -> Connection:
        """Open it, for the bytes that are recorded next.

        Raises:
            NotConnectedError: it cannot be opened now.
        """

    def adopt(self, recorder: Recorder, descriptors: Mapping[str, int]) -> Connection:
        """Take over a connection that an earlier process left.

        Args:
            recorder: of the console.
            descriptors: the connection's, by the names it gave them; ours from now
                on, and closed here where they are of no use.

        Raises:
            OSError: they are not a connection.
        """

    async def examine(self, tell: Tell) -> bool:
        """Look, while it is not open, for what keeps it from being opened.

        Returns:
            Whether something was found.
        """
