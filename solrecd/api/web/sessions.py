"""Who a browser is: one-time links, and the sealed cookie that follows.

A cookie says who logged in, not what he may do: that is judged at every request, by the
grants and groups of then. It is sealed and not kept, so that pages go on after a
restart. Nothing here does I/O.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from solrecd.process.access import Caller, LocalCaller, RemoteCaller

LINK_LASTS: Final = 300.0
"""Seconds in which a link has to be opened."""

SESSION_LASTS: Final = 12 * 3600.0
"""Seconds: a day's work."""

LINKS_MAX: Final = 1000
"""Links that wait to be opened; the oldest is forgotten for one more."""

KEY_BYTES: Final = 32
"""Of the key that seals."""

_TEXT_MAX: Final = 4096
"""Characters of a cookie, as browsers have it."""


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that has logged in."""

    identity: Caller
    """Who it was then; of a user of this machine only the name counts."""
    expires: float
    """Seconds since the epoch."""
    mark: str
    """Different for every session."""


class Sessions:
    """Gives out links and cookies, and knows them again.

    Args:
        key: seals cookies, `KEY_BYTES` long; the same after a restart.
        clock: seconds since the epoch.
    """

    def __init__(self, key: bytes, clock: Callable[[], float]) -> None:
        self._key = key
        self._clock = clock
        self._links: dict[bytes, tuple[Caller, float]] = {}
        self._ended: dict[str, float] = {}

    # Links.

    def new_link(self, caller: Caller) -> str:
        """Return the secret of a link that logs in who asked for it, once."""
        secret = secrets.token_urlsafe(KEY_BYTES)
        while len(self._links) >= LINKS_MAX:
            del self._links[next(iter(self._links))]
        self._links[_digest(secret)] = caller, self._clock() + LINK_LASTS
        return secret

    def use_link(self, secret: str) -> Caller | None:
        """Return who a link logs in, and forget it; None: it is no good any more."""
        caller, expires = self._links.pop(_digest(secret), (None, 0.0))
        return caller if self._clock() < expires else None

    # Cookies.

    def begin(self, caller: Caller) -> str:
        """Return the cookie of a new session."""
        expires = self._clock() + SESSION_LASTS
        return self._seal(Session(caller, expires, secrets.token_urlsafe(9)))

    def end(self, session: Session) -> None:
        """Let a session's cookie count no more, as long as this process lives."""
        now = self._clock()
        self._ended = {k: v for k, v in self._ended.items() if v > now}
        self._ended[session.mark] = session.expires

    def known(self, cookie: str) -> Session | None:
        """Return the session of a cookie; None: it is none of ours, or over."""
        payload, _, seal = cookie.rpartition(".")
        if len(cookie) > _TEXT_MAX or not hmac.compare_digest(
            seal.encode("utf-8", "replace"), self._mac(payload).encode()
        ):
            return None
        session = _unpacked(json.loads(base64.urlsafe_b64decode(payload)))
        return session if self.seconds_left(session) else None

    def form_token(self, session: Session) -> str:
        """Return what a form of this session carries, so that no other site made it."""
        return self._mac(f"form {session.mark}")

    def certificate_token(self, caller: RemoteCaller) -> str:
        """Return the same for a caller whom TLS knows, and who has no session."""
        return self._mac(f"form of certificate {','.join(caller.certificate)}")

    def seconds_left(self, session: Session) -> float:
        """Return how long a session goes on; 0: it is over."""
        if session.mark in self._ended:
            return 0.0
        return max(0.0, session.expires - self._clock())

    def _seal(self, session: Session) -> str:
        text = json.dumps(_packed(session), separators=(",", ":"))
        payload = base64.urlsafe_b64encode(text.encode()).decode()
        return f"{payload}.{self._mac(payload)}"

    def _mac(self, text: str) -> str:
        mac = hmac.digest(self._key, text.encode("utf-8", "replace"), "sha256")
        return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def _digest(secret: str) -> bytes:
    """Return what is kept of a link; looking it up tells nothing by its time."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def _packed(session: Session) -> dict[str, Any]:
    who = session.identity
    if isinstance(who, LocalCaller):
        identity: dict[str, Any] = {"user": who.user}
    elif who.token is not None:
        identity = {"token": who.token.hex()}
    else:
        identity = {"certificate": list(who.certificate)}
    return {**identity, "expires": session.expires, "mark": session.mark}


def _unpacked(found: dict[str, Any]) -> Session:
    caller: Caller
    if "user" in found:
        caller = LocalCaller(found["user"])
    elif "token" in found:
        caller = RemoteCaller(token=bytes.fromhex(found["token"]))
    else:
        caller = RemoteCaller(tuple(found["certificate"]))
    return Session(caller, found["expires"], found["mark"])
