"""What a BMC does besides the console, over our session: power, event log.

pyghmi knows these dialogues of many commands; it is used for them and for nothing else.
Its `Command` gets a session that is ours: each raw command
goes through the live session of the console, between its keepalives, so a BMC with one
session slot can be managed while it is recorded. pyghmi waits for answers, therefore it
runs in a worker thread, a few at a time for the whole fleet.

Vendors' extensions of pyghmi stay off: they open web connections of their own to the
BMC. What is done here is IPMI, over the one session.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, TypeVar

import trio

from solrecd.process.threads import Job, in_thread
from solrecd.sources.base import PowerAction, SourceError
from solrecd.sources.ipmi.borrowed_session import (
    BorrowedSession,
    Request,
    pyghmi_command,
)
from solrecd.sources.ipmi.link.base import LinkError, RequestError
from solrecd.sources.ipmi.protocol.events import CommandAnswered
from solrecd.sources.ipmi.system_event_log import LogEntry, log_entry, recent_entries

MANAGED_AT_ONCE = 8
"""Threads for all consoles together; a person or a script waits for each."""

TIMEOUT = 120.0
"""Seconds for one task: an event log of thousands of entries on a slow BMC. A BMC that
never comes to the end of its log ends here too."""

_MANAGE = Job("a BMC's answers to pyghmi", "who asked has to ask again")

_NONSENSE = (
    ArithmeticError,
    AssertionError,
    LookupError,
    TypeError,
    ValueError,
    struct.error,
)
"""What pyghmi raises over answers that are not as they should be."""

_T = TypeVar("_T")


class ManagementError(SourceError):
    """The BMC did not do it; the message is one line that says why."""


class Management:
    """One BMC, as those see it who want more of it than its console.

    Args:
        request: sends one command over the session, the current one.
        threads: limits how many of these work at the same time.
    """

    def __init__(self, request: Request, threads: trio.CapacityLimiter) -> None:
        self._request = request
        self._threads = threads

    async def power(self) -> PowerAction:
        """Return whether the machine is on or off.

        Raises:
            ManagementError: the BMC did not tell.
        """
        answer = await self._run(lambda bmc: bmc.get_power())
        return PowerAction(answer["powerstate"])

    async def set_power(self, action: PowerAction) -> None:
        """Ask for a change of the power; the BMC answers before it has happened.

        Raises:
            ManagementError: the BMC refused.
        """
        if action is PowerAction.CYCLE:
            # pyghmi resets instead; a reset does not take the power away from what
            # hangs without it.
            await self._cycle()
        else:
            await self._run(lambda bmc: bmc.set_power(action.value))

    async def _cycle(self) -> None:
        if await self.power() is PowerAction.OFF:
            await self.set_power(PowerAction.ON)
        else:
            wish = {"netfn": 0x00, "command": 0x02, "data": (0x02,)}
            await self._run(lambda bmc: bmc.xraw_command(**wish))

    async def event_log(self) -> list[LogEntry]:
        """Return the system event log, oldest first.

        Sensors keep their numbers: their names stand in a repository that old BMCs
        take minutes to read out.

        Raises:
            ManagementError: the BMC did not show it, or not within `TIMEOUT`.
        """
        entries = await self._run(lambda bmc: bmc.get_event_log())
        return [log_entry(each) for each in entries]

    async def recent_events(self, count: int) -> list[LogEntry]:
        """Return the newest entries of the system event log, oldest first.

        Logs of thousands of entries take minutes, so only the end is read.

        Args:
            count: how many at most.

        Raises:
            ManagementError: as `event_log`.
        """
        entries = await self._run(lambda bmc: recent_entries(bmc, count))
        return [log_entry(each) for each in entries]

    async def _run(self, act: Callable[[Any], _T]) -> _T:
        """Let pyghmi act in a thread.

        Cancelling it ends the command under way, and the thread at its next one.
        """
        commands = _Commands(self._request)
        try:
            with trio.fail_after(TIMEOUT):
                return await in_thread(
                    _MANAGE, _act, commands, act, limiter=self._threads
                )
        except trio.TooSlowError:
            raise ManagementError(
                f"the BMC did not come to an end within {TIMEOUT:.0f} s"
            ) from None
        except LinkError as error:
            raise ManagementError(str(error)) from None
        finally:
            commands.end()


class _Commands:
    """What one thread asks of the BMC and of the clock; belongs to the event loop.

    An abandoned thread does not share its task's cancellation, so it has this.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._under_way = trio.CancelScope()

    async def request(
        self, netfn: int, command: int, data: bytes = b"", *, lun: int = 0
    ) -> CommandAnswered:
        """See `Request`."""
        with self._until_end():
            return await self._request(netfn, command, data, lun=lun)
        raise RequestError("the answer is not waited for any more")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        with self._until_end():
            await trio.sleep(seconds)

    def _until_end(self) -> trio.CancelScope:
        if self._under_way.cancel_called:
            raise RequestError("the answer is not waited for any more")
        self._under_way = trio.CancelScope()
        return self._under_way

    def end(self) -> None:
        """Nothing is waited for any more."""
        self._under_way.cancel()


def _act(commands: _Commands, act: Callable[[Any], _T]) -> _T:
    """Do something with pyghmi (worker thread)."""
    # Imported here: it takes 0.2 s, and a recorder that manages nothing does without.
    from pyghmi.exceptions import PyghmiException  # noqa: PLC0415

    try:
        return act(pyghmi_command(BorrowedSession(commands.request, commands.sleep)))
    except PyghmiException as error:
        raise ManagementError(f"the request failed: {error}") from None
    except _NONSENSE as error:
        # pyghmi trusts what BMCs answer; what they answer is not always what it should.
        raise ManagementError(f"the BMC answered nonsense ({error!r})") from error
