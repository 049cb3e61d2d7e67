"""The ``[offload]`` table: its keys, and what becomes of them."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from solrecd.config import alert_values as v
from solrecd.config.errors import Problems
from solrecd.config.keys import Key, Schema, TableSchema, defaults_of
from solrecd.config.offload import OffloadConfig, parse_url
from solrecd.config.options import OptionReader, secret_keys
from solrecd.config.secret_sources import ConfigEnvironment
from solrecd.config.settings import Table, is_given, parse_settings
from solrecd.config.values import absolute_path, duration, off_or, refusal, text

_DAY: Final = 86400.0
_MEMBER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def _store_url(value: object) -> str:
    """Return the URL of a place in a store; raises `ValueError`."""
    found = text(min_bytes=1, max_bytes=1024)(value)
    parse_url(found)
    return found.rstrip("/")


def _member(value: object) -> str:
    """Return a name that a key of a store can have; raises `ValueError`."""
    if isinstance(value, str) and _MEMBER.fullmatch(value):
        return value
    raise refusal(value, "1 to 64 letters, digits, dots, dashes and underscores")


_PLAIN: Final[Schema] = {
    "url": Key(
        _store_url,
        "The bucket, and what all keys in it begin with. Without this key nothing is"
        " copied.",
        example="s3://consoles/hall2",
    ),
    "endpoint": Key(
        v.base_url,
        "The server, where it is none of Amazon's: Ceph, Garage, SeaweedFS, ...",
        example="https://s3.example.net",
    ),
    "region": Key(text(min_bytes=1, max_bytes=64), "The region, where it has any."),
    "access_key": Key(
        text(min_bytes=1, max_bytes=255),
        "The account's access key id. Without it the machine's own role counts"
        " (Amazon's instance metadata).",
        example="GK31c2f218a2e44f485b94239e",
    ),
    "ca_file": Key(
        absolute_path,
        "Certificates (PEM) that vouch for the server, beside the system's.",
        example="/etc/solrecd/ca.pem",
    ),
    "member": Key(
        _member,
        "The name of this recorder among those that write there. When not set, the"
        " machine's.",
        example="recorder1",
    ),
    "keep_local": Key(
        off_or(duration(60, 36500 * _DAY)),
        "Closed segments older than this are deleted here once they are in the store;"
        ' `"off"`: `retention_*` of `[daemon]` alone counts. That, too, waits for the'
        " store; `keep_free` does not.",
    ),
    "retention": Key(
        off_or(duration(3600, 36500 * _DAY)),
        "Segments older than this are deleted in the store, of those that this"
        ' recorder has written; `"off"`: none is.',
    ),
}

OFFLOAD_KEYS: Final[Schema] = MappingProxyType(
    {
        **_PLAIN,
        **secret_keys("secret_key", "The account's secret access key", "secret"),
    }
)


def offload_table() -> TableSchema:
    """Return what is explained of the table."""
    return TableSchema(
        path=("offload",),
        keys=OFFLOAD_KEYS,
        defaults={
            k: v for k, v in defaults_of(OffloadConfig).items() if k in OFFLOAD_KEYS
        },
        help="Copies closed segments to an object store that speaks S3, each verified;"
        " needs `pip install 'solrecd[offload]'`, which the packages have. What is"
        " changed here counts from the next start on.",
    )


def read_offload(
    table: Table, environment: ConfigEnvironment, problems: Problems
) -> OffloadConfig | None:
    """Return what the table says; None where there is none, or it is wrong.

    Args:
        table: of all files together.
        environment: what secrets are fetched from.
        problems: takes all mistakes.
    """
    if not table:
        return None
    settings = parse_settings(table, OFFLOAD_KEYS, problems)
    options = OptionReader(settings, environment, problems)
    secret = options.secret("secret_key")
    given = next(iter(table.values()))
    if (secret is None) != ("access_key" not in options):
        problems.add(given.problem("access_key and secret_key go together"))
    options.check_readable("ca_file")
    if not is_given("url", "offload", table, settings, problems):
        return None
    return OffloadConfig(secret_key=secret, **options.values(*_PLAIN))
