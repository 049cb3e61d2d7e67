"""Lists of BMCs: a line of /etc/hosts each, an address each, or an ipmitool command."""

from __future__ import annotations

from solrecd.cli.inventory.commands import is_command, read_command
from solrecd.cli.inventory.found import Collector, Inventory, Place


def read_hosts(text: str) -> Inventory:
    """Return a console for each line.

    Lines are ``ADDRESS [NAME ...]`` as in /etc/hosts, where the last name is the
    console's, or command lines of ipmitool or ipmiconsole, where the host is. Comments
    begin with ``#``.
    """
    found = Collector()
    for number, line in enumerate(text.splitlines(), 1):
        if is_command(line):
            _read_command(number, line, found)
            continue
        words = line.partition("#")[0].split()
        if any(word.startswith("-") for word in words):
            # Its last word may be a password: only the first one is repeated.
            found.remark(
                number, words[0], "is not a command that is understood; left out"
            )
        elif words:
            found.add(number, words[-1], Place(_bracketed(words[0]), {}))
    return found.inventory()


def _read_command(number: int, line: str, found: Collector) -> None:
    try:
        target = read_command(line)
    except ValueError as error:
        found.remark(number, line.split(maxsplit=1)[0], f"{error}; left out")
        return
    for option in target.ignored:
        found.remark(number, option, "has no equivalent")
    name = target.bmc.partition(":")[0] if target.bmc[0] != "[" else target.bmc
    found.add(number, name, Place(target.bmc, target.settings))


def _bracketed(address: str) -> str:
    """Return an IPv6 address in brackets; other words may have a port already."""
    return f"[{address}]" if address.count(":") > 1 else address
