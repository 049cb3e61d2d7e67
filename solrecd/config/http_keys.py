"""How to talk to an HTTP server: the keys that tables of servers have in common."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from solrecd.config import alert_values as v
from solrecd.config.http import Http
from solrecd.config.keys import Key, Schema
from solrecd.config.options import OptionReader, secret_keys
from solrecd.config.values import absolute_path, duration, text

HTTP_KEYS: Final[Schema] = MappingProxyType(
    {
        "timeout": Key(
            duration(0.1, 3600), "How long an exchange with the server may take."
        ),
        "ca_file": Key(
            absolute_path,
            "Certificates (PEM) of authorities that sign the server's, instead of the"
            " system's.",
            example="/etc/solrecd/ca.pem",
        ),
        "proxy": Key(
            v.base_url,
            "The proxy to go through. Proxy variables of the environment are ignored.",
            example="http://proxy.example.net:3128",
        ),
        "username": Key(
            text(min_bytes=1, max_bytes=255),
            "The account on the server (basic authentication).",
            example="solrecd",
        ),
        **secret_keys("password", "The password of that account", "secret"),
        **secret_keys("token", "The server's bearer token", "secret"),
    }
)

_PASSWORDS: Final = tuple(key for key in HTTP_KEYS if key.startswith("password"))


def read_http(options: OptionReader) -> Http:
    """Return how to talk to a server; mistakes are noted."""
    password, token = options.secret("password"), options.secret("token")
    if (password is None) != ("username" not in options):
        given = next(key for key in ("username", *_PASSWORDS) if key in options)
        options.note(
            given, "username and a password go together: one of them is missing"
        )
    if token is not None and password is not None:
        options.note("username", "stands beside a token; allowed: one")
    options.check_readable("ca_file")
    plain = options.values("timeout", "ca_file", "proxy", "username")
    return Http(password=password, token=token, **plain)
