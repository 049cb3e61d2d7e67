"""What differs between kinds of receivers of logs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from solrecd.alerts.shipping.reading import Entry


class Answer(Protocol):
    """What a server answered."""

    @property
    def status(self) -> int | None:
        """Of HTTP; None: there was no answer."""

    @property
    def text(self) -> str:
        """The beginning of its body."""

    @property
    def retry_after(self) -> float | None:
        """Seconds that it wants to be left alone; None: it does not say."""

    @property
    def ok(self) -> bool:
        """Whether it was taken."""


class Stream(NamedTuple):
    """Entries of one console, in order."""

    console: str
    labels: Mapping[str, str]
    """Of the console."""
    entries: Sequence[Entry]
    stages: Sequence[tuple[int, str]]
    """Stamp of the entry into a stage, and the stage, in order, as far as known."""

    def with_stages(self) -> Iterator[tuple[Entry, str | None]]:
        """Yield each entry with its stage; None: not known."""
        for entry in self.entries:
            known = (it for at, it in reversed(self.stages) if entry.ns >= at * 1000)
            yield entry, next(known, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Where to, and in which form. Sizes in bytes, durations in seconds."""

    name: str
    """Of its table in the configuration; in the log, and of the file of positions."""
    url: str
    headers: Mapping[str, str]
    encode: Callable[[Sequence[Stream]], bytes]
    """Makes the body of a request."""
    is_final: Callable[[int | None], bool]
    """Tells whether this status says that this body will never be taken."""
    rejected: Callable[[Answer], int] = lambda _answer: 0
    """Tells how many entries were not taken, of a request that was."""
    batch_size: int
    batch_wait: float
