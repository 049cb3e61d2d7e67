"""What a BMC does besides the console, over our session: power, event log.

pyghmi knows these dialogues of many commands; it is used for them and for nothing else,
and nothing else imports it. Its `Command` gets a session that is ours: each raw command
goes through the live session of the console, between its keepalives, so a BMC with one
session slot can be managed while it is recorded. pyghmi waits for answers, therefore it
runs in a worker thread, a few at a time for the whole fleet.

Vendors' extensions of pyghmi stay off: they open web connections of their own to the
BMC. What is done here is IPMI, over the one session.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

import trio

from solrecd.process.threads import Job, in_thread
from solrecd.sources.base import PowerAction, SourceError
from solrecd.sources.ipmi.link.base import LinkError, RequestError
from solrecd.sources.ipmi.protocol.events import CommandAnswered

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


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry of the BMC's system event log (IPMI 2.0 §32)."""

    number: int
    at: int | None
    """Stamp, corrected by how wrong the BMC's clock is now; None where it has none."""
    component: str
    """Type and name of the sensor."""
    text: str
    severity: str
    """``ok``, ``warning``, ``critical``, ``failed``, or empty."""
    asserted: bool
    """False: what the text says is over."""


class Request(Protocol):
    """Sends a command over a console's session; see `Keeper.request`."""

    def __call__(
        self, netfn: int, command: int, data: bytes = b"", *, lun: int = 0
    ) -> Awaitable[CommandAnswered]:
        """Return the answer, or raise `RequestError`."""


class Management:
    """One BMC, as those see it who want more of it than its console.

    Args:
        request: sends one command over the session, whichever it is by then.
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
        return [_entry(each) for each in entries]

    async def recent_events(self, count: int) -> list[LogEntry]:
        """Return the newest entries of the system event log, oldest first.

        Logs of thousands of entries take minutes, so only the end is read.

        Args:
            count: how many at most.

        Raises:
            ManagementError: as `event_log`.
        """
        entries = await self._run(lambda bmc: _recent(bmc, count))
        return [_entry(each) for each in entries]

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
        return act(_command(BorrowedSession(commands.request, commands.sleep)))
    except PyghmiException as error:
        raise ManagementError(f"the BMC says: {error}") from None
    except _NONSENSE as error:
        # pyghmi trusts what BMCs answer; what they answer is not always what it should.
        raise ManagementError(f"the BMC answered nonsense ({error!r})") from error


def _command(session: BorrowedSession) -> Any:
    """Return pyghmi's `Command` over a session of ours.

    Its own constructor would log in. What it sets is set here; ``_oemknown`` keeps the
    vendors' handlers, and ``_sdr`` the repository of sensors, out of it.
    """
    from pyghmi.ipmi.command import Command  # noqa: PLC0415
    from pyghmi.ipmi.oem.generic import OEMHandler  # noqa: PLC0415

    command = Command.__new__(Command)
    vars(command).update(
        onlogon=None,
        bmc="",
        certverify=None,
        kwargs={},
        ipmi_session=session,
        _sdrcachedir=None,
        _sdr=_NoSensors(),
        _oem=OEMHandler(None, command),
        _oemknown=True,
        _netchannel=None,
        _ipv6support=None,
    )
    return command


_GET_SEL_ENTRY = {"netfn": 0x0A, "command": 0x43}
_LAST = 0xFFFF
"""Asks for the last entry, and follows it (IPMI 2.0 §31.5)."""
_NOT_THERE = 0xCB


def _recent(bmc: Any, count: int) -> Any:
    """Return the last entries as pyghmi reads them (worker thread)."""
    from pyghmi.exceptions import IpmiException  # noqa: PLC0415
    from pyghmi.ipmi.events import EventHandler  # noqa: PLC0415

    try:
        newest = bmc.xraw_command(**_GET_SEL_ENTRY, data=_which(_LAST))
    except IpmiException as error:
        if error.ipmicode == _NOT_THERE:
            return []
        raise
    (last,) = struct.unpack_from("<H", bytes(newest["data"]), 2)
    handler = EventHandler(bmc.init_sdr(), bmc)
    # Most BMCs count their entries; where they do not, the first try meets none.
    for first in dict.fromkeys((max(last - count + 1, 1), last)):
        found = handler.fetch_sel(_FromEntry(bmc, first, count))
        if found:
            return found
    return []


def _which(number: int) -> bytes:
    return struct.pack("<HHH", 0, number, 0xFF00)


class _FromEntry:
    """Stands for pyghmi's `Command`: its event log begins at a later entry.

    Args:
        bmc: that command.
        first: number of the entry that is read first.
        count: entries after which the log is taken to end.
    """

    def __init__(self, bmc: Any, first: int, count: int) -> None:
        self._bmc = bmc
        self._first = first
        self._left = count

    def xraw_command(self, netfn: int, command: int, data: Any = ()) -> Any:
        """Send a command; the question for the first entry is one for ours."""
        wish = {"netfn": netfn, "command": command}
        if wish != _GET_SEL_ENTRY:
            return self._bmc.xraw_command(**wish, data=data)
        if bytes(data) == _which(0):
            data = _which(self._first)
        answer = self._bmc.xraw_command(**wish, data=data)
        self._left -= 1
        if self._left <= 0:
            answer["data"][:2] = _LAST.to_bytes(2, "little")
        return answer


class _NoSensors:
    """Stands for pyghmi's repository of sensors."""

    def __init__(self) -> None:
        self.sensors: dict[str, object] = {}
        self.fru: dict[int, object] = {}


class BorrowedSession:
    """What pyghmi takes for its session (worker thread only).

    It has the methods of `pyghmi.ipmi.private.session.Session` that are called by
    others; the login, the keepalives and the retransmissions are ours.

    Args:
        request: called in the Trio loop that the thread was started from.
        sleep: called there as well.
    """

    ipmiversion = 2.0
    # Never handed out: only vendors' handlers ask for them.
    userid: bytes | None = None
    password: bytes | None = None

    def __init__(
        self,
        request: Request,
        sleep: Callable[[float], Awaitable[None]] = trio.sleep,
    ) -> None:
        self._request = request
        self._sleep = sleep

    def raw_command(
        self,
        netfn: int,
        command: int,
        data: Any = (),
        retry: bool = True,  # noqa: FBT001, FBT002 - pyghmi's signature
        delay_xmit: float | None = None,
        rslun: int = 0,
        **others: object,
    ) -> dict[str, Any] | None:
        """Send a command and wait for its answer.

        Returns:
            pyghmi's dictionary of an answer, with ``error`` where the code is not 0;
            None for a command without an answer that expects none.

        Raises:
            IpmiException: there was no answer.
        """
        from pyghmi.exceptions import IpmiException  # noqa: PLC0415
        from pyghmi.ipmi.private.util import get_ipmi_error  # noqa: PLC0415

        if others.get("bridge_request") or others.get("callback"):
            raise IpmiException("bridged and asynchronous commands are not supported")
        if delay_xmit:
            self.pause(delay_xmit)
        try:
            answer = trio.from_thread.run(
                partial(self._request, netfn, command, bytes(data), lun=rslun)
            )
        except RequestError as error:
            if not retry:
                return None
            raise IpmiException(str(error)) from None
        response = {
            "netfn": netfn | 1,
            "command": command,
            "code": answer.code,
            "data": bytearray(answer.data),
        }
        problem = get_ipmi_error(response)
        return response | {"error": problem} if problem else response

    def pause(self, seconds: float) -> None:
        """Wait; the loop goes on, and so does the recording."""
        trio.from_thread.run(self._sleep, seconds)

    def register_keepalive(self, cmd: object, callback: object) -> None:
        """Do nothing: the session is kept alive already."""


_SEVERITIES: Mapping[int, str] = MappingProxyType(
    {0: "ok", 1: "warning", 2: "critical", 4: "failed"}
)
"""`pyghmi.constants.Health` in words."""


def _entry(event: Mapping[str, Any]) -> LogEntry:
    kind, sensor = event.get("component_type"), event.get("component")
    details = [event.get("event"), event.get("event_data")]
    if "oemdata" in event:
        details.append(f"vendor's data {bytes(event['oemdata']).hex()}")
    return LogEntry(
        number=event["record_id"],
        at=_stamp(event.get("timestamp")),
        component=" ".join(str(each) for each in (kind, sensor) if each),
        text=": ".join(str(each) for each in details if each),
        severity=_SEVERITIES.get(event.get("severity", -1), ""),
        asserted=not event.get("deassertion", False),
    )


def _stamp(timestamp: str | None) -> int | None:
    """Return the stamp of pyghmi's time, which is this machine's local time."""
    if timestamp is None:
        return None
    local = time.strptime(timestamp, "%Y-%m-%dT%H:%M:%S")
    return round(time.mktime(local)) * 1_000_000
