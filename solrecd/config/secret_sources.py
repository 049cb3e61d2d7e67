"""Passwords and keys: where they may come from, and never into a log."""

from __future__ import annotations

import codecs
import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

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
    """Return the secret itself, or all that a file has.

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
    return _unmarked(content, path)


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
    return _unmarked(content, f"credential {name!r}")


_MARKS: Final = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _unmarked(content: bytes, place: str) -> bytes:
    if content.startswith(_MARKS):
        raise ValueError(
            f"{place} begins with a byte order mark, which is not part of it;"
            " save it as plain text without BOM"
        )
    return content


def fetch_line(source: SecretSource, environment: ConfigEnvironment) -> bytes:
    """Return a secret that is one line of its file, without the line's end.

    Raises:
        ValueError: as `fetch`, and where there is no line or more than one.
    """
    content = fetch(source, environment)
    if source.kind is SecretKind.INLINE:
        return content
    place = f"{_NOUNS[source.kind]}{source.value}"
    secret = content.rstrip(b"\r\n")
    if not secret:
        raise ValueError(f"{place} is empty; allowed: one line")
    lines = len(secret.splitlines())
    if lines > 1:
        raise ValueError(f"{place} has {lines} lines; allowed: one line")
    return secret


_NOUNS: Final = {SecretKind.CREDENTIAL: "credential ", SecretKind.FILE: ""}
