"""The ``[otlp]`` table: its keys, and what becomes of them."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from solrecd.config import alert_values as v
from solrecd.config.errors import Problems
from solrecd.config.http import Http
from solrecd.config.http_keys import HTTP_KEYS, read_http
from solrecd.config.keys import Key, Schema, TableSchema, defaults_of
from solrecd.config.options import OptionReader, secret_keys
from solrecd.config.otlp import OtlpConfig
from solrecd.config.secret_sources import ConfigEnvironment
from solrecd.config.settings import Table, is_given, parse_settings
from solrecd.config.values import duration, labels, size, text

_KIB = 1024
_MIB = 1024 * _KIB


_OWN: Final[Schema] = {
    "endpoint": Key(
        v.base_url,
        "A receiver of OTLP over HTTP, such as an OpenTelemetry Collector, to which the"
        " text of every console is shipped (`/v1/logs` is added). Without this key"
        " nothing is sent.",
        example="http://collector.example.net:4318",
    ),
    "attributes": Key(
        labels,
        "Attributes of every resource, beside `service.name` and the labels of the"
        " console.",
        example={"site": "hall2"},
    ),
    "header": Key(
        text(min_bytes=1, max_bytes=255),
        "A header of every request, for receivers that want their key in one.",
        example="x-api-key",
    ),
    "batch_size": Key(
        size(16 * _KIB, 16 * _MIB),
        "Text in one request.",
    ),
    "batch_wait": Key(duration(0.1, 60), "How often new lines are sent."),
}


_HEADER: Final = secret_keys("header_value", "The value of `header`", "secret")

OTLP_KEYS: Final[Schema] = MappingProxyType({**_OWN, **_HEADER, **HTTP_KEYS})


def otlp_table() -> TableSchema:
    """Return what is explained of the table."""
    return TableSchema(
        path=("otlp",),
        keys=OTLP_KEYS,
        defaults={**defaults_of(Http), **defaults_of(OtlpConfig)},
        help="Sends what consoles print as log records of OTLP, from the archive: an"
        " outage loses nothing that retention keeps. Changes here take effect at the"
        " next start.",
    )


def read_otlp(
    table: Table, environment: ConfigEnvironment, problems: Problems
) -> OtlpConfig | None:
    """Return what the table says; None where there is none, or it is wrong.

    Args:
        table: of all files together.
        environment: what secrets are fetched from.
        problems: takes all mistakes.
    """
    if not table:
        return None
    settings = parse_settings(table, OTLP_KEYS, problems)
    options = OptionReader(settings, environment, problems)
    http = read_http(options)
    if not is_given("endpoint", "otlp", table, settings, problems):
        return None
    value = options.secret("header_value")
    if (value is None) != ("header" not in options):
        key = next(key for key in ("header", *_HEADER) if key in options)
        options.note(key, "header and header_value go together: one is missing")
    return OtlpConfig(http=http, header_value=value, **options.values(*_OWN))
