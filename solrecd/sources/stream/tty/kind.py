"""The kind ``tty``: how it is configured."""

from __future__ import annotations

from typing import Final

from solrecd.config import ConsoleKind
from solrecd.config.keys import Key
from solrecd.config.values import absolute_path, choice, one_of
from solrecd.sources.base import Driver, Services, SourceKind
from solrecd.sources.stream.serial_line import Flow
from solrecd.sources.stream.tty.place import BAUD_RATES, tty_options


def _driver(services: Services) -> Driver:
    # Imported here: who only reads a configuration needs no event loop.
    from solrecd.sources.stream.driver import StreamDriver  # noqa: PLC0415
    from solrecd.sources.stream.tty.way import TtyWay  # noqa: PLC0415

    return StreamDriver("tty", TtyWay, services)


TTY: Final = SourceKind(
    ConsoleKind(
        name="tty",
        help="A serial port of this machine, or a USB adapter. The service's sandbox"
        " has to allow it: see packaging/docs/streams.md.",
        keys={
            "device": Key(
                absolute_path,
                "The device; for a USB adapter its name below `/dev/serial/by-id`,"
                " which stays the same. `{name}` and `{n}` expand in it.",
                example="/dev/serial/by-id/usb-FTDI_FT232R_{name}-if00-port0",
            ),
            "baud": Key(
                one_of(BAUD_RATES),
                "The bit rate; with 8 data bits, no parity and one stop bit.",
            ),
            "flow": Key(choice(Flow), "The flow control."),
        },
        defaults={"baud": 115200, "flow": Flow.NONE},
        build=tty_options,
        required=("device",),
    ),
    _driver,
)
