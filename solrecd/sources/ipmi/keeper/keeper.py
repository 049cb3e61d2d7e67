"""Keeps one console's session up: back-off, wishes, and what the console is told.

The keeper waits and tells; `Attempt` speaks with the BMC. One keeper is one task: it
does what its state asks for, and looks up in `solrecd.sources.ipmi.keeper.states` what
follows from what came of it. Between attempts it waits, 1 s doubling to 60 s with
jitter, from 1 s again once a session lasted. Where the BMC refuses user, password or
key, it waits 1 to 2 minutes, doubling to an hour: each try is a failed login there, and
some BMCs lock the account. A reload, or a person who wants a fresh session, ends that.
The first refusal after a login that worked is not believed: no message of a login is
authenticated, and one that was damaged or forged looks like a wrong password.

Another client on the console is dealt with as configured (`OnConflict`): by default we
wait until it is free, but one who takes it from us may keep it for a while only
(``yield_for``): it is most likely a person with a problem, who may forget to hang up.
The RMCP+ session stays open meanwhile: logging in over and over would fill the BMC's
event log, and one Activate Payload each few seconds tells when the console is free.
"""

from __future__ import annotations

import math
import random

import trio

from solrecd.events.sessions import Lost, LostReason
from solrecd.process.backoff import Backoff
from solrecd.process.transitions import look_up
from solrecd.sources.ipmi.keeper.attempt import POLL_FOREIGN, Attempt
from solrecd.sources.ipmi.keeper.base import Dialer, KeptConsole
from solrecd.sources.ipmi.keeper.states import STEPS, Input, Outcome, State, is_step
from solrecd.sources.ipmi.keeper.takeover import Takeover
from solrecd.sources.ipmi.link.base import LinkError, NameUnresolvedError, RequestError
from solrecd.sources.ipmi.link.login import (
    LOGIN_REFUSED,
    LostError,
    hand_over,
    hang_up,
    log_in,
)
from solrecd.sources.ipmi.link.sol import SolLink
from solrecd.sources.ipmi.options import IpmiOptions
from solrecd.sources.ipmi.protocol.commands import RETRY_INTERVALS
from solrecd.sources.ipmi.protocol.events import CommandAnswered

BACKOFF_FIRST = 1.0
BACKOFF_LAST = 60.0
"""Seconds; ConMan's 30 minutes miss a whole boot."""

REFUSED_FIRST = 120.0
REFUSED_LAST = 3600.0
"""Seconds between logins that the BMC refuses. BMCs that lock an account do so after
three to ten failures within one to ten minutes."""

SETTLED = 60.0
"""Seconds a session must have lasted for the back-off to begin again."""

_NOT_HEARD = frozenset({LostReason.UNREACHABLE, LostReason.BMC_TIMEOUT})
"""Reasons to look at another address of the BMC's name."""

POWER_AFTER_QUIET = 8.0
"""Seconds after a console fell silent: a machine that goes off says so, flushes its
disks, and only then is without power. More than the session's own silence, after which
it asks whether the BMC is there."""


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
        self.state = State.IDLE
        """Changed by the task of `run` only."""
        self._dialer = dialer
        self._console = console
        self._rng = rng
        self._backoff = Backoff(rng, BACKOFF_FIRST, BACKOFF_LAST)
        self._refusals = Backoff(rng, REFUSED_FIRST, REFUSED_LAST)
        own_ids = dialer.own_session_ids(config.name)
        self._takeover = Takeover(own_ids)
        self._login_worked = bool(own_ids)
        """And none was refused since; an earlier process's counts."""
        self._attempt: Attempt | None = None
        """The session that there is; none in the states that have none."""
        self._acting = trio.CancelScope()
        """What the state asks for; a wish that comes to something cancels it."""
        self._wishes: list[Outcome] = []
        """Not granted yet."""
        self._lost = Lost(LostReason.STOPPED)
        """Why there is no session, or soon none."""
        self._seconds: float | None = None
        """Until the next try; None: one is under way, or not wanted."""
        self._lent_until = -math.inf
        """Monotonic."""
        self._lent = Lost(LostReason.YIELDED)
        """To whom."""

    async def run(self) -> None:
        """Keep a session up, without end.

        Returns: never by itself.
        Resources: a live session is deactivated and closed when this is cancelled,
        which takes `GOODBYE` seconds at most; or it is left to the next process.
        Errors: whatever the BMC does ends an attempt, not this function.
        """
        try:
            self._begin()
            while True:
                await self._act()
        finally:
            self._step(Outcome(Input.STOP))
            await self._leave()  # noqa: ASYNC102 - it has a shield and a limit

    def _begin(self) -> None:
        self._wishes.clear()
        link = self._dialer.resume(self.config, self._console)
        if link is None:
            self._step(Outcome(Input.START))
        else:
            self._attempt = Attempt(link, self._takeover)
            self._step(Outcome(Input.RESUME))
        if trio.current_time() < self._lent_until:
            # Lent before we ran, or a bug ended the task: the loan goes on.
            self._step(Outcome(Input.GIVE_AWAY, self._lent))

    async def _act(self) -> None:
        """Do what the state asks for, then take the steps that follow from it."""
        outcome: Outcome | None = None
        with trio.CancelScope() as self._acting:
            outcome = await self._outcome()
        if outcome is not None:
            # Also when a wish came at the same moment: what is lost is lost.
            self._step(outcome)
        self._grant_wishes()

    def _grant_wishes(self) -> None:
        while self._wishes:
            self._step(self._wishes.pop(0))

    def _step(self, outcome: Outcome) -> None:
        step = look_up(STEPS, self.state, outcome.given)
        if not is_step(self.state, step):
            return
        self.state = step.to
        self._lost = outcome.lost or self._lost
        self._seconds = self._until_next_try()
        if step.tell is not None:
            self._console.session_changed(step.tell, outcome.lost, self._seconds)

    def _until_next_try(self) -> float | None:
        match self.state:
            case State.DIALLING:
                return 0.0
            case State.FOREIGN:
                return POLL_FOREIGN
            case State.PAUSED:
                return self._pause()
            case State.LENT:
                return self._lent_until - trio.current_time()
            case _:
                return None

    def _pause(self) -> float:
        reason = self._lost.reason
        if reason in LOGIN_REFUSED and not self._login_worked:
            return self._refusals.next()
        if reason in LOGIN_REFUSED:
            self._login_worked = False
        if reason in _NOT_HEARD and self._dialer.try_next(self.config.name):
            return self._rng.uniform(BACKOFF_FIRST / 2, BACKOFF_FIRST)
        return self._backoff.next()

    # What the states ask for.

    async def _outcome(self) -> Outcome:
        try:
            match self.state:
                case State.DIALLING:
                    return await self._dial()
                case State.CONFIRMING:
                    return await self._confirm(self._session)
                case State.PAUSED | State.LENT:
                    await trio.sleep(max(self._seconds or 0.0, 0.0))
                    return Outcome(Input.TIME_OVER)
                case State.LEAVING | State.RENEWING | State.RELEASING:
                    await self._leave()
                    return Outcome(Input.LEFT, self._lost)
                case state:
                    return await self._session.act(state, self.config)
        except LostError as error:
            return Outcome(Input.LOST, error.lost)

    async def _dial(self) -> Outcome:
        link = await self._new_link()
        self._attempt = Attempt(link, self._takeover)
        logged_in = await log_in(
            link, self._dialer.slots, lambda: self._step(Outcome(Input.SLOT))
        )
        self._attempt.kept = logged_in.kept
        self._login_worked = True
        self._refusals.reset()
        self._watch_power(link)
        return Outcome(Input.LOGGED_IN)

    async def _new_link(self) -> SolLink:
        try:
            address = await self._dialer.resolve(self.config)
            return self._dialer.link(self.config, address, self._console)
        except NameUnresolvedError as error:
            raise LostError(LostReason.NAME_UNRESOLVED, str(error)) from error
        except (LinkError, OSError) as error:
            raise LostError(LostReason.UNREACHABLE, str(error)) from error

    async def _confirm(self, attempt: Attempt) -> Outcome:
        await attempt.confirm()
        self._login_worked = True
        self._watch_power(attempt.link)
        return Outcome(Input.CONFIRMED)

    async def _leave(self) -> None:
        """End the session, if there is one; cannot be interrupted."""
        attempt, self._attempt = self._attempt, None
        if attempt is None:
            return
        if trio.current_time() - attempt.up_since >= SETTLED:
            self._backoff.reset()
        self._console.power_seen(on=None)
        if self._dialer.is_handing_over:
            hand_over(attempt.link)
        else:
            await hang_up(attempt.link)

    # The session that there is.

    @property
    def _session(self) -> Attempt:
        if self._attempt is None:
            raise RequestError("there is no session with the BMC just now")
        return self._attempt

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
        return await self._session.link.request(
            netfn, command, data, lun=lun, retry_intervals=retry_intervals
        )

    def write(self, data: bytes) -> bool:
        """Type bytes on the console; False while there is no session.

        Raises:
            BufferError: too much waits for the BMC already; see `unsent`.
        """
        if self.state is not State.UP:
            return False
        self._session.link.write(data)
        return True

    def send_break(self) -> bool:
        """Send a serial break; False while there is no session.

        Raises:
            BufferError: as `write`.
        """
        if self.state is not State.UP:
            return False
        self._session.link.send_break()
        return True

    @property
    def unsent(self) -> int:
        """Bytes of `write` that the BMC has not accepted yet."""
        return 0 if self._attempt is None else self._attempt.link.unsent

    def console_is_quiet(self) -> None:
        """The machine printed something and then stopped: is it still on?"""
        if self._attempt is not None:
            self._attempt.link.ask_power_soon(POWER_AFTER_QUIET)

    def _watch_power(self, link: SolLink) -> None:
        link.watch_power(lambda on: self._console.power_seen(on=on), self._rng)

    @property
    def answer_delay(self) -> float | None:
        """Seconds that the BMC's answers took in the last login; None: no session."""
        if self._attempt is None:
            return None
        return self._attempt.link.session.answer_delay

    @property
    def password_kept(self) -> int | None:
        """Bytes of the password that the BMC has, where these are not all of them."""
        return None if self._attempt is None else self._attempt.kept

    # Wishes.

    def yield_session(self, seconds: float, why: str) -> None:
        """End the session, and begin none for so long: another client needs the BMC.

        Args:
            seconds: for how long, from now; `take_back` ends it early.
            why: one line for people.
        """
        self._lent_until = trio.current_time() + seconds
        self._lent = Lost(LostReason.YIELDED, why)
        self._wish(Input.GIVE_AWAY, self._lent)

    def take_back(self) -> None:
        """Have the console at once, whatever session has it now."""
        if self.state is State.UP and not self._wishes:
            return
        self._lent_until = -math.inf
        self._takeover.take_next()
        self._wish(Input.TAKE_BACK)

    def renew(self) -> None:
        """The configuration was read again: a BMC that refused us may take us now."""
        if self.state is State.PAUSED and self._lost.reason in LOGIN_REFUSED:
            self.reconnect("the configuration was read again")

    def reconnect(self, why: str) -> None:
        """End the session, or the wait for one, and begin a fresh one at once.

        What earlier logins have taught about the BMC is forgotten.

        Args:
            why: one line for people.
        """
        self._backoff.reset()
        self._refusals.reset()
        self._dialer.relearn(self.config.name)
        self._wish(Input.RECONNECT, Lost(LostReason.RECONNECT, why))

    def revive(self, why: str) -> bool:
        """Activate the payload once more: nothing comes, though something should.

        Args:
            why: one line for people.

        Returns:
            Whether that is done; not without the payload, nor too often.
        """
        now = trio.current_time()
        if self.state is not State.UP or not self._takeover.may_act(now):
            return False
        self._takeover.acted(now)
        silent = Lost(LostReason.SILENT, why)
        self._wish(*self._session.without_payload(Input.REVIVE, silent))
        return True

    def _wish(self, given: Input, lost: Lost | None = None) -> None:
        step = look_up(STEPS, self.state, given)
        if is_step(self.state, step) or self._wishes:
            self._wishes.append(Outcome(given, lost))
            self._acting.cancel()
