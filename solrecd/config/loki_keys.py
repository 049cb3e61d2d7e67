"""The ``[loki]`` table: its keys, and what becomes of them."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from solrecd.config import alert_values as v
from solrecd.config.errors import Problems
from solrecd.config.http import Http
from solrecd.config.http_keys import HTTP_KEYS, read_http
from solrecd.config.keys import Key, Schema, TableSchema, defaults_of
from solrecd.config.loki import LokiConfig
from solrecd.config.options import OptionReader
from solrecd.config.secret_sources import ConfigEnvironment
from solrecd.config.settings import Table, is_given, parse_settings
from solrecd.config.values import duration, labels, size, text

_KIB = 1024
_MIB = 1024 * _KIB


_OWN: Final[Schema] = {
    "url": Key(
        v.base_url,
        "Grafana Loki, to which the text of every console is shipped. Without this key"
        " nothing is sent.",
        example="http://loki.example.net:3100",
    ),
    "tenant": Key(
        text(max_bytes=255),
        "Loki's tenant (`X-Scope-OrgID`), where it has several.",
        example="operations",
    ),
    "labels": Key(
        labels,
        "Labels that every stream gets, beside `job`, `console` and the labels of the"
        " console.",
        example={"site": "hall2"},
    ),
    "batch_size": Key(
        size(16 * _KIB, 16 * _MIB),
        "Text in one push; Loki accepts 4 MiB unless configured otherwise.",
    ),
    "batch_wait": Key(duration(0.1, 60), "How often new lines are sent."),
}


LOKI_KEYS: Final[Schema] = MappingProxyType({**_OWN, **HTTP_KEYS})


def loki_table() -> TableSchema:
    """Return what is explained of the table."""
    return TableSchema(
        path=("loki",),
        keys=LOKI_KEYS,
        defaults={**defaults_of(Http), **defaults_of(LokiConfig)},
        help="Sends what consoles print to Grafana Loki, from the archive: an outage"
        " loses nothing that retention keeps. Changes here take effect at the next"
        " start.",
    )


def read_loki(
    table: Table, environment: ConfigEnvironment, problems: Problems
) -> LokiConfig | None:
    """Return what the table says; None where there is none, or it is wrong.

    Args:
        table: of all files together.
        environment: what secrets are fetched from.
        problems: takes all mistakes.
    """
    if not table:
        return None
    settings = parse_settings(table, LOKI_KEYS, problems)
    options = OptionReader(settings, environment, problems)
    http = read_http(options)
    if not is_given("url", "loki", table, settings, problems):
        return None
    return LokiConfig(http=http, **options.values(*_OWN))
