"""The configuration: TOML text in, frozen dataclasses out.

Nothing here opens a file: `solrecd.cli.shared.config_files` reads the texts and hands
them in, so that a test, `solrecd check` and a reload all take the same road.

- `model`           what a valid configuration is
- `errors`          what is wrong with an invalid one, all of it at once
- `document`        one file: its tables and the line of each key
- `values`          one value: sizes, durations, addresses, labels
- `keys`            what a key and a table of the configuration are
- `schema`          which keys there are, and what each is for; `console_keys` likewise
- `console_kinds`   what a kind of console adds: keys, secrets, a parser
- `tables`          all tables with their keys
- `cluster`         how many processes record
- `loki`            where text is shipped to; `loki_keys` reads it
- `otlp`            the same by OTLP; `otlp_keys` reads it
- `offload`         where segments are copied to; `offload_keys` reads it
- `alerts`          receivers of alerts; `receivers` reads them, keys in `alert_keys`
- `kinds`           what a table may be of several kinds of; the kinds are handed in
- `options`         a table's settings, for a kind that makes its options out of them
- `http`            how to talk to a server; `http_keys` reads it
- `secret_sources`  where a password may come from
- `reading`         from files to a `Config`
- `reload`          what a new configuration means for running sessions
"""

from solrecd.config.alerts import ReceiverConfig, Selection
from solrecd.config.cluster import ClusterConfig, Engine
from solrecd.config.console_kinds import ConsoleKind, ConsoleKinds, console_kinds
from solrecd.config.document import Source
from solrecd.config.errors import ConfigError, Problem
from solrecd.config.http import Http
from solrecd.config.http_keys import HTTP_KEYS, read_http
from solrecd.config.keys import Key
from solrecd.config.kinds import Kinds, TableKind
from solrecd.config.loki import LokiConfig
from solrecd.config.model import (
    ApiConfig,
    Config,
    ConsoleConfig,
    DaemonConfig,
    Fsync,
)
from solrecd.config.offload import OffloadConfig
from solrecd.config.options import OptionReader, secret_keys
from solrecd.config.otlp import OtlpConfig
from solrecd.config.reading import parse
from solrecd.config.reload import ReloadPlan, plan_reload
from solrecd.config.secret_sources import ConfigEnvironment
from solrecd.process.log_settings import LogFormat, LogLevel
from solrecd.process.secret import Secret

__all__ = [
    "HTTP_KEYS",
    "ApiConfig",
    "ClusterConfig",
    "Config",
    "ConfigEnvironment",
    "ConfigError",
    "ConsoleConfig",
    "ConsoleKind",
    "ConsoleKinds",
    "DaemonConfig",
    "Engine",
    "Fsync",
    "Http",
    "Key",
    "Kinds",
    "LogFormat",
    "LogLevel",
    "LokiConfig",
    "OffloadConfig",
    "OptionReader",
    "OtlpConfig",
    "Problem",
    "ReceiverConfig",
    "ReloadPlan",
    "Secret",
    "Selection",
    "Source",
    "TableKind",
    "console_kinds",
    "parse",
    "plan_reload",
    "read_http",
    "secret_keys",
]
