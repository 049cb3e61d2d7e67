"""The kind ``tcp``: how it is configured."""

from __future__ import annotations

from typing import Final

from solrecd.config import ConsoleKind
from solrecd.config.keys import Key
from solrecd.config.values import (
    choice,
    duration,
    integer,
    off_or,
    text,
)
from solrecd.sources.base import Driver, Services, SourceKind
from solrecd.sources.stream.serial_line import Flow
from solrecd.sources.stream.tcp.place import TcpProtocol, check_tcp, tcp_options


def _driver(services: Services) -> Driver:
    # Imported here: who only reads a configuration needs no sockets.
    from solrecd.sources.stream.driver import StreamDriver  # noqa: PLC0415
    from solrecd.sources.stream.tcp.way import TcpWay  # noqa: PLC0415

    return StreamDriver("tcp", TcpWay, services)


TCP: Final = SourceKind(
    ConsoleKind(
        name="tcp",
        help="A TCP port of a console server, ser2net, socat or QEMU. Anyone on that"
        " network can read and type; keep it on a separate network.",
        keys={
            "address": Key(
                text(min_bytes=1, max_bytes=300),
                "Where the port is: `host:port` or `[2001:db8::7]:port`. `{name}` and"
                " `{n}` expand in it.",
                example="ts1.example.net:7001",
            ),
            "protocol": Key(
                choice(TcpProtocol),
                'The protocol. `"raw"`: the console\'s bytes and nothing else;'
                ' `"telnet"`: breaks can be sent; `"rfc2217"`: telnet that also sets'
                " the serial port, and reports lost bytes.",
                example="rfc2217",
            ),
            "baud": Key(
                integer(50, 4_000_000),
                "The bit rate that the serial port is set to, with 8 data bits, no"
                " parity and one stop bit; not given: unchanged. With"
                ' `protocol = "rfc2217"`.',
                example=115200,
            ),
            "flow": Key(
                choice(Flow),
                "The flow control that the serial port is set to; not given: unchanged."
                ' With `protocol = "rfc2217"`.',
                example="rtscts",
            ),
            "telnet_keepalive": Key(
                off_or(duration(5, 86400)),
                "Send telnet's NOP this often, to a console server that ends"
                " connections on which nothing is typed. A dead host is noticed without"
                " it. Not for QEMU, which reads the byte after it as part of it.",
                example="5m",
            ),
        },
        defaults={"protocol": TcpProtocol.RAW, "telnet_keepalive": None},
        build=tcp_options,
        required=("address",),
        check=check_tcp,
    ),
    _driver,
)
