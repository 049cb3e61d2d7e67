"""The power of a machine whose console is not IPMI's: a short session for each act.

It logs in without SoL, asks, and closes the session: a BMC has few of them, and the
recorder of another console may need one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import trio

from solrecd.events.sessions import LostReason
from solrecd.sources.base import PowerAction
from solrecd.sources.guard import Guard
from solrecd.sources.ipmi.link.base import LinkError
from solrecd.sources.ipmi.link.dialer import Dialer
from solrecd.sources.ipmi.link.hub import Hub
from solrecd.sources.ipmi.link.login import (
    LOGIN_REFUSED,
    LostError,
    hang_up,
    log_in,
)
from solrecd.sources.ipmi.management import (
    MANAGED_AT_ONCE,
    Management,
    ManagementError,
)
from solrecd.sources.ipmi.options import IpmiOptions
from solrecd.sources.power.control import PowerError
from solrecd.sources.power.options import PowerOptions

TIMEOUT: Final = 60.0
"""Seconds for all of it, at a BMC that takes some for each answer."""

_CURES: Final = {
    LostReason.BAD_USERNAME: "correct `bmc_username`; the account may be locked",
    LostReason.BAD_PASSWORD: "correct the password of `bmc_username`",
    LostReason.UNREACHABLE: "see whether IPMI over LAN is switched on at that BMC, or"
    ' use power = "redfish"',
}

T = TypeVar("T")


class IpmiPower:
    """One machine's power; fits `solrecd.sources.base.PowerControl`.

    Args:
        options: where its BMC is, and as whom.
        name: of the console.
        guard: contains the bugs of the console.
        threads: limits how many wait for answers at the same time.
    """

    def __init__(
        self,
        options: PowerOptions,
        name: str,
        guard: Guard,
        threads: trio.CapacityLimiter,
    ) -> None:
        self._place = options.place
        self._guard = guard
        self._threads = threads
        self._options = IpmiOptions(
            name=name,
            host=options.host,
            port=options.port,
            username=options.username.encode(),
            password=options.password,
        )

    async def power(self) -> str:
        """See `PowerControl`."""
        return (await self._ask(Management.power)).value

    async def set_power(self, action: PowerAction) -> None:
        """See `PowerControl`."""
        await self._ask(lambda bmc: bmc.set_power(action))

    async def _ask(self, act: Callable[[Management], Awaitable[T]]) -> T:
        """Do something in a session of its own."""
        try:
            with trio.fail_after(TIMEOUT):
                found = await self._beside_hub(act)
        except trio.TooSlowError:
            raise PowerError(f"{self._place}: no answer in {TIMEOUT:.0f} s") from None
        if isinstance(found, PowerError):
            raise found
        return found

    async def _beside_hub(
        self, act: Callable[[Management], Awaitable[T]]
    ) -> T | PowerError:
        hub = Hub(lambda _seconds: None)
        async with trio.open_nursery() as nursery:
            await nursery.start(hub.run)
            found = await self._answered(Dialer(hub, 1, lambda _name: self._guard), act)
            nursery.cancel_scope.cancel()
        return found

    async def _answered(
        self, dialer: Dialer, act: Callable[[Management], Awaitable[T]]
    ) -> T | PowerError:
        """Return what came of it: a nursery would wrap what is raised."""
        try:
            return await self._in_session(dialer, act)
        except LostError as error:
            lost = error.lost
            return PowerError(
                f"{self._place}: {lost.detail or lost.reason}",
                _CURES.get(lost.reason, ""),
                is_refused=lost.reason in LOGIN_REFUSED,
            )
        except (LinkError, ManagementError, OSError) as error:
            return PowerError(f"{self._place}: {error}")

    async def _in_session(
        self, dialer: Dialer, act: Callable[[Management], Awaitable[T]]
    ) -> T:
        address = await dialer.resolve(self._options)
        link = dialer.visit(self._options, address)
        try:
            await log_in(link, dialer.slots)
            return await act(Management(link.request, self._threads))
        finally:
            await hang_up(link)  # noqa: ASYNC102 - it has a shield and a limit


class IpmiPowers:
    """Makes what switches the power of all consoles by IPMI."""

    def __init__(self) -> None:
        self._threads = trio.CapacityLimiter(MANAGED_AT_ONCE)

    def of(self, options: PowerOptions, name: str, guard: Guard) -> IpmiPower:
        """Return what switches one machine's; a `PowerMaker`."""
        return IpmiPower(options, name, guard, self._threads)
