"""Passwords and keys: where they may come from, and never into a log."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from solrecd.process.tls import TlsFiles

OTHERS = 0o077
"""Permission bits of the group and of all others: none may be set on a secret."""


STAND_IN = b"(credential)"
"""In place of a credential that only systemd has; no session can be opened with it."""


class SecretKind(enum.StrEnum):
    """Where a secret is kept; the end of the key's name (inline has none)."""

    CREDENTIAL = "_credential"
    FILE = "_file"
    INLINE = ""


class SecretSource(NamedTuple):
    """A secret as configured, not fetched yet."""

    kind: SecretKind
    value: str
    """Name of the credential, path of the file, or the secret itself."""


def _no_file(path: str) -> bytes:
    raise FileNotFoundError(2, "No such file or directory", path)


def _no_mode(path: str) -> int:
    raise FileNotFoundError(2, "No such file or directory", path)


def _no_tls(files: TlsFiles) -> object:
    raise ValueError(f"cannot use {files.certificate}: there are no files here")


@dataclass(frozen=True, slots=True)
class ConfigEnvironment:
    """What the configuration may ask of the machine; by default there is nothing."""

    read_bytes: Callable[[str], bytes] = _no_file
    """Content of a file by its path. Raises `OSError`."""
    mode_of: Callable[[str], int] = _no_mode
    """Permission bits of a file by its path. Raises `OSError`."""
    check_tls: Callable[[TlsFiles], object] = _no_tls
    """Tells whether TLS can be spoken with these files. Raises `ValueError`."""
    credentials: str | None = None
    """systemd's ``$CREDENTIALS_DIRECTORY``; None outside a unit that has any."""
    assume_credentials: bool = False
    """Outside a unit, a credential is `STAND_IN`: a person may check a configuration
    whose credentials systemd gives to the service alone."""


def fetch(source: SecretSource, environment: ConfigEnvironment) -> bytes:
    """Return the secret itself, without the line end that editors leave in files.

    Raises:
        ValueError: it cannot be had, or others can read it; says the remedy.
    """
    match source.kind:
        case SecretKind.INLINE:
            return source.value.encode()
        case SecretKind.FILE:
            return _fetch_file(source.value, environment)
        case SecretKind.CREDENTIAL:
            return _fetch_credential(source.value, environment)


def _fetch_file(path: str, environment: ConfigEnvironment) -> bytes:
    try:
        mode = environment.mode_of(path)
        content = environment.read_bytes(path)
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror or error}") from None
    if mode & OTHERS:
        raise ValueError(
            f"{path} has mode {mode & 0o7777:04o}, so that others can read it;"
            f" allowed: 0600 or less (chmod 600 {path})"
        )
    return _without_line_end(content)


def _fetch_credential(name: str, environment: ConfigEnvironment) -> bytes:
    if environment.credentials is None and environment.assume_credentials:
        return STAND_IN
    if environment.credentials is None:
        raise ValueError(
            f"credential {name!r} needs systemd, and this process was given none;"
            f" add LoadCredential={name}:PATH to the unit, or keep it in a file"
        )
    try:
        content = environment.read_bytes(f"{environment.credentials}/{name}")
    except OSError as error:
        raise ValueError(
            f"cannot read credential {name!r}: {error.strerror or error};"
            f" the unit needs LoadCredential={name}:PATH"
        ) from None
    return _without_line_end(content)


def _without_line_end(content: bytes) -> bytes:
    return content.removesuffix(b"\n").removesuffix(b"\r")
