"""Host names to addresses for the whole process, with bounded waits.

The C library looks names up in a thread, and holds it for 10 to 30 s where the name
server does not answer. Trio's own pool is for everything that blocks, so names have
threads of their own here, and these rules:

- One look-up of a name at a time: later callers wait for the same one.
- It has so long from the moment at which its thread begins; a name that waits for a
  thread is not counted as one without an answer.
- A look-up that is slow, or of a name without an answer last time, makes room for
  others: it goes on among the slow ones, whose number is bounded as well.
- Where there is no answer, the last one is used.
"""

from __future__ import annotations

import functools
import math
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import structlog
import trio

from solrecd.process.threads import Job, in_thread

ANSWER_TIMEOUT: Final = 8.0
"""Seconds for an answer, from the beginning of the thread: glibc asks a second time
after 5."""

KNOWN_TIMEOUT: Final = 2.0
"""Seconds to wait, for a thread as well, where an earlier answer is known."""

SLOW_AFTER: Final = 1.0
"""Seconds after which a look-up counts as slow."""

MAX_LOOKUPS: Final = 16
"""Threads for names that answer, as far as is known."""

MAX_SLOW: Final = 48
"""Threads that wait for name servers which do not answer."""

MAX_KNOWN: Final = 16384
"""Answers remembered; a fleet has one for each console."""

_LOOK_UP: Final = Job("the name server", "the next start asks it again")

_GONE: Final = (socket.EAI_NONAME, socket.EAI_NODATA)
"""The name server says that there is no such name, or no address of it."""

Found: TypeAlias = list[tuple[Any, ...]]
"""What `socket.getaddrinfo` returns."""

LookUp: TypeAlias = Callable[..., Found]

log = structlog.get_logger()


@dataclass(eq=False, slots=True)
class _LookUp:
    """One that goes on."""

    question: tuple[Any, ...]
    began: trio.Event = field(default_factory=trio.Event)
    done: trio.Event = field(default_factory=trio.Event)
    found: Found = field(default_factory=list)
    error: OSError | UnicodeError | None = None
    waiting: trio.CancelScope = field(default_factory=trio.CancelScope)
    """Its time in the place that it was given first."""


class NameLookups(trio.abc.HostnameResolver):
    """Give it to `trio.socket.set_custom_hostname_resolver`.

    Args:
        look_up: blocks; like `socket.getaddrinfo`.
    """

    def __init__(self, look_up: LookUp = socket.getaddrinfo) -> None:
        self._look_up = look_up
        self._quick = trio.CapacityLimiter(MAX_LOOKUPS)
        self._slow = trio.CapacityLimiter(MAX_SLOW)
        self._threads = trio.CapacityLimiter(math.inf)
        """The other two bound their number."""
        self._under_way: dict[tuple[Any, ...], _LookUp] = {}
        self._known: dict[tuple[Any, ...], Found] = {}
        self._mute: set[tuple[Any, ...]] = set()
        """Names without an answer last time."""

    async def getaddrinfo(
        self,
        host: bytes | None,
        port: bytes | str | int | None,
        family: int = 0,
        type: int = 0,  # noqa: A002
        proto: int = 0,
        flags: int = 0,
    ) -> Found:
        """Return addresses of a name.

        Raises:
            OSError: there are none, or there was no answer and never was one.
            UnicodeError: it is not a name.
        """
        question = (host, port, family, type, proto, flags)
        look_up = self._under_way.get(question) or self._begin(question)
        known = self._known.get(question)
        if known is None:
            await look_up.began.wait()
        with trio.move_on_after(ANSWER_TIMEOUT if known is None else KNOWN_TIMEOUT):
            await look_up.done.wait()
        if look_up.found:
            return look_up.found
        error = look_up.error
        if error is not None and (isinstance(error, UnicodeError) or _is_gone(error)):
            raise error
        if known is not None:
            return known
        silence = socket.gaierror(socket.EAI_AGAIN, "no answer from the name server")
        raise error or silence

    async def getnameinfo(
        self, sockaddr: tuple[str, int] | tuple[str, int, int, int], flags: int
    ) -> tuple[str, str]:
        """Return the name of an address; see `socket.getnameinfo`."""
        look_up = functools.partial(socket.getnameinfo, sockaddr, flags)
        return await in_thread(_LOOK_UP, look_up, limiter=self._quick)

    def _begin(self, question: tuple[Any, ...]) -> _LookUp:
        """Start a look-up, which goes on when its caller has given up."""
        look_up = self._under_way[question] = _LookUp(question)
        trio.lowlevel.spawn_system_task(self._carry_out, look_up)
        return look_up

    async def _carry_out(self, look_up: _LookUp) -> None:
        """Have a thread look a name up, in one of the places for that."""
        places = self._slow if look_up.question in self._mute else self._quick
        await places.acquire_on_behalf_of(look_up)
        try:
            look_up.began.set()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._ask, look_up)
                with look_up.waiting:
                    await trio.sleep(SLOW_AFTER)
                    if places is self._quick:
                        await self._slow.acquire_on_behalf_of(look_up)
                        self._quick.release_on_behalf_of(look_up)
                        places = self._slow
        finally:
            places.release_on_behalf_of(look_up)

    async def _ask(self, look_up: _LookUp) -> None:
        question = look_up.question
        ask = functools.partial(self._look_up, *question)
        began = trio.current_time()
        try:
            look_up.found = await in_thread(_LOOK_UP, ask, limiter=self._threads)
        except (OSError, UnicodeError) as error:
            look_up.error = error
        # Later callers get a new look-up.
        del self._under_way[question]
        look_up.done.set()
        look_up.waiting.cancel()
        if look_up.found or _is_gone(look_up.error):
            self._note_answer(question, look_up.found)
        elif question not in self._mute and question in self._known:
            waited = round(trio.current_time() - began, 1)
            log.warning("name.no_answer", host=str(question[0]), waited=waited)
        if not look_up.found and not _is_gone(look_up.error):
            self._mute.add(question)

    def _note_answer(self, question: tuple[Any, ...], found: Sequence[Any]) -> None:
        self._mute.discard(question)
        self._known.pop(question, None)
        if found:
            self._known[question] = [*found]
        if len(self._known) > MAX_KNOWN:
            del self._known[next(iter(self._known))]


def _is_gone(error: Exception | None) -> bool:
    return isinstance(error, socket.gaierror) and error.errno in _GONE
