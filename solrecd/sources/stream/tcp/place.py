"""Where a console of kind ``tcp`` is, and what helps where there is none. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final

from solrecd.config.addresses import address
from solrecd.config.console_kinds import Values
from solrecd.config.errors import Problems
from solrecd.config.settings import Settings
from solrecd.config.values import refusal
from solrecd.sources.stream.serial_line import Flow
from solrecd.sources.troubles import tcp_troubles

TROUBLES: Final = tcp_troubles("address")
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

    @property
    def line(self) -> str:
        """See `solrecd.config.model.Options`."""
        return self.place.lower()

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


def check_tcp(settings: Settings, problems: Problems) -> None:
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
