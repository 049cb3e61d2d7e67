"""One session with a BMC, from its login on: what is done in it, state by state.

Each doing ends with an outcome (`solrecd.sources.ipmi.keeper.states`), or with
`LostError`, which is one, too. What follows from it is not decided here.
"""

from __future__ import annotations

import math

import trio

from solrecd.events.sessions import Lost, LostReason
from solrecd.sources.ipmi.keeper.states import Input, Outcome, State
from solrecd.sources.ipmi.keeper.takeover import Takeover
from solrecd.sources.ipmi.link.login import LostError, expect, next_event
from solrecd.sources.ipmi.link.sol import SolLink
from solrecd.sources.ipmi.options import IpmiOptions, OnConflict
from solrecd.sources.ipmi.protocol.constants import CompletionCode
from solrecd.sources.ipmi.protocol.events import (
    SolActivated,
    SolAvailable,
    SolConfirmed,
    SolDeactivated,
    SolRefused,
    SolStolen,
    SolUnavailable,
)

REACTIVATIONS = 3
"""Activations in one session after the BMC dropped the payload; then a fresh login."""

POLL_FOREIGN = 5.0
"""Seconds between two tries to activate while another client holds the console."""

GRACE = 4.0
"""Seconds for another client to activate a payload that was switched off under us. A
person's "ipmitool sol deactivate" is followed by a login and "sol activate", twenty
questions that a slow BMC takes 1 to 3 s for; to be back at once would refuse them each
time. As long is the gap where a BMC switches SoL off by itself."""

CONFIRMED_WITHIN = 2.5
"""Seconds for the BMC to say that a session which an earlier process left is alive and
has the payload; then comes a fresh login."""


class Attempt:
    """A session that a keeper has, or is about to have.

    Args:
        link: its own.
        takeover: of the console, for all attempts.
    """

    def __init__(self, link: SolLink, takeover: Takeover) -> None:
        self.link = link
        self.up_since = math.inf
        """Monotonic; when it first had the payload."""
        self.kept: int | None = None
        """Bytes of the password that the BMC has, where these are not all of them."""
        self._takeover = takeover
        self._drops = 0

    async def act(self, state: State, config: IpmiOptions) -> Outcome:
        """Do what a state asks for in a session that was logged in to.

        Raises:
            LostError: the session is over, or of no use.
        """
        match state:
            case State.ACTIVATING:
                return self._judge(await self._activate(), config)
            case State.TAKING:
                return await self._take(config)
            case State.FOREIGN:
                return await self._wait(POLL_FOREIGN)
            case State.STANDING_BACK:
                return await self._wait(self._grace(config))
            case State.UP:
                return await self._hold()
            case State.REVIVING:
                await self._free()
                return Outcome(Input.FREED)
            case _:
                raise ValueError(f"nothing is done in a session that is {state.value}")

    # One that an earlier process left.

    async def confirm(self) -> None:
        """Return once the BMC says that the session is alive and has the payload.

        Raises:
            LostError: it has not.
        """
        self.link.catch_up()
        with trio.move_on_after(CONFIRMED_WITHIN):
            return await self._confirmed()
        raise LostError(LostReason.BMC_TIMEOUT, "no answer after our restart")

    async def _confirmed(self) -> None:
        while True:
            match await next_event(self.link):
                case SolConfirmed():
                    return
                case SolStolen():
                    raise LostError(LostReason.STOLEN, "taken while we restarted")
                case SolDeactivated():
                    raise LostError(
                        LostReason.DEACTIVATED, "SoL went off while we restarted"
                    )
                case _:
                    pass

    # To get the payload.

    async def _activate(self) -> SolActivated | SolRefused:
        self.link.activate()
        while True:
            event = await next_event(self.link)
            if isinstance(event, SolActivated | SolRefused):
                return event

    async def _free(self) -> int:
        """Have the payload deactivated; return the completion code."""
        self.link.deactivate()
        return (await expect(self.link, SolDeactivated)).code

    async def _take(self, config: IpmiOptions) -> Outcome:
        self._takeover.acted(trio.current_time())
        code = await self._free()
        answer = await self._activate()
        if _is_foreign(answer) and code == CompletionCode.INSUFFICIENT_PRIVILEGE:
            raise LostError(LostReason.PRIVILEGE_REFUSED, self._what_is_lacking(config))
        if _is_foreign(answer) and not self._takeover.was_ours:
            # Some boards (H8QME, Dell M605) say "deactivated" each time and stay
            # active: report that instead of trying in a circle.
            raise LostError(
                LostReason.STUCK_PAYLOAD,
                "the BMC says deactivated but SoL stays active; "
                "a cold reset of the BMC clears it",
            )
        return self._judge(answer, config)

    def _what_is_lacking(self, config: IpmiOptions) -> str:
        """Return why this account may not take the console, and what would help."""
        user = config.username.decode(errors="replace")
        level = self.link.session.privilege
        has = "" if level is None else f" has privilege level {level.name.lower()} and"
        return (
            f"user {user}{has} may not deactivate the session of another user"
            " (completion code 0xd4): give that user privilege level administrator on"
            ' the LAN channel (and privilege = "administrator", if privilege is set),'
            " or have the other client log in as the same user"
        )

    def _judge(self, answer: SolActivated | SolRefused, config: IpmiOptions) -> Outcome:
        if isinstance(answer, SolActivated):
            return Outcome(Input.ACTIVATED)
        if not _is_foreign(answer):
            code = f"completion code 0x{answer.code:02x}"
            raise LostError(answer.reason, f"the BMC refused SoL ({code})")
        if self._takeover.may_take(answer.owner, config, trio.current_time()):
            return Outcome(Input.MAY_TAKE)
        lost = Lost(LostReason.FOREIGN_OWNER, "another session holds the console")
        return Outcome(Input.KEPT if self._takeover.was_ours else Input.OCCUPIED, lost)

    @staticmethod
    def _grace(config: IpmiOptions) -> float:
        """Return how long others may take what was switched off under us."""
        return 0.0 if config.on_stolen is OnConflict.TAKE else GRACE

    async def _wait(self, seconds: float) -> Outcome:
        """Wait, but notice at once when the session itself goes away."""
        with trio.move_on_after(seconds):
            while True:
                await next_event(self.link)
        return Outcome(Input.TIME_OVER)

    # To have it.

    async def _hold(self) -> Outcome:
        """Wait until the payload is not ours any more."""
        self._takeover.won()
        self.up_since = min(self.up_since, trio.current_time())
        while True:
            match await next_event(self.link):
                case SolStolen():
                    lost = Lost(LostReason.STOLEN, "another session took the console")
                    return self.without_payload(Input.DROPPED, lost)
                case SolDeactivated():
                    lost = Lost(LostReason.DEACTIVATED, "the BMC switched SoL off")
                    return self.without_payload(Input.SWITCHED_OFF, lost)
                case SolUnavailable() | SolAvailable():
                    self.link.ask_power_soon(0)
                case _:
                    pass

    def without_payload(self, given: Input, lost: Lost) -> Outcome:
        """Return what becomes of a session that stands and loses its payload.

        Args:
            given: what it is, as long as that has not come too often in this session.
            lost: why.
        """
        self._drops += 1
        return Outcome(given if self._drops <= REACTIVATIONS else Input.LOST, lost)


def _is_foreign(answer: SolActivated | SolRefused) -> bool:
    return isinstance(answer, SolRefused) and answer.reason is LostReason.FOREIGN_OWNER
