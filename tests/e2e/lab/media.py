"""The boot media: built once per machine, found again by what they are made of."""

import fcntl
import hashlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

_LAB = Path(__file__).parent
_INGREDIENTS = ("build", "grub.cfg", "init", "init.tools")


@dataclass(frozen=True, slots=True)
class Media:
    """A folder with everything that `build` makes."""

    directory: Path

    @property
    def system(self) -> Path:
        """A CD with GRUB, a kernel and a userland, for BIOS and UEFI."""
        return self.directory / "lab.iso"

    @property
    def rescue(self) -> Path:
        """A disk whose GRUB cannot find its own files."""
        return self.directory / "rescue.img"

    @property
    def blank(self) -> Path:
        """A disk that nothing can be started from."""
        return self.directory / "blank.img"

    @property
    def kernel(self) -> Path:
        """The kernel, for QEMU to start by itself."""
        return self.directory / "vmlinuz"

    @property
    def tools(self) -> Path:
        """The kernel's initramfs, with cryptsetup, kexec and makedumpfile."""
        return self.directory / "tools.gz"

    @property
    def kernels(self) -> Path:
        """The same with the kernel in it, to be started from there."""
        return self.directory / "kernels.gz"

    @property
    def kernel_release(self) -> str:
        """What ``uname -r`` says on the machine."""
        return (self.directory / "kernel-release").read_text().strip()

    @property
    def is_complete(self) -> bool:
        """Whether the build went through to its last step."""
        return (self.directory / "kernel-release").exists()


def prepare_media() -> Media:
    """Return the boot media, building them when this version is not there yet.

    They are kept in ``$SOLRECD_LAB``, or else in the user's cache folder.

    Raises:
        subprocess.CalledProcessError: the build failed; it said why on stderr.
    """
    root = _cache_root()
    root.mkdir(parents=True, exist_ok=True)
    media = Media(root / _version())
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not media.is_complete:
            subprocess.run([_LAB / "build", media.directory], check=True)
    return media


def _cache_root() -> Path:
    if chosen := os.environ.get("SOLRECD_LAB"):
        return Path(chosen)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "solrecd" / "lab"


def _version() -> str:
    digest = hashlib.sha256()
    for name in _INGREDIENTS:
        digest.update((_LAB / name).read_bytes())
    return digest.hexdigest()[:16]
