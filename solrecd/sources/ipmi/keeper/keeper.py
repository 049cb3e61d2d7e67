"""Keeps one console's session up: login, back-off, and who may hold the console.

The keeper decides and waits; `SolLink` does. One keeper is one task. Its story is a
loop of attempts, each of which ends with a `Lost`: why there is no session now. Then
it waits, 1 s doubling to 60 s with jitter, from 1 s again once a session lasted.

Someone else on the console is dealt with as configured (`OnConflict`): by default we
wait until it is free, but somebody who takes it from us may keep it for a while only
(``yield_for``): it is most likely a person with a problem, who may forget to hang up.
The RMCP+ session stays open meanwhile: logging in over and over would fill the BMC's
event log, and one Activate Payload each few seconds tells when the console is free.
"""

from __future__ import annotations

import math
import random
from collections.abc import Awaitable, Callable, Collection
from typing import Protocol

import trio

from solrecd.events import Lost, LostReason, SessionState
from solrecd.sources.ipmi.keeper.takeover import Backoff, Takeover
from solrecd.sources.ipmi.link.base import LinkError, NameUnresolvedError, RequestError
from solrecd.sources.ipmi.link.resolve import Address
from solrecd.sources.ipmi.link.sol import Recorder, SolLink
from solrecd.sources.ipmi.options import IpmiOptions
from solrecd.sources.ipmi.protocol.commands import RETRY_INTERVALS
from solrecd.sources.ipmi.protocol.events import (
    CommandAnswered,
    LoggedIn,
    SessionEvent,
    SessionLost,
    SolActivated,
    SolAvailable,
    SolConfirmed,
    SolDeactivated,
    SolRefused,
    SolStolen,
    SolUnavailable,
)

SETTLED = 60.0
"""Seconds a session must have lasted for the back-off to begin anew."""

POLL_FOREIGN = 5.0
"""Seconds between two tries to activate while someone else holds the console."""

SLOT_PATIENCE = 2.0
"""Seconds that a login may keep its slot. A rack without power answers nothing at all:
its logins run on without slots, or they would hold those of the living for minutes."""

REACTIVATIONS = 3
"""Activations in one session after the BMC dropped the payload; then a fresh login."""

GOODBYE = 2.0
"""Seconds for Deactivate Payload and Close Session on the way out. A BMC that gets
neither refuses the next SoL session for up to a minute."""

CONFIRMED_WITHIN = 2.5
"""Seconds for the BMC to say that a session which an earlier process left is alive and
has the payload; then comes a fresh login."""

POWER_AFTER_QUIET = 8.0
"""Seconds after a console fell silent: a machine that goes off says so, flushes its
disks, and only then is without power. More than the session's own silence, after which
it asks whether the BMC is there."""


class _LostError(Exception):
    """Ends an attempt; never leaves this module."""

    def __init__(self, reason: LostReason, detail: str) -> None:
        super().__init__(detail)
        self.lost = Lost(reason, detail)


class KeptConsole(Recorder, Protocol):
    """Whom a keeper works for: takes the bytes and the story of the session."""

    def session_changed(
        self, state: SessionState, lost: Lost | None, retry_in: float | None
    ) -> None:
        """Learn the session's state; ``retry_in`` is seconds to the next try."""

    def power_seen(self, *, on: bool | None) -> None:
        """Learn whether the machine is on; None: nobody can tell now."""


class Dialer(Protocol):
    """Makes links: name resolution, sockets and login slots live behind it."""

    @property
    def slots(self) -> trio.CapacityLimiter:
        """How many logins may be under way at the same time."""

    async def resolve(self, config: IpmiOptions) -> Address:
        """Return the BMC's address.

        Raises:
            LinkError: there is none.
        """

    def link(
        self, config: IpmiOptions, address: Address, recorder: Recorder
    ) -> SolLink:
        """Return a link that has sent nothing yet."""

    def resume(self, config: IpmiOptions, recorder: Recorder) -> SolLink | None:
        """Return a link with a session that an earlier process left; None: none."""

    def own_session_ids(self, name: str) -> Collection[int]:
        """Return the sessions that an earlier process may still have at a BMC."""

    @property
    def is_handing_over(self) -> bool:
        """This process is being replaced: sessions are left as they are."""


class Keeper:
    """Keeps the session of one console; `run` is its whole life."""

    def __init__(
        self,
        config: IpmiOptions,
        dialer: Dialer,
        console: KeptConsole,
        *,
        rng: random.Random,
    ) -> None:
        self.config = config
        """May be replaced while `run` runs, by one that differs in its policy only."""
        self._dialer = dialer
        self._console = console
        self._rng = rng
        self._backoff = Backoff(rng)
        self._link: SolLink | None = None
        """Of the attempt that is under way."""
        self._takeover = Takeover(dialer.own_session_ids(config.name))
        self._holding: trio.CancelScope | None = None
        """While the payload is ours."""
        self._silence = Lost(LostReason.SILENT)
        """Why `revive` ended that."""
        self._living = trio.CancelScope()
        """Of the session that is under way."""
        self._ended = Lost(LostReason.STOPPED)
        """Why somebody ended that."""
        self._yields_until = -math.inf
        """Monotonic; till then somebody else has the BMC to himself."""
        self._wanted = trio.Event()
        """Somebody wants the console back, or a session at once."""
        self._waiting = trio.CancelScope()
        """For somebody else to leave."""
        self._up_since = math.inf
        """Monotonic; when this attempt's session first had the payload."""

    async def run(self) -> None:
        """Keep a session up, for ever.

        Returns: never by itself.
        Resources: a live session is deactivated and closed when this is cancelled,
        which takes `GOODBYE` seconds at most; or it is left to the next process.
        Errors: whatever the BMC does ends an attempt, not this function.
        """
        link = self._dialer.resume(self.config, self._console)
        if link is not None:
            lost = await self._live(link, self._go_on)
            self._console.session_changed(SessionState.DOWN, lost, 0)
        while True:
            await self._stand_back()
            self._up_since = math.inf
            lost = await self._attempt()
            if trio.current_time() - self._up_since >= SETTLED:
                self._backoff.reset()
            if not self._is_yielding:
                await self._pause(lost)

    async def _pause(self, lost: Lost) -> None:
        """Wait for the next attempt, unless somebody wants it now."""
        wait = self._backoff.next()
        self._console.session_changed(SessionState.DOWN, lost, wait)
        with trio.move_on_after(wait):
            await self._wanted.wait()
        self._wanted = trio.Event()

    async def _stand_back(self) -> None:
        """While somebody else was given the console, have no session at all."""
        while self._is_yielding:
            left = self._yields_until - trio.current_time()
            self._console.session_changed(SessionState.YIELDED, self._ended, left)
            with trio.move_on_after(left):
                await self._wanted.wait()
            self._wanted = trio.Event()

    @property
    def _is_yielding(self) -> bool:
        return trio.current_time() < self._yields_until

    async def _attempt(self) -> Lost:
        try:
            address = await self._dialer.resolve(self.config)
            link = self._dialer.link(self.config, address, self._console)
        except NameUnresolvedError as error:
            return Lost(LostReason.NAME_UNRESOLVED, str(error))
        except (LinkError, OSError) as error:
            return Lost(LostReason.UNREACHABLE, str(error))
        return await self._live(link, self._use)

    async def _live(
        self, link: SolLink, use: Callable[[SolLink], Awaitable[Lost]]
    ) -> Lost:
        self._link = link
        lost = self._ended
        try:
            with trio.CancelScope() as self._living:
                lost = await use(link)
        except _LostError as error:
            lost = error.lost
        finally:
            self._link = None
            self._console.power_seen(on=None)
            with trio.move_on_after(GOODBYE, shield=True):
                await self._leave(link)
        return self._ended if self._living.cancelled_caught else lost

    async def request(
        self,
        netfn: int,
        command: int,
        data: bytes = b"",
        *,
        lun: int = 0,
        retry_intervals: tuple[float, ...] = RETRY_INTERVALS,
    ) -> CommandAnswered:
        """Send an IPMI command over the live session and wait for its answer.

        Raises:
            RequestError: there is no session, or no answer.
        """
        if self._link is None:
            raise RequestError("there is no session with the BMC just now")
        return await self._link.request(
            netfn, command, data, lun=lun, retry_intervals=retry_intervals
        )

    # What people ask for.

    def write(self, data: bytes) -> bool:
        """Type bytes on the console; False while there is no session.

        Raises:
            BufferError: too much waits for the BMC already; see `unsent`.
        """
        if self._holding is None or self._link is None:
            return False
        self._link.write(data)
        return True

    def send_break(self) -> bool:
        """Send a serial break; False while there is no session.

        Raises:
            BufferError: as `write`.
        """
        if self._holding is None or self._link is None:
            return False
        self._link.send_break()
        return True

    @property
    def unsent(self) -> int:
        """Bytes of `write` that the BMC has not accepted yet."""
        return 0 if self._link is None else self._link.unsent

    def yield_session(self, seconds: float, why: str) -> None:
        """End the session, and begin none for so long: somebody needs the BMC.

        Args:
            seconds: for how long, from now; `take_back` ends it early.
            why: one line for people.
        """
        self._yields_until = trio.current_time() + seconds
        self._end(Lost(LostReason.YIELDED, why))

    def take_back(self) -> None:
        """Have the console at once, whoever holds it now."""
        if self._holding is not None:
            return
        self._yields_until = -math.inf
        self._takeover.take_next()
        self._wanted.set()
        self._waiting.cancel()

    def reconnect(self, why: str) -> None:
        """End the session, or the wait for one, and begin a fresh one at once.

        Args:
            why: one line for people.
        """
        self._backoff.reset()
        self._wanted.set()
        self._end(Lost(LostReason.RECONNECT, why))

    def _end(self, lost: Lost) -> None:
        self._ended = lost
        self._living.cancel()

    # What the console sees.

    def console_is_quiet(self) -> None:
        """The machine printed something and then stopped: is it still on?"""
        if self._link is not None:
            self._link.ask_power_soon(POWER_AFTER_QUIET)

    def revive(self, why: str) -> bool:
        """Activate the payload anew: nothing comes, though the machine should print.

        Args:
            why: one line for people.

        Returns:
            Whether that is done; not without the payload, nor too often.
        """
        now = trio.current_time()
        if self._holding is None or not self._takeover.may_act(now):
            return False
        self._takeover.acted(now)
        self._silence = Lost(LostReason.SILENT, why)
        self._holding.cancel()
        return True

    async def _use(self, link: SolLink) -> Lost:
        await self._log_in(link)
        return await self._record(link, await self._activate(link))

    async def _go_on(self, link: SolLink) -> Lost:
        """Use a session that an earlier process left, if it still has the console."""
        link.catch_up()
        with trio.move_on_after(CONFIRMED_WITHIN) as retry_intervals:
            await self._confirm(link)
        if retry_intervals.cancelled_caught:
            raise _LostError(LostReason.BMC_TIMEOUT, "no answer after our restart")
        return await self._record(link, SolConfirmed())

    async def _confirm(self, link: SolLink) -> None:
        while True:
            match await self._next(link):
                case SolConfirmed():
                    return
                case SolStolen():
                    raise _LostError(LostReason.STOLEN, "taken while we restarted")
                case SolDeactivated():
                    raise _LostError(
                        LostReason.DEACTIVATED, "SoL went off while we restarted"
                    )
                case _:
                    pass

    async def _record(
        self, link: SolLink, answer: SolActivated | SolRefused | SolConfirmed
    ) -> Lost:
        """Hold the payload, and get it back when the BMC drops it."""
        link.watch_power(self._power_seen, self._rng)
        activations = 1
        while True:
            await self._settle_conflict(link, answer)
            self._takeover.won()
            self._up_since = min(self._up_since, trio.current_time())
            self._console.session_changed(SessionState.UP, None, None)
            lost = await self._hold(link)
            if activations > REACTIVATIONS:
                return lost
            self._console.session_changed(SessionState.CONNECTING, lost, None)
            if lost.reason is LostReason.SILENT:
                link.deactivate()
                await self._expect(link, SolDeactivated)
            answer = await self._activate(link)
            activations += 1

    async def _log_in(self, link: SolLink) -> None:
        """Log in; a BMC that takes long gives its login slot to others meanwhile."""
        async with self._dialer.slots:
            self._console.session_changed(SessionState.CONNECTING, None, None)
            link.open()
            with trio.move_on_after(SLOT_PATIENCE):
                return await self._expect(link, LoggedIn)
        await self._expect(link, LoggedIn)
        return None

    async def _hold(self, link: SolLink) -> Lost:
        """Wait until the payload is not ours any more, with the session still up."""
        try:
            with trio.CancelScope() as self._holding:
                return await self._until_gone(link)
            return self._silence
        finally:
            self._holding = None

    async def _until_gone(self, link: SolLink) -> Lost:
        while True:
            match await self._next(link):
                case SolStolen():
                    return Lost(LostReason.STOLEN, "another session took the console")
                case SolDeactivated():
                    return Lost(LostReason.DEACTIVATED, "the BMC switched SoL off")
                case SolUnavailable() | SolAvailable():
                    link.ask_power_soon(0)
                case _:
                    pass

    def _power_seen(self, on: bool | None) -> None:  # noqa: FBT001 - a callback
        self._console.power_seen(on=on)

    async def _settle_conflict(
        self, link: SolLink, answer: SolActivated | SolRefused | SolConfirmed
    ) -> None:
        """Return once the payload is ours, however long someone else keeps it."""
        while isinstance(answer, SolRefused):
            if answer.reason is not LostReason.FOREIGN_OWNER:
                raise _LostError(answer.reason, _describe(answer))
            if self._takeover.may_take(answer.owner, self.config, trio.current_time()):
                answer = await self._take(link)
                continue
            self._report_foreign(answer)
            await self._wait_and_watch(link, POLL_FOREIGN)
            answer = await self._activate(link)

    async def _take(self, link: SolLink) -> SolActivated | SolRefused:
        self._takeover.acted(trio.current_time())
        link.deactivate()
        await self._expect(link, SolDeactivated)
        answer = await self._activate(link)
        if isinstance(answer, SolRefused) and (
            answer.reason is LostReason.FOREIGN_OWNER and not self._takeover.was_ours
        ):
            # Some boards (H8QME, Dell M605) say "deactivated" for ever and stay
            # active: report that instead of trying in a circle.
            raise _LostError(
                LostReason.STUCK_PAYLOAD,
                "the BMC says deactivated but SoL stays active; "
                "a cold reset of the BMC clears it",
            )
        return answer

    def _report_foreign(self, answer: SolRefused) -> None:
        state = (
            SessionState.YIELDED if self._takeover.was_ours else SessionState.FOREIGN
        )
        lost = Lost(LostReason.FOREIGN_OWNER, _describe(answer))
        self._console.session_changed(state, lost, POLL_FOREIGN)

    async def _wait_and_watch(self, link: SolLink, seconds: float) -> None:
        """Wait, but notice at once when the session itself goes away."""
        with trio.move_on_after(seconds) as self._waiting:
            while True:
                await self._next(link)

    async def _activate(self, link: SolLink) -> SolActivated | SolRefused:
        link.activate()
        while True:
            event = await self._next(link)
            if isinstance(event, SolActivated | SolRefused):
                return event

    async def _expect(self, link: SolLink, wanted: type[SessionEvent]) -> None:
        while not isinstance(await self._next(link), wanted):
            pass

    async def _next(self, link: SolLink) -> SessionEvent:
        event = await link.next_event()
        if isinstance(event, SessionLost):
            raise _LostError(event.reason, event.detail)
        return event

    async def _leave(self, link: SolLink) -> None:
        """Say goodbye where there is still somebody to say it to."""
        try:
            if self._dialer.is_handing_over:
                # Nobody reads the answer of a BMC whose session cannot be left.
                if not link.is_over and not link.leave():
                    link.close_session()
            elif not link.is_over:
                link.close_session()
                while not isinstance(await link.next_event(), SessionLost):
                    pass
        finally:
            link.close()


def _describe(answer: SolRefused) -> str:
    if answer.reason is LostReason.FOREIGN_OWNER:
        return "another session holds the console"
    return f"the BMC refused SoL (completion code 0x{answer.code:02x})"
