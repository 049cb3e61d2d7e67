"""The kind ``openbmc``, for the table of all kinds."""

from __future__ import annotations

from typing import Final

from solrecd.config import ConsoleKind
from solrecd.sources.accounts import PASSWORD
from solrecd.sources.base import Driver, Services, SourceKind
from solrecd.sources.openbmc.options import (
    OPENBMC_DEFAULTS,
    OPENBMC_KEYS,
    openbmc_options,
)


def _driver(services: Services) -> Driver:
    # Imported here: who only reads a configuration needs neither sockets nor TLS.
    from solrecd.sources.openbmc.driver import OpenbmcDriver  # noqa: PLC0415

    return OpenbmcDriver(services)


OPENBMC: Final = SourceKind(
    ConsoleKind(
        name="openbmc",
        help="A console of an OpenBMC, by the WebSocket of its web server, bmcweb.",
        keys=OPENBMC_KEYS,
        defaults=OPENBMC_DEFAULTS,
        build=openbmc_options,
        secrets=(PASSWORD,),
        required=(("host", "url"), "username"),
    ),
    _driver,
)
