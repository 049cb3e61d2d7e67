"""What is there, what is missing, what to do: firmware, GRUB, kernel, getty, root."""

from __future__ import annotations

import re
from typing import Final

from solrecd.cli.hostconsole.facts import Distro, Facts
from solrecd.cli.hostconsole.grub import grub_steps
from solrecd.cli.hostconsole.port import Port
from solrecd.cli.hostconsole.step import FileText, State, Step

SECURETTY: Final = "/etc/securetty"

_UART = re.compile(r"^(\d+): uart:(\S+)", re.MULTILINE)
_CONSOLE = re.compile(r"(?:^|\s)console=(\S+)")
_QUIET: Final = frozenset({"quiet", "splash", "rhgb", "splash=silent"})
"""Arguments that keep the kernel, or init, from telling what happens."""


def plan(facts: Facts, port: Port, distro: Distro) -> list[Step]:
    """Return all that the port needs, in the order of a boot."""
    return [
        *_uart(facts, port),
        *grub_steps(facts, port, distro),
        _kernel(facts, port),
        *_talkative(facts),
        _getty(facts, port),
        *_securetty(facts, port),
    ]


def _uart(facts: Facts, port: Port) -> list[Step]:
    """Whether there is a chip behind the port; not asked without permission to look."""
    title = f"the kernel sees a port {port.tty}"
    kinds = dict(_UART.findall(facts.serial_driver))
    if not kinds:
        return []
    kind = kinds.get(str(port.unit), "unknown")
    if kind != "unknown":
        return [Step(title, State.OK, kind)]
    there = [f"ttyS{unit}" for unit, kind in kinds.items() if kind != "unknown"]
    detail = (
        f"there are {', '.join(there) or 'none'}: choose another --unit, or switch the"
        " port on in the firmware's set-up (console redirection, COM2 or SOL)"
    )
    return [Step(title, State.MISSING, detail)]


def _kernel(facts: Facts, port: Port) -> Step:
    title = "the kernel that runs speaks on the port, and last of all on it"
    consoles = _CONSOLE.findall(facts.command_line)
    ours = port.kernel_arguments[-1].removeprefix("console=")
    if consoles and consoles[-1] == ours:
        return Step(title, State.OK, f"console={ours}")
    if ours in consoles:
        detail = f"console={consoles[-1]} comes after it and gets init's output"
    elif any(one.partition(",")[0] == port.tty for one in consoles):
        detail = f"another rate: console={port.tty} is not {ours}"
    else:
        detail = "it was started without; a reboot after the step above brings it"
    return Step(title, State.MISSING, detail)


def _talkative(facts: Facts) -> list[Step]:
    found = sorted(_QUIET.intersection(facts.command_line.split()))
    if not found:
        return []
    detail = (
        f"started with {' '.join(found)}: a hang would leave no trace of where; take"
        " it out of GRUB_CMDLINE_LINUX_DEFAULT"
    )
    return [Step("the kernel tells what it does", State.ADVICE, detail)]


def _getty(facts: Facts, port: Port) -> Step:
    title = "a login prompt waits on the port"
    if facts.getty_enabled:
        return Step(title, State.OK, f"serial-getty@{port.tty}.service is enabled")
    consoles = _CONSOLE.findall(facts.command_line)
    if consoles and consoles[-1].partition(",")[0] == port.tty:
        return Step(title, State.OK, "systemd starts it where the console is")
    command = ("systemctl", "enable", f"serial-getty@{port.tty}.service")
    detail = "systemd starts it by itself once the kernel speaks there; this makes sure"
    return Step(title, State.MISSING, detail, commands=(command,))


def _securetty(facts: Facts, port: Port) -> list[Step]:
    """Where the file is there, root may log in on the ports it lists only."""
    if facts.securetty is None:
        return []
    title = f"root may log in on {port.tty}"
    if port.tty in facts.securetty.split():
        return [Step(title, State.OK, f"{SECURETTY} lists it")]
    file = FileText(SECURETTY, f"{port.tty}\n", appended=True)
    detail = f"{SECURETTY} is there and does not list it"
    return [Step(title, State.MISSING, detail, file)]
