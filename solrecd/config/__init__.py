"""The configuration: TOML text in, frozen dataclasses out.

Nothing here opens a file: `solrecd.cli.shared.config_files` reads the texts and hands
them in, so that a test, `solrecd check` and a reload all take the same road.

- `model`      what a valid configuration is
- `errors`     what is wrong with an invalid one, all of it at once
- `document`   one file: its tables and the line of each key
- `values`     one value: sizes, durations, addresses, labels
- `keys`       what a key and a table of the configuration are
- `schema`     which keys there are, and what each is for; `console_keys` likewise
- `tables`     all tables with their keys
- `loki`       where text is shipped to; `loki_keys` reads it
- `alerts`     who is told of what; `receivers` reads it, `alert_keys` has its keys
- `secrets`    where a password may come from
- `reading`    from files to a `Config`
- `reload`     what a new configuration means for running sessions
"""

from solrecd.config.alerts import (
    Alertmanager,
    Hook,
    Http,
    ReceiverConfig,
    Selection,
    Webhook,
)
from solrecd.config.document import Source
from solrecd.config.errors import ConfigError, Problem
from solrecd.config.loki import LokiConfig
from solrecd.config.model import (
    AddressFamily,
    ApiConfig,
    Config,
    ConsoleConfig,
    DaemonConfig,
    Fsync,
    OnConflict,
    Privilege,
)
from solrecd.config.reading import parse
from solrecd.config.reload import ReloadPlan, plan_reload
from solrecd.config.secret_sources import ConfigEnvironment
from solrecd.process.log_settings import LogFormat, LogLevel
from solrecd.process.secret import Secret

__all__ = [
    "AddressFamily",
    "Alertmanager",
    "ApiConfig",
    "Config",
    "ConfigEnvironment",
    "ConfigError",
    "ConsoleConfig",
    "DaemonConfig",
    "Fsync",
    "Hook",
    "Http",
    "LogFormat",
    "LogLevel",
    "LokiConfig",
    "OnConflict",
    "Privilege",
    "Problem",
    "ReceiverConfig",
    "ReloadPlan",
    "Secret",
    "Selection",
    "Source",
    "Webhook",
    "parse",
    "plan_reload",
]
