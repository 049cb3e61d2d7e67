"""Sockets to listen on: a unix socket of this machine, a TCP port, or systemd's."""

from __future__ import annotations

import logging
import os
import socket
import stat
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import trio

SOCKET_MODE = 0o660
"""Only the owner and the group of the unix socket may use the API."""

_BACKLOG = 64

Bind = str | tuple[str, int] | socket.socket
"""The path of a unix socket, or a TCP host and port (0: any free port); or a unix
socket that the service manager listens on for us, and keeps when we exit."""

CONTROL = "control"
"""FileDescriptorName= of solrecd.socket."""

_LOGGER = logging.getLogger("solrecd.api")


class ListenError(Exception):
    """An address cannot be listened on; the message names it and the remedy."""


@asynccontextmanager
async def listen(bind: Bind) -> AsyncIterator[list[trio.SocketListener]]:
    """Listen while the context lasts; a unix socket's file is removed at the end.

    Raises:
        ListenError: the address is in use, forbidden, or not there.
    """
    if isinstance(bind, socket.socket):
        with bind:
            yield [trio.SocketListener(trio.socket.from_stdlib_socket(bind))]
    elif isinstance(bind, str):
        with _listening_unix(Path(bind)) as listener:
            yield [listener]
    else:
        listeners = await _open_tcp(*bind)
        try:
            yield listeners
        finally:
            for listener in listeners:
                listener.socket.close()


def address_of(bind: Bind, listeners: Sequence[trio.SocketListener]) -> str:
    """Return what a person would type: a path, ``host:port`` or ``[host]:port``."""
    if isinstance(bind, str):
        return bind
    if isinstance(bind, socket.socket):
        return str(bind.getsockname())
    host, port, *_ = listeners[0].socket.getsockname()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def control_bind(path: str, inherited: Mapping[str, int]) -> Bind:
    """Return what to listen on for ``control``: systemd's socket, or the path.

    Clients that connect while no daemon serves wait in systemd's socket, so they do not
    notice a restart. A socket at another path than the configuration names is not used:
    clients read the configuration, and would not find us.

    Args:
        path: as configured.
        inherited: descriptors that the service manager passed to us, by name.
    """
    descriptor = inherited.get(CONTROL)
    if descriptor is None:
        return path
    try:
        passed = socket.socket(fileno=descriptor)
    except OSError as error:
        _LOGGER.warning("the socket unit passed no socket: %s", error)
        return path
    if _listens_on(passed, path):
        return passed
    _LOGGER.warning(
        "the socket unit listens on %s; set ListenStream=%s there, or control",
        passed.getsockname(),
        path,
    )
    passed.close()
    return path


def _listens_on(passed: socket.socket, path: str) -> bool:
    listens = passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    return (passed.family, passed.getsockname()) == (socket.AF_UNIX, path) and (
        listens == 1
    )


async def _open_tcp(host: str, port: int) -> list[trio.SocketListener]:
    try:
        return await trio.open_tcp_listeners(port, host=host, backlog=_BACKLOG)
    except OSError as error:
        raise ListenError(f"cannot listen on {host} port {port}: {error}") from None


@contextmanager
def _listening_unix(path: Path) -> Iterator[trio.SocketListener]:
    _refuse_if_taken(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with listening:
        try:
            identity = _bind(listening, path)
        except OSError as error:
            raise ListenError(f"cannot listen on {path}: {error}") from None
        try:
            yield trio.SocketListener(trio.socket.from_stdlib_socket(listening))
        finally:
            _remove(path, identity)


def _refuse_if_taken(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return
    if not stat.S_ISSOCK(mode):
        raise ListenError(f"cannot listen on {path}: it exists and is not a socket")
    if _answers(path):
        raise ListenError(f"cannot listen on {path}: another solrecd listens there")


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(os.fspath(path))
        except OSError:
            return False
        return True


def _bind(listening: socket.socket, path: Path) -> tuple[int, int]:
    """Bind under a temporary name: no client connects before the mode is right."""
    early = path.with_name(f".{path.name}.{os.getpid()}")
    early.unlink(missing_ok=True)
    listening.bind(os.fspath(early))
    early.chmod(SOCKET_MODE)
    listening.listen(_BACKLOG)
    early.replace(path)
    return _identity(path)


def _identity(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_dev, found.st_ino


def _remove(path: Path, identity: tuple[int, int]) -> None:
    """Remove our socket, unless a successor has already put its own there."""
    with suppress(OSError):
        if _identity(path) == identity:
            path.unlink()
