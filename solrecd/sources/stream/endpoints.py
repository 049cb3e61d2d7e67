"""Where a stream is, by the configuration, and what helps where none is. Pure."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final, NamedTuple

from solrecd.config.addresses import address
from solrecd.config.console_kinds import Values
from solrecd.config.values import refusal

_PATH_MAX: Final = 107
"""Bytes of a unix socket's path (unix(7))."""


class Trouble(NamedTuple):
    """Why there is no connection."""

    what: str
    cure: str
    """What to do about it."""


_UNIX_TROUBLES: Final[Mapping[int, Trouble]] = MappingProxyType(
    {
        errno.ENOENT: Trouble(
            "no such socket", "start the program that makes it, or correct `path`"
        ),
        errno.ENOTDIR: Trouble("no such socket", "correct `path`"),
        errno.ECONNREFUSED: Trouble(
            "nothing listens on it", "start the program that should"
        ),
        errno.EACCES: Trouble(
            "permission denied",
            "let the daemon's user write to it and search its folders",
        ),
        errno.EAGAIN: Trouble(
            "its queue is full", "end the other client that has the console"
        ),
        errno.EPROTOTYPE: Trouble("not a stream socket", "correct `path`"),
    }
)

_TCP_TROUBLES: Final[Mapping[int, Trouble]] = MappingProxyType(
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


@dataclass(frozen=True, slots=True, kw_only=True)
class UnixOptions:
    """A unix stream socket that another program listens on."""

    live: ClassVar[frozenset[str]] = frozenset()
    keeps_output: ClassVar[bool] = True
    longest_wait: ClassVar[float] = 3.0
    """Seconds between tries at most: to try costs a system call, and what a machine
    prints before we are there is lost."""
    troubles: ClassVar[Mapping[int, Trouble]] = _UNIX_TROUBLES
    """What errors mean here; by errno."""
    path: str

    @property
    def place(self) -> str:
        """As people write it."""
        return self.path

    @property
    def line(self) -> str:
        """See `solrecd.config.model.Options`."""
        return self.place

    def details(self) -> Mapping[str, Any]:
        """What ``status`` shows."""
        return {"path": self.path}


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpOptions:
    """A TCP port that gives and takes the console's bytes and nothing else."""

    live: ClassVar[frozenset[str]] = frozenset()
    keeps_output: ClassVar[bool] = True
    longest_wait: ClassVar[float] = 15.0
    """See `UnixOptions`; a console server has other clients to serve."""
    troubles: ClassVar[Mapping[int, Trouble]] = _TCP_TROUBLES
    """See `UnixOptions`."""
    host: str
    """Name or address, without port and brackets."""
    port: int

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
        return {"address": self.place}


Endpoint = UnixOptions | TcpOptions


def unix_options(values: Values) -> UnixOptions | None:
    """Return what a console of kind ``unix`` says."""
    path = values.expanded("path", _socket_path)
    return None if path is None else UnixOptions(path=path)


def _socket_path(text: str) -> str:
    if len(os.fsencode(text)) > _PATH_MAX:
        raise refusal(text, f"a path of at most {_PATH_MAX} bytes")
    return text


def tcp_options(values: Values) -> TcpOptions | None:
    """Return what a console of kind ``tcp`` says."""
    place = values.expanded("address", _host_and_port)
    return None if place is None else TcpOptions(host=place[0], port=place[1])


def _host_and_port(text: str) -> tuple[str, int]:
    host, port = address(text)
    if port is None:
        raise refusal(text, '"host:port" or "[2001:db8::7]:port"')
    return host, port
