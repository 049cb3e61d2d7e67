"""The kind ``tcp``: how it is configured, and what helps where there is none. Pure."""

from __future__ import annotations

import enum
import errno
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final

from solrecd.config import ConsoleKind
from solrecd.config.console_kinds import Values
from solrecd.config.errors import Problems
from solrecd.config.keys import Key
from solrecd.config.settings import Settings
from solrecd.config.values import (
    address,
    choice,
    duration,
    integer,
    off_or,
    refusal,
    text,
)
from solrecd.sources.base import Driver, Services, SourceKind
from solrecd.sources.stream.serial_line import Flow
from solrecd.sources.stream.way import Trouble

TROUBLES: Final[Mapping[int, Trouble]] = MappingProxyType(
    {
        errno.ECONNREFUSED: Trouble(
            "connection refused",
            "start what listens on that port, or end the other client that it serves",
        ),
        errno.EHOSTUNREACH: Trouble("no route to host", "see whether the host is on"),
        errno.ENETUNREACH: Trouble(
            "network unreachable", "correct `address`, or add a route"
        ),
        errno.ETIMEDOUT: Trouble(
            "no answer", "see whether the host is on, and which firewall is between"
        ),
        errno.EACCES: Trouble(
            "permission denied", "see which firewall of this machine forbids it"
        ),
    }
)
"""What errors mean here."""


class TcpProtocol(enum.StrEnum):
    """What is spoken on the connection."""

    RAW = "raw"
    """The console's bytes and nothing else."""
    TELNET = "telnet"
    RFC2217 = "rfc2217"
    """Telnet that also sets the serial port, and tells of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpOptions:
    """A TCP port behind which a console is."""

    live: ClassVar[frozenset[str]] = frozenset()
    keeps_output: ClassVar[bool] = True
    host: str
    """Name or address, without port and brackets."""
    port: int
    protocol: TcpProtocol = TcpProtocol.RAW
    baud: int | None = None
    """Bit/s that the serial port is set to; None: it stays as it is."""
    flow: Flow | None = None
    """The same, of its flow control."""
    telnet_keepalive: float | None = None
    """Seconds between two signs of life; None: there are none."""

    @property
    def place(self) -> str:
        """As people write it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def details(self) -> Mapping[str, Any]:
        """What ``status`` shows."""
        return {"address": self.place, "protocol": self.protocol.value}


def tcp_options(values: Values) -> TcpOptions | None:
    """Return what a console of kind ``tcp`` says."""
    place = values.expanded("address", _host_and_port)
    plain = values.plain
    if place is None:
        return None
    settings = {key: plain[key] for key in _PLAIN if key in plain}
    return TcpOptions(host=place[0], port=place[1], **settings)


def _host_and_port(text: str) -> tuple[str, int]:
    host, port = address(text)
    if port is None:
        raise refusal(text, '"host:port" or "[2001:db8::7]:port"')
    return host, port


def _check(settings: Settings, problems: Problems) -> None:
    """Note keys that the protocol has no use for; those of the defaults may be idle."""
    protocol = settings.get("protocol")
    spoken = TcpProtocol.RAW if protocol is None else protocol.value
    for key, wanted in _ONLY_WITH.items():
        one = settings.get(key)
        if one is None or spoken in wanted or one.given.path[0] == "defaults":
            continue
        words = " or ".join(f'"{each}"' for each in wanted)
        text = f'means nothing with protocol = "{spoken}"; it needs {words}'
        problems.add(one.given.problem(text))


_ONLY_WITH: Final[Mapping[str, tuple[TcpProtocol, ...]]] = MappingProxyType(
    {
        "baud": (TcpProtocol.RFC2217,),
        "flow": (TcpProtocol.RFC2217,),
        "telnet_keepalive": (TcpProtocol.TELNET, TcpProtocol.RFC2217),
    }
)
_PLAIN: Final = ("protocol", "baud", "flow", "telnet_keepalive")


def _driver(services: Services) -> Driver:
    # Imported here: who only reads a configuration needs no sockets.
    from solrecd.sources.stream.driver import StreamDriver  # noqa: PLC0415
    from solrecd.sources.stream.tcp.way import TcpWay  # noqa: PLC0415

    return StreamDriver("tcp", TcpWay, services)


TCP: Final = SourceKind(
    ConsoleKind(
        name="tcp",
        help="A TCP port of a console server, ser2net, socat or QEMU. Anyone on the way"
        " can read and type; keep it on a network of its own.",
        keys={
            "address": Key(
                text(min_bytes=1, max_bytes=300),
                "Where the port is: `host:port` or `[2001:db8::7]:port`. `{name}` and"
                " `{n}` expand in it.",
                example="ts1.example.net:7001",
            ),
            "protocol": Key(
                choice(TcpProtocol),
                'What is spoken there. `"raw"`: the console\'s bytes and nothing else;'
                ' `"telnet"`: breaks can be sent; `"rfc2217"`: telnet that also sets'
                " the serial port, and tells when it lost bytes.",
            ),
            "baud": Key(
                integer(50, 4_000_000),
                "The bit rate that the serial port is set to, with 8 data bits, no"
                " parity and one stop bit; not given: the port stays as it is. With"
                ' `protocol = "rfc2217"`.',
                example=115200,
            ),
            "flow": Key(
                choice(Flow),
                "The flow control that the serial port is set to; not given: as it is."
                ' With `protocol = "rfc2217"`.',
                example="rtscts",
            ),
            "telnet_keepalive": Key(
                off_or(duration(5, 86400)),
                "Send telnet's NOP this often, to a console server that ends"
                " connections on which nothing is typed. A host that is gone is noticed"
                " without it. Not to QEMU, which takes the byte behind it for a part of"
                " it.",
                example="5m",
            ),
        },
        defaults={"protocol": TcpProtocol.RAW, "telnet_keepalive": None},
        build=tcp_options,
        required=("address",),
        check=_check,
    ),
    _driver,
)
