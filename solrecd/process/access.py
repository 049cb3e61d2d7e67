"""Access rights: the configured grants, callers as they are proven, the decision.

A *caller* is what a connection proves about the client: a user of this machine, or the
bearer of a token or of a client certificate. A *grant* gives callers one role, on all
consoles or on those with certain labels. `Policy.judge` makes the two into `Rights`;
a caller with several grants has all of them. Nothing here does I/O.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

TOKEN_MIN: Final = 32
"""Bytes of a token: it is hashed once and guessing it is not slowed down, so it has to
be out of reach; 32 characters of base 64 are 192 bits. Shorter ones never match."""
TOKEN_MAX: Final = 256
"""Bytes of a token."""

NAME_SHOWN: Final = 64
"""Characters of an unknown client's name in a log: the client chose it."""


class Role(enum.StrEnum):
    """What a caller may do; each may do what those before it may."""

    VIEW = "view"
    """Read everything that is known and printed."""
    OPERATE = "operate"
    """Type, break, power, note, message, give away and take back."""
    ADMIN = "admin"
    """Change what the daemon does, such as reload its configuration."""

    def includes(self, other: Role) -> bool:
        """Tell whether this role may do what the other one may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One role for some callers; an ``[access.NAME]`` table."""

    name: str
    role: Role
    labels: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """On which consoles: each label has one of these values. Empty: on all."""
    users: frozenset[str] = frozenset()
    """Login names, on the unix socket."""
    groups: frozenset[str] = frozenset()
    """Names of unix groups, on the unix socket."""
    certificates: frozenset[str] = frozenset()
    """Names in client certificates: common name or subject alternative name."""
    tokens: tuple[bytes, ...] = field(default=(), repr=False)
    """SHA-256 of each token, 32 bytes."""

    @property
    def is_local(self) -> bool:
        """Whether it speaks about callers on the unix socket."""
        return bool(self.users or self.groups)

    @property
    def is_remote(self) -> bool:
        """Whether it speaks about callers on the TLS listener."""
        return bool(self.certificates or self.tokens)

    def covers(self, labels: Labels) -> bool:
        """Tell whether it speaks about a console with these labels."""
        return all(labels.get(key) in some for key, some in self.labels.items())


@dataclass(frozen=True, slots=True)
class LocalCaller:
    """A user of this machine, as the kernel knows him (SO_PEERCRED)."""

    user: str
    groups: frozenset[str] = frozenset()
    is_master: bool = False
    """Root or the daemon's own user, which no file permission keeps out either."""


@dataclass(frozen=True, slots=True)
class RemoteCaller:
    """A client of the TLS listener."""

    certificate: tuple[str, ...] = ()
    """Names in the client's certificate, common name first; TLS has verified it."""
    token: bytes | None = field(default=None, repr=False)
    """SHA-256 of the bearer token of this request."""


Caller = LocalCaller | RemoteCaller


@dataclass(frozen=True, slots=True)
class Rights:
    """What one caller may do."""

    principal: str
    """Who it is, for records: ``alice``, ``token:NAME``, ``cert:NAME``."""
    grants: tuple[Grant, ...] = ()

    def sees(self, labels: Labels) -> bool:
        """Tell whether a console with these labels exists for this caller."""
        return self.may(Role.VIEW, labels)

    def may(self, role: Role, labels: Labels) -> bool:
        """Tell whether the caller has a role on a console with these labels."""
        return any(
            grant.role.includes(role) and grant.covers(labels) for grant in self.grants
        )

    def may_everywhere(self, role: Role) -> bool:
        """Tell whether the caller has a role on all consoles, known and to come."""
        return any(
            grant.role.includes(role) and not grant.labels for grant in self.grants
        )


_MASTER: Final = Grant(name="master", role=Role.ADMIN)
"""The rights of root, and of all who can open the socket unless configured."""


@dataclass(frozen=True, slots=True)
class Policy:
    """All grants of a configuration."""

    grants: tuple[Grant, ...] = ()

    @property
    def rules_the_socket(self) -> bool:
        """Whether the unix socket has grants of its own, beside its file mode."""
        return any(grant.is_local for grant in self.grants)

    def judge(self, caller: Caller) -> Rights:
        """Return what a caller may do; nothing for an unknown one."""
        if isinstance(caller, LocalCaller):
            return self._judge_local(caller)
        if caller.token is not None:
            return self._judge_token(caller.token)
        return self._judge_certificate(caller.certificate)

    def _judge_local(self, caller: LocalCaller) -> Rights:
        if caller.is_master or not self.rules_the_socket:
            return Rights(caller.user, (_MASTER,))
        found = tuple(
            grant
            for grant in self.grants
            if caller.user in grant.users or caller.groups & grant.groups
        )
        return Rights(caller.user, found)

    def _judge_certificate(self, names: Sequence[str]) -> Rights:
        for name in names:
            found = tuple(grant for grant in self.grants if name in grant.certificates)
            if found:
                return Rights(f"cert:{name}", found)
        return Rights(f"cert:{names[0][:NAME_SHOWN]}" if names else "anonymous")

    def _judge_token(self, digest: bytes) -> Rights:
        found = tuple(grant for grant in self.grants if _is_among(digest, grant.tokens))
        name = f"token:{found[0].name}" if found else "token:unknown"
        return Rights(name, found)


def _is_among(digest: bytes, known: Iterable[bytes]) -> bool:
    """Compare with all of them: how long it takes tells nothing."""
    found = False
    for each in known:
        found |= hmac.compare_digest(digest, each)
    return found


def digest_of(token: bytes) -> bytes:
    """Return what is kept and compared of a token.

    One round of SHA-256 is enough for 256 random bits, which cannot be guessed; it
    would not be for a password: what is shorter than `TOKEN_MIN` gets a digest that
    nothing equals, also where its hash is configured.
    """
    if not TOKEN_MIN <= len(token) <= TOKEN_MAX:
        return b""
    return hashlib.sha256(token).digest()
