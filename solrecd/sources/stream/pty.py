"""A program on a terminal of its own: run, watched, ended; in this process or the next.

For every kind of console that is reached by a program (`exec`, and others to come).

The program leads a session of its own, whose terminal is ours to hold: when the last
descriptor of it is closed, the kernel hangs up, and the program ends as if a person had
closed a window. So a program lives as long as this process or the descriptor store
holds its terminal, and no longer. Whether it still runs, a pidfd says (pidfd_open(2)),
which the store keeps, too: a process number may belong to another one by then.

It is started by posix_spawn(3): it is quick however large this process is, and needs no
code of ours between fork and exec.
"""

from __future__ import annotations

import errno
import fcntl
import os
import pwd
import signal
import struct
import termios
import tty
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import trio

GOODBYE: Final = 1.0
"""Seconds that a program has to end when it is asked to."""

_POLITELY: Final = (signal.SIGHUP, signal.SIGTERM, signal.SIGCONT)
_READ: Final = 4096
_READS: Final = 64
"""More than a terminal holds: what a program that is ended has printed last."""
_COLUMNS: Final = 80
_ROWS: Final = 24
_WINDOW: Final = struct.Struct("HHHH")
_KEPT: Final = ("PATH", "TZ")
"""Variables of our own that a program gets."""
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SIGNALS: Final = frozenset(
    {signal.SIGPIPE, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP}
)
"""Those that Python, or who started us, may have had ignored."""


def environment(ours: Mapping[str, str]) -> Mapping[str, str]:
    """Return what a program gets: nothing that speaks of us, and no secret.

    Args:
        ours: this process's environment.
    """
    account = pwd.getpwuid(os.getuid())
    return {
        "PATH": _PATH,
        "HOME": account.pw_dir,
        "USER": account.pw_name,
        "LOGNAME": account.pw_name,
        "SHELL": "/bin/sh",
        "LANG": "C.UTF-8",
        "TERM": "vt220",
        **{name: ours[name] for name in _KEPT if name in ours},
    }


class PtyProcess:
    """A program and its terminal.

    Args:
        terminal: the side of the terminal that is ours; does not block.
        pid: of the program, which leads its session.
        pidfd: of the program; None: it was not kept.
    """

    def __init__(self, terminal: int, pid: int, pidfd: int | None) -> None:
        self.terminal = terminal
        self.pid = pid
        self.pidfd = pidfd
        self._status: int | None = None
        """As waitpid(2) returns it, once it was reaped."""

    async def wait(self) -> None:
        """Wait until the program has ended; the others of its session may run on."""
        if self.pidfd is None:
            await trio.sleep_forever()
        else:
            await trio.lowlevel.wait_readable(self.pidfd)

    @property
    def has_ended(self) -> bool:
        """Whether the program has ended."""
        self._reap()
        if self._status is not None:
            return True
        try:
            if self.pidfd is None:
                os.kill(self.pid, 0)
            else:
                signal.pidfd_send_signal(self.pidfd, 0)
        except ProcessLookupError:
            return True
        return False

    @property
    def ending(self) -> str:
        """How it ended, in words; empty where that cannot be known any more."""
        self._reap()
        if self._status is None:
            return ""
        code = os.waitstatus_to_exitcode(self._status)
        if code >= 0:
            return f"exit status {code}"
        with suppress(ValueError):
            return f"signal {signal.Signals(-code).name}"
        return f"signal {-code}"

    def _reap(self) -> None:
        if self._status is None:
            with suppress(ChildProcessError):
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                self._status = status if pid else None

    async def end(self) -> None:
        """End the program and its session; within twice `GOODBYE`, whatever it does."""
        if not self.has_ended:
            self._signal_group(_POLITELY)
            with trio.move_on_after(GOODBYE):
                await self.wait()
        if not self.has_ended:
            self._signal_group((signal.SIGKILL,))
            with trio.move_on_after(GOODBYE):
                await self.wait()
        if self.is_held():
            self._kill_session()
        self._reap()
        self.leave()

    def leave(self) -> None:
        """Close our side: what the store keeps of it lives on."""
        for fd in (self.terminal, self.pidfd):
            with suppress(OSError):
                if fd is not None:
                    os.close(fd)

    def _signal_group(self, signals: Sequence[signal.Signals]) -> None:
        for each in signals:
            with suppress(OSError):
                os.killpg(self.pid, each)

    def is_held(self) -> bool:
        """Whether a process has the terminal still: the program left others behind."""
        try:
            for _ in range(_READS):
                os.read(self.terminal, _READ)
        except OSError as error:
            return error.errno != errno.EIO
        return True

    def _kill_session(self) -> None:
        """End all of the session, whatever process groups they are in.

        A shell gives each of its commands another one.
        """
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                pid = int(folder.name)
                if os.getsid(pid) == self.pid:
                    os.kill(pid, signal.SIGKILL)


def spawn(
    command: Sequence[str],
    environ: Mapping[str, str],
    errors: int = 0,
    *,
    is_raw: bool = True,
) -> PtyProcess:
    """Run a program on a new terminal.

    Args:
        command: the program, with its path or to be found in ``PATH``, and its words.
        environ: the program's environment.
        errors: descriptor that its standard error goes to; 0: the terminal.
        is_raw: bytes pass as they are; else the program sees to that.

    Raises:
        OSError: it cannot be run.
    """
    ours, theirs = os.openpty()
    try:
        name = os.ttyname(theirs)
        if is_raw:
            tty.setraw(theirs, termios.TCSANOW)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, _WINDOW.pack(_ROWS, _COLUMNS, 0, 0))
        os.set_blocking(ours, False)
        pid = os.posix_spawn(
            _found(command[0], environ["PATH"]),
            list(command),
            dict(environ),
            # A session leader gets the terminal that it opens as its own.
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, name, os.O_RDWR, 0),
                (os.POSIX_SPAWN_DUP2, 0, 1),
                (os.POSIX_SPAWN_DUP2, errors, 2),
            ],
            setsid=True,
            setsigmask=(),
            setsigdef=_SIGNALS,
        )
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    return PtyProcess(ours, pid, os.pidfd_open(pid))


def _found(program: str, path: str) -> str:
    """Return where a program is.

    Raises:
        OSError: nowhere, or it is none.
    """
    if "/" in program:
        return program
    for folder in path.split(":"):
        place = Path(folder, program)
        if place.is_file() and os.access(place, os.X_OK):
            return str(place)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), program)
