"""Ways to ask a BMC: from outside, in the recorder's session, in one of our own."""

from __future__ import annotations

import enum
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, NamedTuple, Protocol, TypeVar

import trio

from solrecd.events.sessions import Lost, LostReason
from solrecd.sources.base import Recorder
from solrecd.sources.ipmi.doctor import questions
from solrecd.sources.ipmi.doctor.findings import Login
from solrecd.sources.ipmi.doctor.questions import Dialogue, Question, Reply, Route
from solrecd.sources.ipmi.keeper import Keeper
from solrecd.sources.ipmi.link.base import RequestError
from solrecd.sources.ipmi.link.login import (
    LOGIN_REFUSED,
    LostError,
    hang_up,
    log_in,
)
from solrecd.sources.ipmi.link.probe import Probe
from solrecd.sources.ipmi.link.resolve import Address
from solrecd.sources.ipmi.link.sol import SolLink
from solrecd.sources.ipmi.options import IpmiOptions
from solrecd.sources.ipmi.protocol.events import CommandAnswered

RETRY_INTERVALS: Final = (1.0, 2.0)
"""Seconds after each transmission of a question in a session: it must not hold up for
long what the session itself wants to know."""

LOGIN: Final = 60.0
"""Seconds for a login of our own, with all its fallbacks, at a BMC that takes 10 s for
each answer."""

VISITS_APART: Final = 60.0
"""Seconds between two logins of our own: a failed one counts at the BMC, which may lock
the account of the recorder as well."""


class Visit(enum.Enum):
    """Whether a login of our own may be tried where the recorder has no session."""

    NEVER = enum.auto()
    EXAMINATION = enum.auto()
    """At most one each `VISITS_APART` seconds."""
    TREATMENT = enum.auto()
    """The same, but at once where the last one worked: it follows an examination."""


Answer = Callable[[Question], Awaitable[Reply]]
"""Has a question answered, by any way there is."""
_T = TypeVar("_T")


class Dialer(Protocol):
    """Makes links for questions; see `solrecd.sources.ipmi.link.dialer.Dialer`."""

    @property
    def slots(self) -> trio.CapacityLimiter:
        """How many logins may be under way at the same time."""

    @property
    def strangers(self) -> int:
        """How many datagrams came from addresses that no session has."""

    async def resolve(self, config: IpmiOptions) -> Address:
        """Return the BMC's address, or raise `LinkError`."""

    def visit(self, config: IpmiOptions, address: Address) -> SolLink:
        """Return a link that records nothing."""

    def suite(self, name: str) -> int | None:
        """Return the cipher suite of a console's session."""


class Ask(Protocol):
    """Sends a command in a session; `Keeper.request` and `SolLink.request` do."""

    def __call__(
        self,
        netfn: int,
        command: int,
        data: bytes = b"",
        *,
        lun: int = 0,
        retry_intervals: tuple[float, ...] = ...,
    ) -> Awaitable[CommandAnswered]:
        """Return the answer, or raise `RequestError`."""


class Access(NamedTuple):
    """A way to ask in a session."""

    ask: Ask | None
    """None: there is none."""
    login: Login | None
    """How it was come by; None: it was not tried."""


class Sessions:
    """The sessions that one console's BMC can be asked in.

    Args:
        console: says why it has none.
        keeper: has the recorder's.
        dialer: makes another where there is none.
    """

    def __init__(self, console: Recorder, keeper: Keeper, dialer: Dialer) -> None:
        self._console = console
        self._keeper = keeper
        self._dialer = dialer
        self._visited_at = -math.inf
        """Monotonic."""
        self._last_login: Login | None = None
        """What came of that; None: it is too old."""

    @asynccontextmanager
    async def open(self, address: Address, visit: Visit) -> AsyncIterator[Access]:
        """Have a way to ask while the context lasts.

        The recorder's session, or one of our own that is closed at the end. None while
        a user was given the console, where the BMC has refused the recorder's login,
        where ``visit`` does not allow it: then what is known of a login is handed out.
        """
        name, lost = self._console.name, self._console.session_lost
        if await self._is_live():
            login = Login(self._dialer.suite(name), kept=self._keeper.password_kept)
            yield Access(self._keeper.request, login)
        elif lost is not None and lost.reason is LostReason.YIELDED:
            yield Access(None, None)
        elif lost is not None and lost.reason in LOGIN_REFUSED:
            yield Access(None, Login(lost=lost))
        elif not self._may_visit(visit):
            yield Access(None, self._last_login)
        else:
            async with self._visit(address) as access:
                yield access

    def _may_visit(self, visit: Visit) -> bool:
        """Whether to log in now; what an older login has come to is forgotten."""
        is_fresh = trio.current_time() - self._visited_at < VISITS_APART
        if not is_fresh:
            self._last_login = None
        if visit is Visit.NEVER:
            return False
        last = self._last_login
        works = last is not None and last.lost is None
        return not is_fresh or (visit is Visit.TREATMENT and works)

    async def _is_live(self) -> bool:
        """Whether the recorder's session takes questions: any answer says so."""
        try:
            await _send(self._keeper.request, _ANY_QUESTION)
        except RequestError:
            return False
        return True

    @asynccontextmanager
    async def _visit(self, address: Address) -> AsyncIterator[Access]:
        try:
            link = self._dialer.visit(self._keeper.config, address)
        except OSError as error:
            lost = Lost(LostReason.UNREACHABLE, error.strerror or str(error))
            yield Access(None, Login(lost=lost))
            return
        self._visited_at = trio.current_time()
        try:
            login = self._last_login = await self._log_in(link)
            yield Access(link.request if login.lost is None else None, login)
            if link.bug is not None:
                raise link.bug
        finally:
            await hang_up(link)  # noqa: ASYNC102 - it has a shield and a limit

    async def _log_in(self, link: SolLink) -> Login:
        with trio.move_on_after(LOGIN):
            try:
                found = await log_in(link, self._dialer.slots)
                return Login(found.suite, kept=found.kept)
            except LostError as error:
                return Login(lost=error.lost)
        return Login(lost=Lost(LostReason.BMC_TIMEOUT, "the login has no end"))


async def converse(dialogue: Dialogue[_T], answer: Answer) -> _T:
    """Carry a dialogue out; return what it returns."""
    try:
        question = next(dialogue)
        while True:
            question = dialogue.send(await answer(question))
    except StopIteration as done:
        found: _T = done.value
        return found


def outside(probe: Probe) -> Answer:
    """Return what answers questions beside all sessions."""

    async def answer(question: Question) -> Reply:
        if question.route is Route.PING:
            return Reply(0 if await probe.ping() else None)
        found = await probe.ask(question.netfn, question.command, question.data)
        return Reply(None) if found is None else Reply(found.code, found.data)

    return answer


def inside(ask: Ask) -> Answer:
    """Return what answers questions in a session; without one, as if none came."""

    async def answer(question: Question) -> Reply:
        try:
            return await _send(ask, question)
        except RequestError:
            return Reply(None)

    return answer


async def _send(ask: Ask, question: Question) -> Reply:
    _, netfn, command, data = question
    answer = await ask(netfn, command, data, retry_intervals=RETRY_INTERVALS)
    return Reply(answer.code, answer.data)


_ANY_QUESTION: Final = next(questions.chassis())
