"""Where a console of kind ``tty`` is, and what helps where there is none. Pure."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final

from solrecd.config.console_kinds import Values
from solrecd.sources.stream.serial_line import Flow
from solrecd.sources.troubles import Trouble

BAUD_RATES: Final = (
    *(300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800),
    *(500_000, 576_000, 921_600, 1_000_000, 1_152_000, 1_500_000, 2_000_000),
    *(2_500_000, 3_000_000, 3_500_000, 4_000_000),
)
"""Those that Linux has a name for (termios(3))."""

_GONE: Final = Trouble(
    "the device is gone", "plug the adapter in again, or see whether it has power"
)
TROUBLES: Final[Mapping[int, Trouble]] = MappingProxyType(
    {
        errno.ENOENT: Trouble(
            "no such device",
            "plug the adapter in, or correct `device` (ls /dev/serial/by-id)",
        ),
        errno.ENOTDIR: Trouble("no such device", "correct `device`"),
        errno.EACCES: Trouble(
            "permission denied",
            "let the daemon's user use it: systemctl edit solrecd, and there"
            " SupplementaryGroups=dialout",
        ),
        errno.EPERM: Trouble(
            "the service's sandbox forbids it",
            "systemctl edit solrecd, and there DeviceAllow= of this device",
        ),
        errno.EBUSY: Trouble(
            "another program has it for itself",
            "end that one (fuser DEVICE shows which)",
        ),
        errno.EAGAIN: Trouble(
            "another program has locked it", "end that one (fuser DEVICE shows which)"
        ),
        errno.ENOTTY: Trouble(
            "no serial port or terminal", "correct `device` (ls /dev/serial/by-id)"
        ),
        errno.EINVAL: Trouble("the port cannot be set so", "correct `baud` and `flow`"),
        errno.EIO: _GONE,
        errno.ENODEV: _GONE,
        errno.ENXIO: _GONE,
    }
)
"""What errors mean here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TtyOptions:
    """A serial port of this machine."""

    live: ClassVar[frozenset[str]] = frozenset()
    keeps_output: ClassVar[bool] = True
    device: str
    baud: int = 115200
    """Bit/s; 8 data bits, no parity, one stop bit."""
    flow: Flow = Flow.NONE

    @property
    def place(self) -> str:
        """As people write it."""
        return self.device

    @property
    def line(self) -> str:
        """See `solrecd.config.model.Options`."""
        return self.place

    def details(self) -> Mapping[str, Any]:
        """What ``status`` shows."""
        return {"device": self.device, "baud": self.baud, "flow": self.flow.value}


def tty_options(values: Values) -> TtyOptions | None:
    """Return what a console of kind ``tty`` says."""
    device = values.expanded("device", str)
    settings = {key: values.plain[key] for key in _PLAIN if key in values.plain}
    return None if device is None else TtyOptions(device=device, **settings)


_PLAIN: Final = ("baud", "flow")
