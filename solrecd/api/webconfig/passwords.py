"""Checks passwords against bcrypt hashes, off the loop, and remembers right ones.

bcrypt is slow on purpose: 0.1 s of a processor, and Prometheus asks each few seconds.
So what was right is remembered, as a digest keyed with a secret of this process: the
memory of a daemon holds no password. A wrong one costs its 0.1 s each time, in one of
few threads; an unknown user costs as much, so that timing does not tell which users
exist.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping

import bcrypt
import trio

from solrecd.process.threads import Job, in_thread

REMEMBERED = 128
"""Right passwords; with their users they are few. The oldest is checked again."""

CHECKERS = 2
"""Threads that check: who guesses passwords gets no more of the processor."""

MAX_WAITING = 16
"""Checks that wait for a thread; further ones are refused unseen."""

MAX_PASSWORD = 72
"""Bytes that bcrypt looks at; a longer password is wrong (as in Go's bcrypt)."""

_CHECK = Job("the check of a password", "its user has to ask again")

_NO_ENDPOINT = b"$2b$10$mhkN6Ndnt4b7dr1tNY2NCeJuaPX2DdGCP03Qle6HmYp76wk2VGS2W"
"""Hash of a random password, for unknown users; the usual cost."""


class Passwords:
    """Tells right passwords from wrong ones."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._limiter = trio.CapacityLimiter(CHECKERS)

    async def is_right(
        self, users: Mapping[str, bytes], name: str, password: bytes
    ) -> bool:
        """Return whether this is the password of a user.

        Args:
            users: hashes by name, as they are now.
            name: of the user, as given.
            password: as sent.
        """
        digest = users.get(name, _NO_ENDPOINT)
        key = self._key(name, digest, password)
        if key in self._right:
            self._right.move_to_end(key)
            await trio.lowlevel.checkpoint()
            return True
        if self._limiter.statistics().tasks_waiting >= MAX_WAITING:
            return False
        fits = await in_thread(_CHECK, _fits, password, digest, limiter=self._limiter)
        if not fits or name not in users:
            return False
        self._right[key] = None
        if len(self._right) > REMEMBERED:
            self._right.popitem(last=False)
        return True

    def _key(self, name: str, digest: bytes, password: bytes) -> bytes:
        """Return what is remembered; a hash that changes makes it worthless."""
        parts = [hashlib.sha256(one).digest() for one in (name.encode(), password)]
        return hmac.digest(self._secret, b"".join([*parts, digest]), "sha256")


def _fits(password: bytes, digest: bytes) -> bool:
    # Cut before, because newer versions of bcrypt raise on what is longer.
    fits = bcrypt.checkpw(password[:MAX_PASSWORD].replace(b"\0", b"?"), digest)
    return fits and len(password) <= MAX_PASSWORD and b"\0" not in password
