"""`solrecctl setup`: the operating system's side of a serial console.

Run it on the machine whose console is to be recorded: it says what is there and prints
the lines that bring the rest, or runs them.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from solrecd.cli.hostconsole import (
    Distro,
    Facts,
    Port,
    State,
    Step,
    distro_of,
    plan,
    port_of_firmware,
)
from solrecd.cli.hostconsole.port import MAX_UNIT
from solrecd.cli.program import CommandError, Exit
from solrecd.cli.shared.confirmation import is_agreed
from solrecd.cli.shared.output import Colour, screen, warn
from solrecd.sources.ipmi.options import BAUD_RATES

USUAL: Final = Port(unit=1, baud=115200)
"""COM2 at full rate: what most servers wire to their BMC."""

_COLOURS = {
    State.OK: Colour.GOOD,
    State.MISSING: Colour.BAD,
    State.ADVICE: Colour.WARNING,
}
_GRUB_CONFIGS: Final = (
    "boot/grub/grub.cfg",
    "boot/grub2/grub.cfg",
    "boot/efi/EFI/redhat/grub.cfg",
    "boot/efi/EFI/fedora/grub.cfg",
)
_GETTY: Final = "etc/systemd/system/getty.target.wants/serial-getty@{tty}.service"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "--unit",
        type=int,
        choices=range(MAX_UNIT + 1),
        metavar="N",
        help="serial port that the BMC listens to, 0 for COM1 (default: what the"
        f" firmware says, else {USUAL.unit})",
    )
    parser.add_argument(
        "--baud",
        type=int,
        choices=BAUD_RATES,
        metavar="RATE",
        help=f"bit rate (default: what the firmware says, else {USUAL.baud})",
    )
    parser.add_argument(
        "--distro", choices=list(Distro), help="default: by /etc/os-release"
    )
    parser.add_argument(
        "--install",
        action="store_true",
        help="write files and run commands, after asking",
    )
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--root",
        type=Path,
        default=Path("/"),
        metavar="DIR",
        help="a mounted system: its files are written, no command is run",
    )


def main(args: argparse.Namespace) -> int:
    """Print or run what is missing; exit status 1 when something was."""
    port = _port(args)
    facts = gather(args.root, port)
    distro = args.distro or distro_of(facts.os_release)
    if distro is None:
        raise CommandError("unknown distribution; name its family with --distro")
    steps = plan(facts, port, Distro(distro))
    missing = [step for step in steps if step.state is State.MISSING]
    if args.json:
        screen().objects(map(_object, steps))
    else:
        _show(port, steps)
    if args.install and missing:
        _install(missing, args.root, asks=not args.yes)
    return Exit.NO if missing and not args.install else Exit.DONE


def _port(args: argparse.Namespace) -> Port:
    table = _bytes(args.root / "sys/firmware/acpi/tables/SPCR")
    told = port_of_firmware(table) or USUAL
    unit = told.unit if args.unit is None else args.unit
    return Port(unit, told.baud if args.baud is None else args.baud)


def gather(root: Path, port: Port) -> Facts:
    """Read what matters of the system below a folder; what is not there is empty."""
    configs = (path for path in _GRUB_CONFIGS if (root / path).exists())
    config = next(configs, None)
    securetty = root / "etc/securetty"
    return Facts(
        os_release=_text(root / "etc/os-release"),
        command_line=_text(root / "proc/cmdline"),
        default_grub=_text(root / "etc/default/grub"),
        grub_snippet=_text(root / "etc/default/grub.d/solrecd.cfg"),
        grub_config=None if config is None else f"/{config}",
        has_boot_entries=any((root / "boot/loader/entries").glob("*.conf")),
        legacy_menu=_text(root / "boot/grub/menu.lst"),
        securetty=_text(securetty) if securetty.exists() else None,
        getty_enabled=(root / _GETTY.format(tty=port.tty)).is_symlink(),
        serial_driver=_text(root / "proc/tty/driver/serial"),
    )


def _bytes(path: Path) -> bytes:
    with contextlib.suppress(OSError):
        return path.read_bytes()
    return b""


def _text(path: Path) -> str:
    return _bytes(path).decode("utf-8", "replace")


def _show(port: Port, steps: Iterable[Step]) -> None:
    """Print it all as a shell script: what is to be read stands in comments."""
    out = screen()
    out.line(f"# console on {port.tty} at {port.baud} baud")
    for step in steps:
        state = out.paint(step.state, _COLOURS[step.state])
        out.line(f"\n# {state}: {step.title} ({step.detail})")
        if step.state is State.MISSING and step.shell:
            out.line(step.shell)


def _object(step: Step) -> dict[str, Any]:
    return {
        "step": step.title,
        "state": step.state,
        "detail": step.detail,
        "shell": step.shell if step.state is State.MISSING else "",
    }


_QUESTION = "\nWrite and run all this? [y/N]"


def _install(steps: Sequence[Step], root: Path, *, asks: bool) -> None:
    doable = [step for step in steps if step.file or step.commands]
    if not doable or (asks and not is_agreed(_QUESTION)):
        return
    for step in doable:
        if step.file is not None:
            _write(root, step)
        for command in step.commands:
            _run(command, root)


def _write(root: Path, step: Step) -> None:
    if step.file is None:
        return
    path = root / step.file.path.lstrip("/")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a" if step.file.appended else "w", encoding="utf-8") as file:
            file.write(step.file.text)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror} (setup runs as root)") from None
    warn(f"wrote {path}")


def _run(command: Sequence[str], root: Path) -> None:
    line = " ".join(command)
    if root != Path("/"):
        warn(f"not run outside of its own system: {line}")
        return
    try:
        status = subprocess.run(command, check=False).returncode
    except OSError as error:
        raise CommandError(f"{line}: {error.strerror}") from None
    if status:
        raise CommandError(f"{line}: exit status {status}", Exit.NO)
    warn(f"ran {line}")
