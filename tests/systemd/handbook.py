"""The README's chapter about the service, followed to the letter."""

import re
import textwrap

from tests.systemd.nspawn import Machine
from tests.systemd.rootfs import CHECKOUT

CHAPTER = "Installing it as a service"
PASSWORD_FILE = "/etc/credstore/solrecd.bmc"


def commands(chapter: str = CHAPTER, page: str = "README.md") -> list[str]:
    """Return the blocks of commands of a chapter, in order.

    Raises:
        LookupError: there is no such chapter, or nothing to run in it.
    """
    text = (CHECKOUT / page).read_text()
    found = re.search(
        rf"^## {chapter}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL
    )
    text = found[1] if found else ""
    blocks = re.findall(r"(?:^    .*\n|^\n(?=    ))+", text, re.MULTILINE)
    scripts = [textwrap.dedent(block).strip() for block in blocks]
    if not any(scripts):
        raise LookupError(f"{page} has no commands in a chapter {chapter!r}")
    return [script for script in scripts if script]


def install(machine: Machine, password: str) -> None:
    """Do what the chapter says, up to the daemon's first start.

    Raises:
        CommandError: a command of it failed.
    """
    scripts = commands()
    for script in scripts[: scripts.index(first_start())]:
        machine.run(script, stdin=password if PASSWORD_FILE in script else "")
    machine.run("systemctl daemon-reload")


def first_start() -> str:
    """Return the commands that start the daemon and look at it."""
    return next(it for it in commands() if "systemctl enable" in it)
