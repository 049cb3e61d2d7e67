"""What of a machine matters for its serial console."""

from __future__ import annotations

import enum
import re
import shlex
from dataclasses import dataclass
from typing import Final

_OS_RELEASE = re.compile(r"^(ID|ID_LIKE)=(.*)$", re.MULTILINE)


class Distro(enum.StrEnum):
    """Families that configure GRUB alike."""

    DEBIAN = "debian"
    RHEL = "rhel"
    SUSE = "suse"


_FAMILIES: Final = {
    "debian": Distro.DEBIAN,
    "ubuntu": Distro.DEBIAN,
    "rhel": Distro.RHEL,
    "fedora": Distro.RHEL,
    "centos": Distro.RHEL,
    "suse": Distro.SUSE,
    "opensuse": Distro.SUSE,
    "sles": Distro.SUSE,
}


@dataclass(frozen=True, slots=True)
class Facts:
    """Files and states of one machine; empty text where there is no such file."""

    os_release: str = ""
    """``/etc/os-release``."""
    command_line: str = ""
    """``/proc/cmdline``: of the kernel that runs."""
    default_grub: str = ""
    """``/etc/default/grub``."""
    grub_snippet: str = ""
    """Ours in ``/etc/default/grub.d``."""
    grub_config: str | None = None
    """Path of GRUB 2's made configuration; None: there is none."""
    has_boot_entries: bool = False
    """Boot loader specification: kernels have an entry each in ``/boot/loader``."""
    legacy_menu: str = ""
    """``/boot/grub/menu.lst``: GRUB Legacy."""
    securetty: str | None = None
    """``/etc/securetty``; None: there is none, as on all newer systems."""
    getty_enabled: bool = False
    """Whether a getty of its own is enabled for the port."""
    serial_driver: str = ""
    """``/proc/tty/driver/serial``: only root may read it."""


def distro_of(os_release: str) -> Distro | None:
    """Return the family that ``/etc/os-release`` tells; None for all others."""
    found = dict(_OS_RELEASE.findall(os_release))
    for key in ("ID", "ID_LIKE"):
        for word in shlex.split(found.get(key, "").replace('"', " ")):
            family = _FAMILIES.get(word.partition("-")[0])
            if family is not None:
                return family
    return None
