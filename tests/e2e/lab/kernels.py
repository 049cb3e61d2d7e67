"""Machines that QEMU starts a kernel on, for what early user space prints there."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from tests.e2e.lab.boards import PASSPHRASE, Command, pc
from tests.e2e.lab.media import Media


def machines(media: Media) -> Mapping[str, Callable[[Path], Command]]:
    """Return how each is started, by its name; given a folder of its own."""
    return {
        "luks": partial(_luks, media),
        "kexec": lambda _work: _linux(media.kernels, media, "scenario=kexec"),
        "kdump": lambda _work: _linux(
            media.kernels, media, "scenario=kdump crashkernel=192M"
        ),
    }


def _linux(initramfs: Path, media: Media, arguments: str, *options: str) -> Command:
    # On a busy host QEMU's clock halts: the kernel would panic over it, or complain.
    console = (
        "console=ttyS0,115200n8 ignore_loglevel "
        "no_timer_check nowatchdog rcupdate.rcu_cpu_stall_suppress=1"
    )
    return pc(
        *("-cpu", "max", "-no-reboot", "-kernel", str(media.kernel)),
        *("-initrd", str(initramfs), "-append", f"{console} {arguments}", *options),
        memory=512,
    )


def _luks(media: Media, work: Path) -> Command:
    secret = work / "luks.img"
    secret.write_bytes(bytes(32 << 20))
    subprocess.run(
        [
            *("cryptsetup", "luksFormat", "--batch-mode", "--type", "luks2"),
            *("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"),
            *("--key-file", "-", str(secret)),
        ],
        input=PASSPHRASE,
        check=True,
    )
    return _linux(
        media.tools,
        media,
        "scenario=locked cryptopts=target=vda_crypt,source=/dev/vda,luks",
        *("-drive", f"file={secret},format=raw,if=virtio"),
    )
