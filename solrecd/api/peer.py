"""The caller: the user at the other end of a unix socket, as the kernel knows it.

Their groups are those that their process has (SO_PEERGROUPS), not those that a new
login would give; they become names in a thread, because a directory service that does
not answer must not hold the consoles' loop.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from typing import Final, NamedTuple

import trio

from solrecd.process.access import LocalCaller
from solrecd.process.threads import Job, in_thread

TIMEOUT: Final = 5.0
"""Seconds for the names of a user and his groups; then he is ``uid N``, of none."""

_CREDENTIALS: Final = struct.Struct("3i")
"""``struct ucred``: process, user and group ID (unix(7), SO_PEERCRED)."""

_SO_PEERGROUPS: Final = 59
"""Supplementary group IDs of the peer (Linux 4.13); Python has no name for it."""

_MOST: Final = 1024
"""Bytes that Python reads of a socket option: 256 groups."""

_LOOK_UP: Final = Job("the names of a user and his groups", "he has to ask again")


class Credentials(NamedTuple):
    """A process at the other end, at the moment in which it connected."""

    uid: int
    gid: int
    groups: frozenset[int] | None
    """Supplementary groups; None: more of them than can be asked for."""


def credentials_of(connection: socket.socket | trio.socket.SocketType) -> Credentials:
    """Return the credentials behind a unix socket."""
    packed = connection.getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size
    )
    _, uid, gid = _CREDENTIALS.unpack(packed)
    return Credentials(uid, gid, _groups_of(connection))


def _groups_of(
    connection: socket.socket | trio.socket.SocketType,
) -> frozenset[int] | None:
    try:
        packed = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _MOST)
    except OSError as error:
        if error.errno in {errno.ERANGE, errno.ENOPROTOOPT}:
            return None
        raise
    return frozenset(struct.unpack(f"{len(packed) // 4}I", packed))


async def local_caller(
    credentials: Credentials, threads: trio.CapacityLimiter
) -> LocalCaller:
    """Return the user with these credentials, and his groups by their names."""
    if credentials.uid == 0:
        # Whatever becomes of the directory service, root gets in.
        await trio.lowlevel.checkpoint()
        return LocalCaller("root", is_master=True)
    is_master = credentials.uid == os.geteuid()
    with trio.move_on_after(TIMEOUT):
        user, groups = await in_thread(
            _LOOK_UP, _names_of, credentials, limiter=threads
        )
        return LocalCaller(user, groups, is_master)
    return LocalCaller(f"uid {credentials.uid}", is_master=is_master)


def _names_of(credentials: Credentials) -> tuple[str, frozenset[str]]:
    try:
        user = pwd.getpwuid(credentials.uid).pw_name
    except KeyError:
        user = f"uid {credentials.uid}"
    groups: Iterable[int] | None = credentials.groups
    if groups is None:
        # A user without a name has no groups but his own.
        groups = os.getgrouplist(user, credentials.gid)
    return user, frozenset(_group_names({credentials.gid, *groups}))


def _group_names(groups: Iterable[int]) -> Iterable[str]:
    for group in groups:
        with suppress(KeyError):
            yield grp.getgrgid(group).gr_name
