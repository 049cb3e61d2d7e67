"""What is typed after a login, until the console shows: by vendor. Pure data.

Commands drift with firmware: each of these can be set per console. What was looked up
where: NVIDIA's ssh-console and the vendors' manuals (iDRAC9 User's Guide "Serial over
LAN", HPE iLO 5 scripting guide "VSP", Lenovo XCC command line "console"), DMTF DSP0214
(SMASH CLP ``start``), bmcweb and obmc-console.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

GENERIC: Final = "generic"
"""The vendor of a console that names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """How the console of a BMC is entered over ssh."""

    about: str
    """For the documentation."""
    port: int = 22
    prompt: str = ""
    """The whole last line when a command can be typed, ``*`` stands for anything;
    empty: there is none."""
    enter: tuple[str, ...] = ()
    """Commands, one at each prompt; without a prompt they are what ssh runs there.
    Empty: the login shows the console."""
    greeting: str = ""
    """Part of the last line that is printed before the console's own output; empty:
    there is no such line."""
    escape: str = ""
    """Keys that lead back to the prompt, for people."""
    keepalive: float = 30.0
    """Seconds of silence after which the other end is asked for a sign of life."""


VENDORS: Final[Mapping[str, Vendor]] = MappingProxyType(
    {
        GENERIC: Vendor(about="the login shows the console; or set `enter`"),
        "idrac": Vendor(
            about="Dell iDRAC",
            prompt="racadm>>",
            enter=("connect com2",),
            greeting="Connected to Serial Device",
            escape="^\\",
        ),
        "ilo": Vendor(
            about="HPE iLO",
            prompt="*hpiLO->",
            enter=("vsp",),
            greeting="to return to the CLI Session",
            escape="ESC (",
        ),
        "xcc": Vendor(
            about="Lenovo XCC; ends a console session that another client has",
            prompt="system>",
            enter=("console kill", "console start"),
            escape="ESC (",
        ),
        "xcc-1": Vendor(
            about="Lenovo XCC and IMM with older firmware",
            prompt="system>",
            enter=("console 1",),
            escape="ESC (",
        ),
        "supermicro": Vendor(
            about="Supermicro's SMASH CLP",
            prompt="->",
            enter=("start /system1/sol1",),
            escape="Enter ESC T",
        ),
        "openbmc": Vendor(
            about="OpenBMC's obmc-console",
            port=2200,
            escape="Enter ~.",
        ),
        "bluefield": Vendor(
            about="the BMC of NVIDIA's BlueField, an OpenBMC",
            port=2200,
            escape="Enter ~.",
        ),
    }
)
"""By the value of the key ``vendor``."""
