"""Users of this machine, looked up again: who left a group loses what it gave."""

from __future__ import annotations

import grp
import math
import os
import pwd
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import trio

from solrecd.process.access import Caller, LocalCaller
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
        look_up: Callable[[str], LocalCaller],
        on_change: Callable[[], None],
    ) -> None:
        self.look_up = look_up
        self._on_change = on_change
        self._known: dict[str, tuple[LocalCaller, float]] = {}
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


def look_up_user(name: str) -> LocalCaller:
    """Return a user with the groups that a login would give; of none, if he is gone."""
    try:
        if name.startswith(_UNNAMED):
            uid = int(name.removeprefix(_UNNAMED))
            return LocalCaller(name, is_master=uid == os.geteuid())
        user = pwd.getpwnam(name)
    except (KeyError, ValueError):
        return LocalCaller(name)
    groups = set()
    for group in os.getgrouplist(user.pw_name, user.pw_gid):
        with suppress(KeyError):
            groups.add(grp.getgrgid(group).gr_name)
    is_master = user.pw_uid in {0, os.geteuid()}
    return LocalCaller(name, frozenset(groups), is_master)
