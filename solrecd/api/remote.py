"""How `solrecctl` shows a distant daemon who we are; imported only for ``https://``.

A token never stands in an argument or in the environment, which others can read: it is
in a file. Which one, and which certificates, is said by variables, or by
``~/.config/solrecd/client.toml`` for each server apart, so that no server gets the
token of another::

    default = "https://recorder.example.net"

    ["https://recorder.example.net"]
    token_file = "~/.config/solrecd/token"
    ca = "~/.config/solrecd/ca.pem"
"""

from __future__ import annotations

import os
import ssl
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

FILE: Final = "solrecd/client.toml"
"""Below ``$XDG_CONFIG_HOME``."""

_VARIABLES: Final[Mapping[str, str]] = {
    "token_file": "SOLRECCTL_TOKEN_FILE",
    "ca": "SOLRECCTL_CA",
    "certificate": "SOLRECCTL_CERTIFICATE",
    "key": "SOLRECCTL_KEY",
}

_OTHERS: Final = 0o077
"""Permission bits of the group and of others."""

MAX_TOKEN_FILE: Final = 4096
"""Bytes; what is larger is not a token."""


class RemoteError(Exception):
    """We cannot say who we are; the message names the file and the remedy."""


class Remote(NamedTuple):
    """How to speak to one server."""

    context: ssl.SSLContext
    token: str | None

    def __repr__(self) -> str:
        """Return what may be in a log: not the token."""
        return f"Remote(token={'...' if self.token else None})"


def remote_for(url: str, environ: Mapping[str, str] = os.environ) -> Remote:
    """Return how to speak to the server of a URL.

    Raises:
        RemoteError: a file cannot be used.
    """
    settings = _settings_of(url, environ)
    context = _context(settings)
    token_file = settings.get("token_file")
    return Remote(context, None if token_file is None else _token_in(token_file))


def default_server(environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the server that is asked where none is named; None: this machine's.

    Raises:
        RemoteError: the file cannot be used.
    """
    found = _read(_path(environ)).get("default")
    return found if isinstance(found, str) else None


def _path(environ: Mapping[str, str]) -> Path:
    home = environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / FILE


def _read(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise RemoteError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise RemoteError(f"{path}: {error}") from None


def _settings_of(url: str, environ: Mapping[str, str]) -> Mapping[str, str]:
    path = _path(environ)
    table = _read(path).get(url.rstrip("/"), {})
    if not isinstance(table, dict) or not table.keys() <= _VARIABLES.keys():
        allowed = ", ".join(_VARIABLES)
        raise RemoteError(f'{path}: ["{url}"] allows {allowed}')
    given = {key: environ.get(name) for key, name in _VARIABLES.items()}
    return {
        key: str(Path(str(value)).expanduser())
        for key in _VARIABLES
        if (value := given[key] or table.get(key))
    }


def _context(settings: Mapping[str, str]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.get("ca"))
        if "certificate" in settings:
            context.load_cert_chain(settings["certificate"], settings.get("key"))
    except (OSError, ValueError) as error:
        files = ", ".join(path for key, path in settings.items() if key != "token_file")
        reason = getattr(error, "reason", None) or getattr(error, "strerror", error)
        raise RemoteError(f"cannot use {files}: {reason}") from None
    return context


def _token_in(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read(MAX_TOKEN_FILE)
    except OSError as error:
        raise RemoteError(f"{path}: {error.strerror}") from None
    if mode & _OTHERS:
        raise RemoteError(
            f"{path} has mode {mode:04o}, so that others can read the token; "
            f"chmod 600 {path}"
        )
    token = content.strip()
    if not token.isascii() or not token.decode("ascii", "replace").isprintable():
        raise RemoteError(f"{path} holds no token: one line of ASCII is needed")
    if not token:
        raise RemoteError(f"{path} is empty: it should hold a token")
    return token.decode("ascii")
