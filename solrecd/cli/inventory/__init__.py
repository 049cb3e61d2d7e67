"""Imports the consoles of other console servers.

Pure: texts in, an `Inventory` out, and TOML made of that.

- `found`       what was found, and what has no equivalent
- `terms`       privilege levels, workarounds and keys in the words of others
- `commands`    command lines of ipmitool and ipmiconsole
- `conman`      conman.conf
- `scripts`     the expect scripts that ConMan ships
- `conserver`   conserver.cf
- `hosts`       a list of addresses and names, or of command lines
- `rendering`   solrecd's TOML, ranges folded
"""

from solrecd.cli.inventory.conman import read_conman
from solrecd.cli.inventory.conserver import read_conserver
from solrecd.cli.inventory.found import FoundConsole, Inventory, Remark
from solrecd.cli.inventory.hosts import read_hosts
from solrecd.cli.inventory.rendering import Passwords, render

__all__ = [
    "FoundConsole",
    "Inventory",
    "Passwords",
    "Remark",
    "read_conman",
    "read_conserver",
    "read_hosts",
    "render",
]
