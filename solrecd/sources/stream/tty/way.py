"""Opens a serial port, or says why not and what helps."""

from __future__ import annotations

import errno
import fcntl
import os
import termios
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import trio

from solrecd.events.sessions import Lost, LostReason
from solrecd.process.threads import Job, in_thread
from solrecd.sources.base import Recorder, Tell
from solrecd.sources.explaining import explained
from solrecd.sources.findings import Finding, bad, ok
from solrecd.sources.stream.held import HeldBytes
from solrecd.sources.stream.terminal import TerminalConnection, left_terminal
from solrecd.sources.stream.tty.device import (
    TIOCCBRK,
    TIOCSBRK,
    modem_lines,
    open_device,
    unsent,
)
from solrecd.sources.stream.tty.place import TROUBLES, TtyOptions
from solrecd.sources.troubles import NotConnectedError

OPENING: Final = 10.0
"""Seconds for a port to be opened; a driver may wait for its adapter."""

_OPEN: Final = Job("a serial port", "the next start opens it again")

BREAK_LENGTH: Final = 0.3
"""Seconds; firmware and kernels want a quarter of one."""

_GONE: Final = frozenset({errno.EIO, errno.ENODEV, errno.ENXIO})
"""Errors of a port that is gone."""

_SENT_EVERY: Final = 0.01
"""Seconds between two looks whether all is sent that a break has to follow."""


class TtyWay:
    """The way to a serial port; fits `solrecd.sources.stream.way.Way`."""

    longest_wait: Final = 3.0
    """An adapter that is plugged in again should be recorded at once."""
    unnoticed: Final = 0.0
    has_break: Final = True

    def __init__(self, options: TtyOptions) -> None:
        self._options = options

    @property
    def place(self) -> str:
        """See `Way`."""
        return self._options.place

    def details(self) -> Mapping[str, Any]:
        """See `Way`."""
        return self._options.details()

    async def open(self, recorder: Recorder) -> TtyConnection:
        """See `Way`."""
        del recorder
        return TtyConnection(await self._open(), HeldBytes(), self._options)

    async def _open(self) -> int:
        try:
            with trio.fail_after(OPENING):
                return await _Opening(self._options).run()
        except trio.TooSlowError:
            error = OSError(errno.ETIMEDOUT, "its driver does not answer")
            raise explained(error, self.place, TROUBLES) from None
        except OSError as error:
            raise explained(error, self.place, TROUBLES) from None

    def adopt(
        self, recorder: Recorder, descriptors: Mapping[str, int]
    ) -> TtyConnection:
        """See `Way`."""
        del recorder
        return TtyConnection(*left_terminal(descriptors), self._options)

    async def examine(self, tell: Tell) -> bool:
        """See `Way`."""
        real = os.path.realpath(self.place)  # noqa: ASYNC240 - of /dev
        try:
            fd = await self._open()
        except NotConnectedError as error:
            await tell(bad("device", error.what, error.cure))
            return True
        os.close(fd)
        await tell(ok("device", f"{self.place} is {real}"))
        return False


class _Opening:
    """Opens a port in a thread, which is left behind where the driver hangs."""

    def __init__(self, options: TtyOptions) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._is_wanted = True
        self._fd: int | None = None

    async def run(self) -> int:
        """Return the port.

        Raises:
            OSError: it cannot be had.
        """
        try:
            return await in_thread(_OPEN, self._open)
        except trio.Cancelled:
            with self._lock:
                self._is_wanted = False
                if self._fd is not None:
                    os.close(self._fd)
            raise

    def _open(self) -> int:
        fd = open_device(self._options)
        with self._lock:
            if self._is_wanted:
                self._fd = fd
                return fd
        os.close(fd)
        raise OSError(errno.ETIMEDOUT, "")


class TtyConnection(TerminalConnection):
    """A serial port that is open; fits `way.Connection`."""

    def __init__(self, fd: int, held: HeldBytes, options: TtyOptions) -> None:
        super().__init__(fd, held)
        self._options = options
        self.send_break = self._send_break

    def look(self) -> bytes | None:
        """See `Connection`."""
        try:
            return super().look()
        except BlockingIOError:
            raise
        except OSError as error:
            if error.errno in _GONE:
                return None
            raise

    async def _send_break(self) -> None:
        while unsent(self.fd):  # noqa: ASYNC110 - tcdrain(3) would block
            await trio.sleep(_SENT_EVERY)
        fcntl.ioctl(self.fd, TIOCSBRK)
        try:
            await trio.sleep(BREAK_LENGTH)
        finally:
            with suppress(OSError):
                fcntl.ioctl(self.fd, TIOCCBRK)

    async def ended(self) -> Lost:
        """See `Connection`."""
        await trio.lowlevel.checkpoint()
        said = explained(OSError(errno.EIO, ""), self._options.place, TROUBLES)
        return Lost(LostReason.CLOSED, str(said))

    async def aclose(self) -> None:
        """See `Connection`."""
        with suppress(OSError, termios.error):
            # What flow control holds back would hold us up, too: for 30 s.
            termios.tcflush(self.fd, termios.TCOFLUSH)
            fcntl.ioctl(self.fd, termios.TIOCNXCL)
        self.leave()
        await trio.lowlevel.checkpoint()

    def details(self) -> Mapping[str, Any]:
        """See `Connection`."""
        lines = modem_lines(self.fd)
        return {} if lines is None else {"modem": lines or "no signals"}

    def findings(self) -> Sequence[Finding]:
        """See `Connection`."""
        options, lines = self._options, modem_lines(self.fd)
        told = f"{options.baud} bit/s, 8n1, flow control {options.flow}"
        if lines is None:
            return (ok("serial", told),)
        return (ok("serial", f"{told}; modem lines that are on: {lines or 'none'}"),)
