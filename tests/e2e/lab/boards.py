"""Machines without a BMC: processors, firmwares and loaders, each with a trouble.

QEMU offers the serial port as a unix socket and starts once a recorder has connected,
so that no byte is lost. What they start from is made of Debian's packages, in seconds.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

_GRUB: Final = Path("/usr/lib/grub/i386-pc")
_OPENSBI: Final = Path("/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_jump.elf")
_UBOOT: Final = Path("/usr/lib/u-boot")
_MEMTEST: Final = Path("/boot/memtest86+x64.bin")
_SDBOOT: Final = Path("/usr/lib/systemd/boot/efi/systemd-bootx64.efi")
_OVMF: Final = Path("/usr/share/OVMF")
_ARM_EFI: Final = Path("/usr/share/qemu-efi-aarch64/QEMU_EFI.fd")

MISSING = "QEMU's other machines are not installed (see BOARDS in the Makefile)"
AVAILABLE = all(
    map(
        shutil.which,
        (
            *("qemu-system-x86_64", "qemu-system-aarch64", "qemu-system-riscv64"),
            *("qemu-system-ppc64", "grub-mkimage", "syslinux", "mformat", "cryptsetup"),
        ),
    )
) and all(
    path.exists() for path in (_OPENSBI, _UBOOT, _MEMTEST, _SDBOOT, _OVMF, _ARM_EFI)
)

PASSPHRASE: Final = b"correct horse"

_SERIAL: Final = """\
serial --unit=0 --speed=115200
terminal_input serial
terminal_output serial
"""

Command = list[str]


class Machines:
    """Machines that run; a context manager that leaves nothing running."""

    def __init__(
        self, folder: Path, builders: Mapping[str, Callable[[Path], Command]]
    ) -> None:
        """Build them; they start with the context manager.

        Args:
            folder: for disks and sockets.
            builders: each returns its command, given a folder of its own.
        """
        self.sockets: Final = {name: folder / f"{name}.sock" for name in builders}
        """Where each offers its serial port."""
        self._commands: dict[str, Command] = {}
        for name, build in builders.items():
            work = folder / name
            work.mkdir()
            serial = f"socket,id=uart,path={self.sockets[name]},server=on,wait=on"
            self._commands[name] = [
                *build(work),
                *("-display", "none", "-chardev", serial),
            ]
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        """Start them all; each waits for a recorder to connect."""
        for name, command in self._commands.items():
            self._processes[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        return self

    def __exit__(self, *_: object) -> None:
        """End those that still run."""
        for name in list(self._processes):
            self.end(name)

    def end(self, name: str) -> None:
        """Switch one off: many that wait for a key compute while they do."""
        process = self._processes.pop(name)
        process.kill()
        process.wait()


def pc(*options: str, memory: int = 64) -> Command:
    """Return a PC that writes all it shows to its serial port.

    Args:
        options: more of QEMU's.
        memory: MiB of it.
    """
    return [
        *("qemu-system-x86_64", "-nodefaults", "-vga", "none", "-accel", "tcg"),
        *("-machine", "pc,graphics=off", "-m", str(memory)),
        *("-device", "isa-serial,chardev=uart", *options),
    ]


def _disk(image: Path) -> Command:
    return ["-drive", f"file={image},format=raw,if=ide"]


def _tftp(work: Path) -> str:
    """Return a network with DHCP, and TFTP without the file."""
    empty = work / "tftp"
    empty.mkdir()
    return f"user,id=lan,restrict=on,tftp={empty},bootfile=missing.0"


def _ipxe_without_dhcp(_work: Path) -> Command:
    return pc("-netdev", "hubport,id=lan,hubid=0", "-device", "e1000,netdev=lan")


def _ipxe_without_file(work: Path) -> Command:
    return pc("-netdev", _tftp(work), "-device", "e1000,netdev=lan")


def _uboot_arm(work: Path) -> Command:
    return [
        *("qemu-system-aarch64", "-machine", "virt", "-cpu", "cortex-a53"),
        *("-nodefaults", "-m", "128", "-serial", "chardev:uart"),
        *("-bios", str(_UBOOT / "qemu_arm64" / "u-boot.bin")),
        *("-netdev", _tftp(work), "-device", "virtio-net-pci,netdev=lan,romfile="),
    ]


def _opensbi(_work: Path) -> Command:
    return [
        *("qemu-system-riscv64", "-machine", "virt", "-nodefaults", "-m", "128"),
        *("-serial", "chardev:uart", "-bios", str(_OPENSBI)),
        *("-kernel", str(_UBOOT / "qemu-riscv64_smode" / "uboot.elf")),
    ]


def _slof(_work: Path) -> Command:
    quiet = "cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off"
    return [
        *("qemu-system-ppc64", "-machine", f"pseries,{quiet}", "-nodefaults"),
        *("-vga", "none", "-m", "512", "-device", "spapr-vty,chardev=uart"),
    ]


def _edk2_arm(_work: Path) -> Command:
    return [
        *("qemu-system-aarch64", "-machine", "virt", "-cpu", "cortex-a57"),
        *("-nodefaults", "-m", "128", "-serial", "chardev:uart"),
        *("-bios", str(_ARM_EFI)),
    ]


def _memtest(_work: Path) -> Command:
    return pc("-kernel", str(_MEMTEST), "-append", "console=ttyS0,115200")


def _syslinux(work: Path) -> Command:
    image, config = work / "disk.img", work / "syslinux.cfg"
    # Without SERIAL: the BIOS writes there already, and the two would mix.
    config.write_text("DEFAULT /missing-kernel\n")
    _make_fat(image, {"syslinux.cfg": config})
    _run("syslinux", "--install", str(image))
    return pc(*_disk(image))


def _grub(work: Path, script: str, *modules: str) -> Path:
    """Return a disk with a GRUB that runs a script and has nothing else."""
    config, core, image = work / "grub.cfg", work / "core.img", work / "disk.img"
    config.write_text(_SERIAL + script)
    _run(
        *("grub-mkimage", "--format=i386-pc", "--prefix=(memdisk)/", "--config"),
        *(str(config), "--output", str(core), "biosdisk", "part_msdos", "serial"),
        *("terminal", "normal", "echo", "sleep", "linux", "test"),
        *modules,
    )
    boot = (_GRUB / "boot.img").read_bytes()[:446] + bytes(64) + b"\x55\xaa"
    image.write_bytes((boot + core.read_bytes()).ljust(4 << 20, b"\0"))
    return image


def _grub_without_kernel(work: Path) -> Command:
    script = "echo 'Loading Linux 6.12.0 ...'\nlinux (hd0)/boot/vmlinuz\nboot\n"
    return pc(*_disk(_grub(work, script)))


def _grub_locked(work: Path) -> Command:
    secret, image = (
        work / "luks.img",
        _grub(
            work,
            "cryptomount -a\n",
            *("cryptodisk", "luks", "gcry_rijndael", "gcry_sha256", "pbkdf2"),
        ),
    )
    secret.write_bytes(bytes(4 << 20))
    subprocess.run(
        [
            *("cryptsetup", "luksFormat", "--batch-mode", "--type", "luks1"),
            *("--hash", "sha256", "--pbkdf-force-iterations", "1000"),
            *("--key-file", "-", str(secret)),
        ],
        input=PASSPHRASE,
        check=True,
    )
    return pc(*_disk(image), *_disk(secret))


def _systemd_boot(work: Path) -> Command:
    entry, settings, kernel = (
        work / name for name in ("broken.conf", "loader.conf", "vmlinuz")
    )
    entry.write_text("title Broken Linux\nlinux /broken/vmlinuz\n")
    kernel.write_text("An entry whose file is missing would not be shown.\n")
    settings.write_text("timeout 1\ndefault broken.conf\n")
    image = work / "esp.img"
    _make_fat(
        image,
        {
            "EFI/BOOT/BOOTX64.EFI": _SDBOOT,
            "loader/loader.conf": settings,
            "loader/entries/broken.conf": entry,
            "broken/vmlinuz": kernel,
        },
    )
    variables = shutil.copy(_OVMF / "OVMF_VARS_4M.fd", work / "variables.fd")
    flash = "if=pflash,format=raw"
    return [
        *("qemu-system-x86_64", "-nodefaults", "-vga", "none", "-accel", "tcg"),
        *("-machine", "q35", "-m", "128", "-device", "isa-serial,chardev=uart"),
        *("-drive", f"{flash},readonly=on,file={_OVMF / 'OVMF_CODE_4M.fd'}"),
        *("-drive", f"{flash},file={variables}"),
        *_disk(image),
    ]


def _make_fat(image: Path, files: Mapping[str, Path]) -> None:
    """Make a FAT image with files in it."""
    image.write_bytes(bytes(8 << 20))
    _run("mformat", "-i", str(image), "-c", "8", "-T", str((8 << 20) // 512), "::")
    folders = {str(parent) for name in files for parent in Path(name).parents}
    for folder in sorted(folders - {"."}):
        _run("mmd", "-i", str(image), f"::{folder}")
    for name, source in files.items():
        _run("mcopy", "-i", str(image), str(source), f"::{name}")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


BOARDS: Final[Mapping[str, Callable[[Path], Command]]] = MappingProxyType(
    {
        "opensbi": _opensbi,
        "uboot-arm64": _uboot_arm,
        "grub-no-kernel": _grub_without_kernel,
        "grub-luks": _grub_locked,
        "syslinux": _syslinux,
        "memtest": _memtest,
        "edk2-arm64": _edk2_arm,
        "ipxe-no-file": _ipxe_without_file,
        "ipxe-no-dhcp": _ipxe_without_dhcp,
        "slof": _slof,
        "systemd-boot": _systemd_boot,
    }
)
"""How each is started, by its name; given a folder of its own."""
