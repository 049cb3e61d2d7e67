"""What the firmware says of its console: ACPI's Serial Port Console Redirection table.

Layout by Microsoft's specification of SPCR: a 36-byte ACPI header, the interface type,
three reserved bytes, the base address as a 12-byte generic address at 40, and the bit
rate as a code at 58.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from solrecd.cli.hostconsole.port import Port

_SIGNATURE: Final = b"SPCR"
_SYSTEM_IO: Final = 1
_ADDRESS_SPACE_AT: Final = 40
_ADDRESS_AT: Final = 44
_BAUD_AT: Final = 58
_BAUDS: Final[Mapping[int, int]] = MappingProxyType(
    {3: 9600, 4: 19200, 6: 57600, 7: 115200}
)
_UNITS: Final[Mapping[int, int]] = MappingProxyType(
    {0x3F8: 0, 0x2F8: 1, 0x3E8: 2, 0x2E8: 3}
)
"""Units by I/O port, as every PC has had them."""


def port_of_firmware(table: bytes) -> Port | None:
    """Return the port that the firmware redirects its own console to.

    Args:
        table: ``/sys/firmware/acpi/tables/SPCR``, of any length.

    Returns:
        None where the table says nothing that is of use here.
    """
    if len(table) <= _BAUD_AT or not table.startswith(_SIGNATURE):
        return None
    address = int.from_bytes(table[_ADDRESS_AT : _ADDRESS_AT + 8], "little")
    unit, baud = _UNITS.get(address), _BAUDS.get(table[_BAUD_AT])
    if table[_ADDRESS_SPACE_AT] != _SYSTEM_IO or unit is None or baud is None:
        return None
    return Port(unit, baud)
