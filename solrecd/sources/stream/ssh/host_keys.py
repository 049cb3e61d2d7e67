"""Which host keys a host shows, and which are believed: ssh-keyscan and ssh-keygen."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import trio

from solrecd.process.programs import run_program
from solrecd.sources.stream.ssh.options import SshOptions

_ASKING: Final = 10
"""Seconds for a host to show its keys."""

_TYPES: Final = "ed25519,ecdsa,rsa"

Keys = Mapping[str, str]
"""Public host keys in base64, by their type."""


async def shown_keys(options: SshOptions) -> Keys:
    """Return the host keys that a host shows; none where it does not answer."""
    port, seconds = str(options.port), str(_ASKING // 2)
    command = ("ssh-keyscan", "-T", seconds, "-p", port, "-t", _TYPES, "--")
    return _keys(await _output(*command, options.host))


async def believed_keys(options: SshOptions, files: Sequence[str]) -> Keys:
    """Return the host keys of a host that are in files."""
    keys: dict[str, str] = {}
    for file in files:
        command = ("ssh-keygen", "-F", options.known_as, "-f", file)
        keys |= _keys(await _output(*command))
    return keys


async def _output(*command: str) -> bytes:
    """Return what a program prints; nothing where it fails."""
    try:
        with trio.fail_after(_ASKING):
            return bytes((await run_program(command)).output)
    except (OSError, trio.TooSlowError):
        return b""


def _keys(output: bytes) -> Keys:
    """Return the keys in lines of a known_hosts file (sshd(8))."""
    keys = {}
    for line in output.decode(errors="replace").splitlines():
        words = line.split()
        if len(words) >= 3 and not line.startswith(("#", "@")):
            keys[words[1]] = words[2]
    return keys


def fingerprints(keys: Keys) -> Sequence[str]:
    """Return keys as people compare them: ``ED25519 SHA256:...``."""
    return [f"{_short(kind)} {_digest(key)}" for kind, key in keys.items()]


def _short(kind: str) -> str:
    return kind.removeprefix("ssh-").partition("-")[0].upper()


def _digest(key: str) -> str:
    try:
        digest = hashlib.sha256(base64.b64decode(key)).digest()
    except binascii.Error:
        return "which is not a key"
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
