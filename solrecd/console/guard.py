"""Keeps the bugs of one console from everything else.

Every call into one console's code that a shared loop, another console or a person
makes goes through the console's `ConsoleGuard`, and so does the task of its source. A
bug ends the call, or the session, and nothing more: it is logged once with its
traceback, counted in ``solrecd_console_crashes_total``, and shown by ``ls``.

The same input may meet the same bug each time. What a console can be recorded without
(its analysis, a sink, its event log: see `Part`) is left out after `LIMIT` bugs, each
within `WINDOW` of the one before; what it cannot be recorded without is tried again
after a pause that doubles. Both last until people want it tried again
(`ConsoleGuard.renew`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog
import trio

from solrecd.sources.guard import Part

LIMIT: Final = 3
"""Bugs of one part after which the console is recorded without it."""

WINDOW: Final = 600.0
"""Seconds without a bug after which those before do not count any more."""

PAUSE_FIRST: Final = 5.0
PAUSE_LAST: Final = 300.0
"""Seconds before a part that the console cannot do without is tried again."""

_VITAL: Final = frozenset({Part.SESSION, Part.RECORDING})
"""What a console cannot be recorded without."""

_ALWAYS: Final = frozenset({Part.OPERATION})
"""What is tried each time: a person asks for it, and sees what comes of it."""

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(slots=True)
class _Record:
    """The bugs that one part met."""

    count: int = 0
    last: float = -math.inf
    """Monotonic."""
    rests_until: float = -math.inf
    """Monotonic; the part is not called before."""

    def add(self, part: Part, now: float) -> None:
        """Count one more, and decide how long the part rests."""
        self.count = 1 if now - self.last > WINDOW else self.count + 1
        self.last = now
        if part in _VITAL:
            # Capped before it is raised: a bug may have been met a thousand times.
            doublings = min(self.count - 1, 10)
            self.rests_until = now + min(PAUSE_FIRST * 2**doublings, PAUSE_LAST)
        elif self.count >= LIMIT and part not in _ALWAYS:
            self.rests_until = math.inf


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Who is told of bugs; what they raise themselves is contained as well."""

    crashed: Callable[[str], None]
    """Told the console's name for each bug."""
    degraded: Callable[[str, str], None]
    """Told the name, and in words what the console is recorded without from now on."""


class ConsoleGuard:
    """Contains the bugs of one console; fits `solrecd.sources.base.Guard`.

    Args:
        console: its name.
        witnesses: are told of each bug.
    """

    __slots__ = ("_records", "_renewed", "_witnesses", "console")

    def __init__(self, console: str, witnesses: Witnesses) -> None:
        self.console = console
        self._witnesses = witnesses
        self._records: dict[Part, _Record] = {}
        self._renewed = trio.Event()

    def rests(self, part: Part) -> bool:
        """Whether a part is left out now."""
        record = self._records.get(part)
        return record is not None and trio.current_time() < record.rests_until

    def call(self, part: Part, act: Callable[[], T], otherwise: T) -> T:
        """Return what a call returns; ``otherwise`` where it meets a bug, or rests."""
        # A console without bugs, which is nearly every one, pays for one look-up.
        if part in self._records and self.rests(part):
            return otherwise
        try:
            return act()
        except Exception as bug:  # noqa: BLE001 - that is what a guard is for
            self.crashed(part, bug)
            return otherwise

    @contextmanager
    def containing(self, part: Part) -> Iterator[None]:
        """End the block at a bug, and go on behind it; the part may rest."""
        try:
            yield
        except BaseExceptionGroup as group:
            # A bug beside a cancellation, which must go on.
            bugs, others = group.split(Exception)
            if bugs is not None:
                self.crashed(part, bugs)
            if others is not None:
                raise others from None
        except Exception as bug:  # noqa: BLE001 - as above
            self.crashed(part, bug)

    def crashed(self, part: Part, bug: Exception) -> None:
        """Log, count and show a bug that was met and contained."""
        log.error("console.crashed", console=self.console, part=part, exc_info=bug)
        record = self._records.setdefault(part, _Record())
        record.add(part, trio.current_time())
        self._tell(lambda: self._witnesses.crashed(self.console))
        if record.count == LIMIT and part not in _ALWAYS:
            text = self._degradation(part, record)
            log.error("console.degraded", console=self.console, detail=text)
            self._tell(lambda: self._witnesses.degraded(self.console, text))

    def _degradation(self, part: Part, record: _Record) -> str:
        why = f"{LIMIT} bugs in solrecd, see its log"
        if part in _VITAL:
            pause = record.rests_until - record.last
            return f"{part} fails ({why}): tried again after {pause:.0f} s, and later"
        return f"recorded without {part} until reload or reconnect ({why})"

    def _tell(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception:
            log.exception("console.crashed", console=self.console)

    async def rest(self, part: Part) -> None:
        """Wait until a part may be tried again, or people want that."""
        with trio.move_on_after(self.pause(part)):
            await self._renewed.wait()

    def pause(self, part: Part) -> float:
        """Return how many seconds `rest` would take now."""
        record = self._records.get(part)
        if record is None or not self.rests(part):
            return PAUSE_FIRST
        return record.rests_until - trio.current_time()

    def renew(self) -> None:
        """Try everything again: people have asked for it."""
        self._records.clear()
        self._renewed.set()
        self._renewed = trio.Event()

    @property
    def left_out(self) -> Collection[Part]:
        """What the console is recorded without."""
        records = self._records.items()
        return [part for part, record in records if record.rests_until == math.inf]

    @property
    def error(self) -> str | None:
        """What went wrong lately, and what is left out since, in one line."""
        if self.left_out:
            parts = ", ".join(sorted(self.left_out))
            return f"degraded: recorded without {parts}; see solrecd's log for its bugs"
        newest = max(self._records.items(), key=lambda item: item[1].last, default=None)
        if newest is None or trio.current_time() - newest[1].last > WINDOW:
            return None
        return f"crashed: a bug in solrecd ({newest[0]}); see its log"


class ConsoleGuards:
    """The guards of all consoles, by name.

    Args:
        witnesses: of all of them.
    """

    def __init__(self, witnesses: Witnesses) -> None:
        self._witnesses = witnesses
        self._guards: dict[str, ConsoleGuard] = {}

    def of(self, name: str) -> ConsoleGuard:
        """Return a console's guard, which outlives the console's restarts."""
        guard = self._guards.get(name)
        if guard is None:
            guard = self._guards[name] = ConsoleGuard(name, self._witnesses)
        return guard

    def renew(self) -> None:
        """Try everything of all consoles again."""
        for guard in self._guards.values():
            guard.renew()

    def forget(self, name: str) -> None:
        """Drop the guard of a console that was removed."""
        self._guards.pop(name, None)
