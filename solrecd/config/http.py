"""How to talk to an HTTP server; `http_keys` has the keys of it."""

from __future__ import annotations

from dataclasses import dataclass

from solrecd.process.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """How to talk to a server. Certificates are always checked."""

    timeout: float = 10.0
    """Seconds for a whole exchange."""
    ca_file: str | None = None
    """PEM; None: the system's."""
    proxy: str | None = None
    """URL; None: none, whatever the environment says."""
    username: str | None = None
    password: Secret | None = None
    """Together: basic authentication."""
    token: Secret | None = None
    """Bearer token."""
