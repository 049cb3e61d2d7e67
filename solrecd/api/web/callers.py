"""Users of this machine, looked up again: who left a group loses what it gave."""

from __future__ import annotations

import grp
import math
import os
import pwd
import stat
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Final

import trio

from solrecd.process.access import Caller, LocalCaller, RemoteCaller
from solrecd.process.threads import Job, in_thread

FRESH: Final = 30.0
"""Seconds for which an answer of the directory service counts."""

TIMEOUT: Final = 5.0
"""Seconds for an answer; what is known from before counts where there is none."""

_LOOK_UP: Final = Job("the groups of users of pages", "they have to log in again")
_THREADS: Final = 4

_UNNAMED: Final = "uid "


class Callers:
    """What is known of those who use pages.

    Args:
        look_up: returns the user of a name; blocks, and runs in a thread.
        on_change: called when one has other groups than before.
    """

    def __init__(
        self,
        look_up: Callable[[str], Caller],
        on_change: Callable[[], None],
    ) -> None:
        self.look_up = look_up
        self._on_change = on_change
        self._known: dict[str, tuple[Caller, float]] = {}
        self._threads = trio.CapacityLimiter(_THREADS)

    def current(self, identity: Caller) -> Caller:
        """Return the caller as known; one never looked up has no groups."""
        if not isinstance(identity, LocalCaller):
            return identity
        known = self._known.get(identity.user)
        return LocalCaller(identity.user) if known is None else known[0]

    def forget(self) -> None:
        """Have everyone looked up again the next time."""
        self._known = {name: (who, -math.inf) for name, (who, _) in self._known.items()}

    async def refresh(self, identity: Caller) -> None:
        """Look a user up again, unless that was done a moment ago."""
        if not isinstance(identity, LocalCaller):
            return
        name = identity.user
        known = self._known.get(name)
        if known is not None and trio.current_time() < known[1] + FRESH:
            return
        with trio.move_on_after(TIMEOUT):
            found = await in_thread(_LOOK_UP, self.look_up, name, limiter=self._threads)
            self._known[name] = found, trio.current_time()
            if known is not None and known[0] != found:
                self._on_change()


def look_up_user(control: Path, name: str) -> Caller:
    """Return a user with the groups that a login would give.

    Who could not open the control socket any more is an unknown caller: its mode is
    what lets people in where no grant does.

    Args:
        control: the socket.
        name: login name, or ``uid N`` of a user without one.
    """
    try:
        if name.startswith(_UNNAMED):
            uid, found = int(name.removeprefix(_UNNAMED)), set[int]()
        else:
            user = pwd.getpwnam(name)
            uid, found = user.pw_uid, set(os.getgrouplist(name, user.pw_gid))
    except (KeyError, ValueError):
        return RemoteCaller()
    if uid in {0, os.geteuid()}:
        return LocalCaller(name, is_master=True)
    if not _may_open(control, uid, found):
        return RemoteCaller()
    groups = set()
    for group in found:
        with suppress(KeyError):
            groups.add(grp.getgrgid(group).gr_name)
    return LocalCaller(name, frozenset(groups))


def _may_open(path: Path, uid: int, groups: Collection[int]) -> bool:
    """Whether a user may write to a socket, by its mode."""
    try:
        found = path.stat()
    except OSError:
        return False
    if uid == found.st_uid:
        return bool(found.st_mode & stat.S_IWUSR)
    if found.st_gid in groups:
        return bool(found.st_mode & stat.S_IWGRP)
    return bool(found.st_mode & stat.S_IWOTH)
