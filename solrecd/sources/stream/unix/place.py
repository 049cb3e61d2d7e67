"""Where a console of kind ``unix`` is, and what helps where there is none. Pure."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final

from solrecd.config.console_kinds import Values
from solrecd.config.values import refusal
from solrecd.sources.troubles import Trouble

_PATH_MAX: Final = 107
"""Bytes of a unix socket's path (unix(7))."""

TROUBLES: Final[Mapping[int, Trouble]] = MappingProxyType(
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
"""What errors mean here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnixOptions:
    """A unix stream socket that another program listens on."""

    live: ClassVar[frozenset[str]] = frozenset()
    keeps_output: ClassVar[bool] = True
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


def unix_options(values: Values) -> UnixOptions | None:
    """Return what a console of kind ``unix`` says."""
    path = values.expanded("path", _socket_path)
    return None if path is None else UnixOptions(path=path)


def _socket_path(text: str) -> str:
    if len(os.fsencode(text)) > _PATH_MAX:
        raise refusal(text, f"a path of at most {_PATH_MAX} bytes")
    return text
