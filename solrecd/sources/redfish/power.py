"""Switches one machine's power by the Redfish of its BMC."""

from __future__ import annotations

from typing import Final

import trio

from solrecd.sources.base import PowerAction
from solrecd.sources.guard import Guard
from solrecd.sources.https.tls import Trust
from solrecd.sources.power.control import PowerError
from solrecd.sources.power.options import PowerOptions
from solrecd.sources.redfish.client import RedfishClient
from solrecd.sources.redfish.systems import (
    SYSTEMS,
    OddAnswerError,
    System,
    choose,
    members,
    system_of,
)

OFF_WITHIN: Final = 60.0
"""Seconds in which a machine that is switched off is off."""

_LOOK_EVERY: Final = 2.0


class RedfishPower:
    """One machine's power; fits `solrecd.sources.base.PowerControl`.

    Args:
        options: where its BMC is, and as whom.
        trust: TLS settings.
    """

    def __init__(self, options: PowerOptions, trust: Trust) -> None:
        self._options = options
        self._client = RedfishClient(options, trust)
        self._path = ""
        """Of the system, once it was found."""

    async def power(self) -> str:
        """See `PowerControl`."""
        return (await self._system()).state.value

    async def set_power(self, action: PowerAction) -> None:
        """See `PowerControl`."""
        system = await self._system()
        if action is PowerAction.CYCLE and system.state is PowerAction.OFF:
            action = PowerAction.ON
        reset_type = system.reset_type(action)
        if reset_type is not None:
            await self._reset(system, reset_type)
        elif action is PowerAction.CYCLE:
            await self._off_and_on(system)
        else:
            raise self._lacks(system, action)

    async def _off_and_on(self, system: System) -> None:
        """Cycle the power of a system that has no word for it."""
        off = system.reset_type(PowerAction.OFF)
        on = system.reset_type(PowerAction.ON)
        if off is None or on is None:
            raise self._lacks(system, PowerAction.CYCLE)
        await self._reset(system, off)
        with trio.move_on_after(OFF_WITHIN) as limit:
            while (await self._system()).state is not PowerAction.OFF:  # noqa: ASYNC110
                await trio.sleep(_LOOK_EVERY)
        if limit.cancelled_caught:
            text = f"{self._options.place}: still on {OFF_WITHIN:.0f} s after ForceOff"
            raise PowerError(text, "see what the BMC says of it")
        await self._reset(system, on)

    async def _reset(self, system: System, reset_type: str) -> None:
        await self._client.post(system.target, {"ResetType": reset_type})

    def _lacks(self, system: System, action: PowerAction) -> PowerError:
        allowed = ", ".join(system.allowed or ()) or "nothing"
        text = f"{self._options.place}: its system has no way to do {action.value!r}"
        return PowerError(f"{text}; it has {allowed}")

    async def _system(self) -> System:
        try:
            if not self._path:
                found = members(await self._client.get(SYSTEMS))
                self._path = choose(found, self._options.system)
            return system_of(await self._client.get(self._path))
        except OddAnswerError as error:
            self._path = ""
            raise PowerError(f"{self._options.place} {error}") from None
        except PowerError:
            self._path = ""
            raise


class RedfishPowers:
    """Makes what switches the power of all consoles by Redfish."""

    def __init__(self) -> None:
        self._trust = Trust()

    def of(
        self,
        options: PowerOptions,
        name: str,  # noqa: ARG002 - see `PowerMaker`
        guard: Guard,  # noqa: ARG002
    ) -> RedfishPower:
        """Return what switches one machine's; a `PowerMaker`."""
        return RedfishPower(options, self._trust)
