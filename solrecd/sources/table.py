"""Every kind of console there is: a new kind is one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from solrecd.config import console_kinds
from solrecd.sources.base import SourceKind
from solrecd.sources.ipmi.kind import IPMI
from solrecd.sources.openbmc.kind import OPENBMC
from solrecd.sources.stream.exec.kind import EXEC
from solrecd.sources.stream.tcp.kind import TCP
from solrecd.sources.stream.tty.kind import TTY
from solrecd.sources.stream.unix.kind import UNIX

_KINDS: Final = (IPMI, OPENBMC, TCP, UNIX, TTY, EXEC)
"""The first one is that of a console that does not say."""

KINDS: Final[Mapping[str, SourceKind]] = MappingProxyType(
    {kind.config.name: kind for kind in _KINDS}
)

CONSOLE_KINDS: Final = console_kinds(*(kind.config for kind in _KINDS))
"""The same, as the configuration sees them."""
