"""The operating system's side of a serial console: what is set, what is missing.

Pure: `Facts` of a machine and a `Port` in, `Step`s out, each with its shell lines.

- `port`     a serial port in the words of kernel, GRUB and getty
- `firmware` what the firmware says of its own console (ACPI SPCR)
- `facts`    what of a machine matters here
- `plan`     what is there, what is not, and what to do
- `grub`     the boot loader's part of it, by distribution
"""

from solrecd.cli.hostconsole.facts import Distro, Facts, distro_of
from solrecd.cli.hostconsole.firmware import port_of_firmware
from solrecd.cli.hostconsole.plan import plan
from solrecd.cli.hostconsole.port import Port
from solrecd.cli.hostconsole.step import State, Step

__all__ = [
    "Distro",
    "Facts",
    "Port",
    "State",
    "Step",
    "distro_of",
    "plan",
    "port_of_firmware",
]
