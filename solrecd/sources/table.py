"""Every kind of console there is: a new kind is one line here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from solrecd.config import console_kinds
from solrecd.sources.base import SourceKind
from solrecd.sources.ipmi.kind import IPMI
from solrecd.sources.openbmc.kind import OPENBMC
from solrecd.sources.power.control import PowerMaker, PowerMakers
from solrecd.sources.power.options import PowerWay, with_power
from solrecd.sources.stream.exec.kind import EXEC
from solrecd.sources.stream.ssh.kind import SSH
from solrecd.sources.stream.tcp.kind import TCP
from solrecd.sources.stream.tty.kind import TTY
from solrecd.sources.stream.unix.kind import UNIX

_WITHOUT_POWER: Final = (SSH, OPENBMC, TCP, UNIX, TTY, EXEC)
"""Their machine's power is switched through its BMC, where that is configured."""

_KINDS: Final = (
    IPMI,
    *(replace(kind, config=with_power(kind.config)) for kind in _WITHOUT_POWER),
)
"""The first one is that of a console that does not say."""

KINDS: Final[Mapping[str, SourceKind]] = MappingProxyType(
    {kind.config.name: kind for kind in _KINDS}
)

CONSOLE_KINDS: Final = console_kinds(*(kind.config for kind in _KINDS))
"""The same, as the configuration sees them."""


def _ipmi_power() -> PowerMaker:
    # Imported here: who only reads a configuration needs no sockets.
    from solrecd.sources.ipmi.power_session import IpmiPowers  # noqa: PLC0415

    return IpmiPowers().of


def _redfish_power() -> PowerMaker:
    from solrecd.sources.redfish.power import RedfishPowers  # noqa: PLC0415

    return RedfishPowers().of


POWERS: Final[PowerMakers] = MappingProxyType(
    {PowerWay.IPMI: _ipmi_power, PowerWay.REDFISH: _redfish_power}
)
"""Every way to switch the power of a machine whose console has none."""
