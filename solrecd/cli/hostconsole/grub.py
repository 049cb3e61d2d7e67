"""The boot loader's part: its own terminal, and the kernel's arguments.

What is written survives kernel upgrades: it goes where `grub-mkconfig` reads it each
time, or, with boot loader entries, where new entries are made from.
"""

from __future__ import annotations

import re
from typing import Final

from solrecd.cli.hostconsole.facts import Distro, Facts
from solrecd.cli.hostconsole.port import Port
from solrecd.cli.hostconsole.step import FileText, State, Step

SNIPPET: Final = "/etc/default/grub.d/solrecd.cfg"
"""Debian's grub-mkconfig reads the folder after /etc/default/grub; others do not."""
DEFAULT_GRUB: Final = "/etc/default/grub"
LEGACY_MENU: Final = "/boot/grub/menu.lst"

_TERMINAL = re.compile(
    r"^\s*(?:export\s+)?GRUB_TERMINAL(?:_OUTPUT)?=.*\bserial\b", re.MULTILINE
)
_LEGACY_KERNEL = re.compile(r"^\s*kernel\s.*$", re.MULTILINE)


def grub_steps(facts: Facts, port: Port, distro: Distro) -> list[Step]:
    """Return the steps for whatever GRUB the machine has."""
    steps = []
    if facts.legacy_menu:
        steps.append(_legacy(facts, port))
    if facts.grub_config or not facts.legacy_menu:
        steps.append(_grub2(facts, port, distro))
        if facts.has_boot_entries:
            steps.append(_entries(facts, port))
    return steps


def _grub2(facts: Facts, port: Port, distro: Distro) -> Step:
    title = "GRUB speaks on the port, and hands it to every kernel"
    if _is_set(facts, port):
        return Step(title, State.OK, "set, with the right port and rate")
    file = _defaults(facts, port, distro)
    detail = f"not in {DEFAULT_GRUB}: menu and first kernel lines would be missing"
    config = facts.grub_config or _usual_config(distro)
    return Step(title, State.MISSING, detail, file, (_make(config, distro),))


def _is_set(facts: Facts, port: Port) -> bool:
    text = facts.default_grub + facts.grub_snippet
    wanted = (port.kernel_arguments[-1], port.grub_command)
    return bool(_TERMINAL.search(text)) and all(one in text for one in wanted)


def _defaults(facts: Facts, port: Port, distro: Distro) -> FileText:
    arguments = " ".join(port.kernel_arguments)
    text = (
        "# The serial console that the BMC records; written by solrecctl setup.\n"
        f'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX {arguments}"\n'
        'GRUB_TERMINAL="console serial"\n'
        f'GRUB_SERIAL_COMMAND="{port.grub_command}"\n'
    )
    if distro is Distro.DEBIAN:
        return FileText(SNIPPET, text)
    newline = (
        "" if facts.default_grub.endswith("\n") or not facts.default_grub else "\n"
    )
    return FileText(DEFAULT_GRUB, newline + text, appended=True)


def _usual_config(distro: Distro) -> str:
    return "/boot/grub/grub.cfg" if distro is Distro.DEBIAN else "/boot/grub2/grub.cfg"


def _make(config: str, distro: Distro) -> tuple[str, ...]:
    if distro is Distro.DEBIAN:
        return ("update-grub",)
    return ("grub2-mkconfig", "-o", config)


def _entries(facts: Facts, port: Port) -> Step:
    """Boot loader entries keep their own arguments (RHEL 8 and newer, Fedora)."""
    title = "every kernel's boot entry has the arguments"
    arguments = " ".join(port.kernel_arguments)
    if port.kernel_arguments[-1] in facts.command_line:
        return Step(title, State.OK, "the kernel that runs was started with them")
    command = ("grubby", "--update-kernel=ALL", f"--args={arguments}")
    detail = "entries are written for new kernels only; grubby changes existing ones"
    return Step(title, State.MISSING, detail, commands=(command,))


def _legacy(facts: Facts, port: Port) -> Step:
    title = "GRUB Legacy speaks on the port, and hands it to every kernel"
    menu = facts.legacy_menu
    kernels = _LEGACY_KERNEL.findall(menu)
    wanted = port.kernel_arguments[-1]
    if port.grub_command in menu and all(wanted in line for line in kernels):
        return Step(title, State.OK, "set, with the right port and rate")
    lines = (port.grub_command, "terminal --timeout=5 serial console")
    detail = (
        f"put these at the top of {LEGACY_MENU}: {' ; '.join(lines)};"
        f" and at the end of each kernel line: {' '.join(port.kernel_arguments)}"
    )
    return Step(title, State.MISSING, detail)
