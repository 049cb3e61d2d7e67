"""A serial port: opened for us alone, and set."""

from __future__ import annotations

import array
import errno
import fcntl
import os
import stat
import struct
import termios
from contextlib import ExitStack, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Final

from solrecd.sources.stream.serial_line import Flow
from solrecd.sources.stream.tty.place import TtyOptions

_LOCK_FOLDERS: Final = (Path("/run/lock"), Path("/var/lock"))
"""Of uucp's lock files, which minicom, cu and conserver leave (FHS, /var/lock)."""

_MODEM_LINES: Final = MappingProxyType(
    {
        "dtr": termios.TIOCM_DTR,
        "rts": termios.TIOCM_RTS,
        "cts": termios.TIOCM_CTS,
        "dsr": termios.TIOCM_DSR,
        "carrier": termios.TIOCM_CAR,
        "ring": termios.TIOCM_RI,
    }
)

_IFLAGS: Final = MappingProxyType(
    {Flow.NONE: 0, Flow.RTSCTS: 0, Flow.XONXOFF: termios.IXON | termios.IXOFF}
)
TIOCSBRK: Final = 0x5427
TIOCCBRK: Final = 0x5428
"""Begin and end a break (ioctl_tty(2)); Python has no names for them."""

_UNSENT: Final = struct.Struct("i")


def open_device(options: TtyOptions) -> int:
    """Return a serial port that is ours alone, does not block, and is set.

    It may take a while: for a thread.

    Raises:
        OSError: it cannot be had; ``EBUSY`` and ``EAGAIN``: another program has it,
            ``ENOTTY``: it is not a terminal.
    """
    if not stat.S_ISCHR(Path(options.device).stat().st_mode):
        # To open one of them may wait, or do something.
        raise OSError(errno.ENOTTY, "")
    with ExitStack() as undo:
        fd = os.open(options.device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        undo.callback(os.close, fd)
        if not os.isatty(fd):
            raise OSError(errno.ENOTTY, "")
        _claim(fd, options.device)
        set_port(fd, options)
        undo.pop_all()
        return fd


def _claim(fd: int, device: str) -> None:
    """Keep others from the port, as far as they ask."""
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if _has_lock_file(device):
        raise OSError(errno.EAGAIN, "")
    # Root may open it all the same.
    fcntl.ioctl(fd, termios.TIOCEXCL)


def _has_lock_file(device: str) -> bool:
    """Tell whether a process that runs has left a lock file for the device."""
    for name in {Path(device).name, Path(device).resolve().name}:
        for folder in _LOCK_FOLDERS:
            with suppress(OSError, ValueError):
                process = int((folder / f"LCK..{name}").read_text().split()[0])
                if process != os.getpid() and Path(f"/proc/{process}").exists():
                    return True
    return False


def set_port(fd: int, options: TtyOptions) -> None:
    """Set speed, format and flow control; bytes pass as they are.

    A break from the machine is not a byte. Hanging up does not drop DTR when we close:
    some machines take that for a reset.

    Raises:
        OSError: the port cannot be set so.
    """
    speed = getattr(termios, f"B{options.baud}")
    control = termios.CS8 | termios.CREAD | termios.CLOCAL
    if options.flow is Flow.RTSCTS:
        control |= termios.CRTSCTS
    chars = termios.tcgetattr(fd)[6]
    chars[termios.VMIN], chars[termios.VTIME] = 1, 0
    iflag = termios.IGNBRK | _IFLAGS[options.flow]
    try:
        termios.tcsetattr(
            fd, termios.TCSANOW, [iflag, 0, control, 0, speed, speed, chars]
        )
    except termios.error as error:
        raise OSError(*error.args) from None


def modem_lines(fd: int) -> str | None:
    """Return the names of the modem lines that are on; None where it has none."""
    bits = array.array("i", [0])
    try:
        fcntl.ioctl(fd, termios.TIOCMGET, bits)
    except OSError:
        return None
    return " ".join(name for name, bit in _MODEM_LINES.items() if bits[0] & bit)


def unsent(fd: int) -> int:
    """Return how many bytes the port has not sent yet."""
    answer = fcntl.ioctl(fd, termios.TIOCOUTQ, bytes(_UNSENT.size))
    (count,) = _UNSENT.unpack(answer)
    return int(count)
