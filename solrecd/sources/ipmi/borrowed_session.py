"""pyghmi's `Command` over a session of ours.

Its own `Session` would log in and open sockets; what stands in for it here sends each
command through a function, waiting for it in the Trio loop (worker threads only).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol

import trio

from solrecd.sources.ipmi.link.base import RequestError
from solrecd.sources.ipmi.protocol.events import CommandAnswered


class Request(Protocol):
    """Sends a command over a console's session; see `Keeper.request`."""

    def __call__(
        self, netfn: int, command: int, data: bytes = b"", *, lun: int = 0
    ) -> Awaitable[CommandAnswered]:
        """Return the answer, or raise `RequestError`."""


def pyghmi_command(session: BorrowedSession) -> Any:
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
