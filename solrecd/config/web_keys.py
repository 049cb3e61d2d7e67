"""The ``[web]`` table: its keys, and what becomes of them."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from solrecd.config.access_keys import names_of
from solrecd.config.addresses import listener
from solrecd.config.errors import Problems
from solrecd.config.keys import Key, Schema, TableSchema, defaults_of
from solrecd.config.settings import Table, parse_settings
from solrecd.config.web import WebConfig

WEB_KEYS: Final[Schema] = MappingProxyType(
    {
        "listen": Key(
            listener,
            "Where a browser finds the pages, in plain HTTP: for this machine, for an"
            " `ssh -L 9624:127.0.0.1:9624` to it, or behind a proxy that speaks TLS."
            ' `""` switches them off; the TLS listener of `[api]` has them, too. Counts'
            " from the next start on.",
        ),
        "hosts": Key(
            names_of("host names", "consoles.example.net"),
            "Names under which the pages may be asked, beside `localhost` and addresses"
            " of the loopback: what a proxy in front of them is called. Others are"
            " refused (DNS rebinding).",
            example=["consoles.example.net"],
        ),
    }
)


def web_table() -> TableSchema:
    """Return the table's schema."""
    return TableSchema(
        path=("web",),
        keys=WEB_KEYS,
        defaults=defaults_of(WebConfig),
        help="The pages. Only those come in who have a link of `solrecctl web`, which"
        " carries who asked for it on the control socket; `[access]` says what they may"
        " do.",
    )


def read_web(table: Table, problems: Problems) -> WebConfig:
    """Return what the table says; what is wrong is noted."""
    settings = parse_settings(table, WEB_KEYS, problems)
    return WebConfig(**{key: one.value for key, one in settings.items()})
