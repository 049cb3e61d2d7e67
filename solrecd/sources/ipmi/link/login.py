"""How a session on a link begins and ends, whatever it is used for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import trio

from solrecd.events.sessions import Lost, LostReason
from solrecd.sources.ipmi.link.base import not_sendable
from solrecd.sources.ipmi.link.sol import SolLink
from solrecd.sources.ipmi.protocol.events import LoggedIn, SessionEvent, SessionLost

SLOT_PATIENCE = 2.0
"""Seconds that a login may keep its slot. A rack without power answers nothing at all:
its logins run on without slots, or they would hold those of the living for minutes."""

LOGIN_REFUSED: Final = frozenset(
    {LostReason.BAD_USERNAME, LostReason.BAD_PASSWORD, LostReason.BAD_KG}
)
"""Reasons that are failed logins at the BMC: too many of them lock an account."""

GOODBYE = 2.0
"""Seconds for Deactivate Payload and Close Session on the way out. A BMC that gets
neither refuses the next SoL session for up to a minute."""

_Event = TypeVar("_Event", bound=SessionEvent)


class LostError(Exception):
    """There is no session, or none any more."""

    def __init__(self, reason: LostReason, detail: str) -> None:
        super().__init__(detail)
        self.lost = Lost(reason, detail)


async def next_event(link: SolLink) -> SessionEvent:
    """Wait for the next event of a session; cancelling it loses none.

    Raises:
        LostError: it was the last one.
    """
    event = await link.next_event()
    if isinstance(event, SessionLost):
        raise LostError(event.reason, event.detail)
    return event


async def expect(link: SolLink, wanted: type[_Event]) -> _Event:
    """Wait for an event of one type; those before it are passed over.

    Raises:
        LostError: the session ended first.
    """
    while not isinstance(event := await next_event(link), wanted):
        pass
    return event


async def log_in(
    link: SolLink, slots: trio.CapacityLimiter, begun: Callable[[], None] = lambda: None
) -> LoggedIn:
    """Log in; a BMC that takes long gives its login slot to others meanwhile.

    Args:
        link: has sent nothing yet.
        slots: how many logins may be under way at the same time.
        begun: called when there is a slot.

    Raises:
        LostError: the BMC refused, or did not answer.
    """
    async with slots:
        begun()
        link.open()
        with trio.move_on_after(SLOT_PATIENCE):
            return await _logged_in(link)
    return await _logged_in(link)


async def _logged_in(link: SolLink) -> LoggedIn:
    try:
        return await expect(link, LoggedIn)
    except LostError as error:
        refused = link.send_error
        if error.lost.reason is not LostReason.UNREACHABLE or refused is None:
            raise
        text = not_sendable(link.address.host, refused)
        raise LostError(LostReason.UNREACHABLE, text) from None


async def hang_up(link: SolLink) -> None:
    """End a session and close its link, in `GOODBYE` seconds, also when cancelled."""
    try:
        with trio.move_on_after(GOODBYE, shield=True):
            await _say_goodbye(link)
    finally:
        link.close()


async def _say_goodbye(link: SolLink) -> None:
    if link.is_over:
        return
    link.close_session()
    while not isinstance(await link.next_event(), SessionLost):
        pass


def hand_over(link: SolLink) -> None:
    """Leave a session to the next process and close the link.

    One that cannot be left is ended; the BMC's answer to that is not read.
    """
    try:
        if not link.is_over and not link.leave():
            link.close_session()
    finally:
        link.close()
