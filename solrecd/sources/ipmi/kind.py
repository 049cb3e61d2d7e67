"""The kind ``ipmi``, for the table of all kinds."""

from __future__ import annotations

from typing import Final

from solrecd.sources.base import Driver, Services, SourceKind
from solrecd.sources.ipmi.console_kind import IPMI_CONSOLE


def _driver(services: Services) -> Driver:
    # Imported here: who only reads a configuration needs neither sockets nor pyghmi.
    from solrecd.sources.ipmi.driver import IpmiDriver  # noqa: PLC0415

    return IpmiDriver(services)


IPMI: Final = SourceKind(IPMI_CONSOLE, _driver)
