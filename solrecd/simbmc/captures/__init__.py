"""Boots of real machines (QEMU, SeaBIOS, GRUB 2, Debian 12), recorded for this project.

``NAME.raw.zst`` holds the exact bytes that left the UART, ``NAME.timing.zst`` when,
in scriptreplay's advanced format: the two files that solrecd's own archives have.
"""

from __future__ import annotations

from importlib import resources
from typing import Final

import zstandard

from solrecd.simbmc.capture import Capture

NAMES: Final = (
    "boot-and-shutdown",
    "panic-no-root",
    "grub-rescue",
    "good-boot",
    "initramfs-shell",
    "crash-after-login",
    "hang",
    "emergency",
    "no-device",
)
"""Every capture there is; the order makes a story of failures and recoveries."""


def load(name: str) -> Capture:
    """Return a capture of this package.

    Args:
        name: one of `NAMES`.

    Raises:
        FileNotFoundError: there is no such capture.
    """
    timing = _read(f"{name}.timing.zst").decode("ascii")
    return Capture.parse(_read(f"{name}.raw.zst"), timing)


def _read(filename: str) -> bytes:
    packed = resources.files(__name__).joinpath(filename).read_bytes()
    with zstandard.ZstdDecompressor().stream_reader(packed) as reader:
        return reader.read()
