"""A whole computer on loopback: QEMU with real firmware, a serial line, and a BMC.

It is switched on and off through its BMC only, as in the field: ipmitool asks ipmi_sim,
ipmi_sim runs the `chassis` script, and that starts or ends QEMU.
"""

import contextlib
import enum
import os
import re
import shlex
import shutil
import signal
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.e2e.lab.media import Media
from tests.support.ipmi_sim import IpmiSim

_CHASSIS = Path(__file__).parent / "chassis"
_OVMF = Path("/usr/share/OVMF")
_POLL_SECONDS = 0.1

MISSING = "QEMU and GRUB's tools are not installed (see LAB in the Makefile)"
AVAILABLE = None not in map(
    shutil.which,
    ("qemu-system-x86_64", "grub-mkrescue", "grub-mkimage", "xorriso", "cpio"),
)


class Firmware(enum.Enum):
    """What the machine starts with."""

    SEABIOS = enum.auto()
    OVMF = enum.auto()


class Scenario(enum.Enum):
    """What the machine does when it is switched on; values are GRUB menu entries."""

    LOGIN = "login"
    CRASH = "sysrq"
    HANG = "hang"
    GRUB_RESCUE = "rescue"
    BLANK_DISK = "blank"
    NO_DISK = "none"


class Machine:
    """One computer with a BMC; a context manager that leaves nothing running."""

    def __init__(
        self,
        directory: Path,
        media: Media,
        scenario: Scenario,
        firmware: Firmware = Firmware.SEABIOS,
    ) -> None:
        """Plug everything together; it stays off until `power_on`."""
        self._directory = directory
        chassis = shlex.join([str(_CHASSIS), str(directory)])
        self.bmc = IpmiSim(directory / "bmc", chassis=chassis)
        self.wire = self.bmc.wire
        self._media = media
        self._computer = [
            *_computer(self.wire.machine_path),
            *_firmware(firmware, directory),
        ]
        self.choose(scenario)

    def __enter__(self) -> Self:
        """Start the BMC; it has power even while the machine is off."""
        self.bmc.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Pull every plug."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((self._directory / "pid").read_text()), signal.SIGKILL)
        self.bmc.__exit__(kind, error, traceback)

    def choose(self, scenario: Scenario) -> None:
        """Decide what it does when it is switched on the next time."""
        command = [*self._computer, *_boot_device(scenario, self._media)]
        _write_program(self._directory / "start", command)

    def power_on(self) -> None:
        """Press the button, through IPMI."""
        self.bmc.ipmitool("chassis", "power", "on")

    def power_cycle(self) -> None:
        """Take the power away and give it back a second later, through IPMI."""
        self.bmc.ipmitool("chassis", "power", "cycle")

    def power_off(self) -> None:
        """Take the power away, through IPMI."""
        self.bmc.ipmitool("chassis", "power", "off")

    def wait_output(self, pattern: bytes, seconds: float = 120) -> None:
        """Return once the machine has printed something that matches ``pattern``.

        Raises:
            TimeoutError: it did not; the text shows its last words.
        """
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.wire.sent):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{pattern!r} not in {self.wire.sent[-500:]!r}")
            time.sleep(_POLL_SECONDS)


def _computer(uart: Path) -> list[str]:
    # Emulation (TCG) runs everywhere, also where the tests themselves run in a VM.
    return [
        *("qemu-system-x86_64", "-nodefaults", "-display", "none", "-vga", "none"),
        *("-accel", "tcg", "-cpu", "qemu64", "-smp", "1", "-m", "256"),
        *("-chardev", f"socket,id=uart,path={uart},server=off"),
        *("-device", "isa-serial,chardev=uart"),
    ]


def _firmware(firmware: Firmware, directory: Path) -> list[str]:
    if firmware is Firmware.SEABIOS:
        return ["-machine", "pc,graphics=off"]
    variables = shutil.copy(_OVMF / "OVMF_VARS_4M.fd", directory / "variables.fd")
    flash = "if=pflash,format=raw"
    return [
        *("-machine", "q35"),
        *("-drive", f"{flash},readonly=on,file={_OVMF / 'OVMF_CODE_4M.fd'}"),
        *("-drive", f"{flash},file={variables}"),
    ]


def _boot_device(scenario: Scenario, media: Media) -> list[str]:
    disk = "format=raw,if=ide,snapshot=on"
    match scenario:
        case Scenario.NO_DISK:
            return []
        case Scenario.BLANK_DISK:
            return ["-drive", f"file={media.blank},{disk}"]
        case Scenario.GRUB_RESCUE:
            return ["-drive", f"file={media.rescue},{disk}"]
        case _:
            cdrom = f"file={media.system},format=raw,media=cdrom,readonly=on"
            return ["-drive", cdrom, "-smbios", f"type=1,family={scenario.value}"]


def _write_program(path: Path, command: list[str]) -> None:
    path.write_text(f"#!/bin/sh\nexec {shlex.join(command)}\n")
    path.chmod(0o755)
