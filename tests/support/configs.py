"""Configurations for tests: read from text, on a machine that is a dictionary."""

import textwrap
from dataclasses import replace
from typing import Any

import pytest

from solrecd.alerts.senders.table import RECEIVERS
from solrecd.config import (
    Config,
    ConfigEnvironment,
    ConfigError,
    ConsoleConfig,
    Secret,
    Source,
    parse,
)
from solrecd.sources.ipmi.options import IpmiOptions, options_of
from solrecd.sources.table import CONSOLE_KINDS

LOGIN = 'username = "recorder"\npassword = "pw"\n'
DEFAULTS = f"[defaults]\n{LOGIN}"


def read(
    text: str,
    *,
    mode: int = 0o600,
    environment: ConfigEnvironment | None = None,
) -> Config:
    """Parse one file."""
    source = Source("solrecd.toml", textwrap.dedent(text), mode)
    return parse(
        [source],
        environment or ConfigEnvironment(),
        consoles=CONSOLE_KINDS,
        receivers=RECEIVERS,
    )


def mistakes(text: str, *, mode: int = 0o600) -> list[str]:
    """Return the lines of the error that a file earns."""
    with pytest.raises(ConfigError) as caught:
        read(text, mode=mode)
    return str(caught.value).splitlines()


def machine(
    files: dict[str, tuple[int, bytes]], *, credentials: str | None = None
) -> ConfigEnvironment:
    """Return surroundings with these files: mode and content by path."""

    def entry(path: str) -> tuple[int, bytes]:
        if path not in files:
            raise FileNotFoundError(2, "No such file or directory", path)
        return files[path]

    return ConfigEnvironment(
        read_bytes=lambda path: entry(path)[1],
        mode_of=lambda path: entry(path)[0],
        credentials=credentials,
    )


_COMMON = frozenset({"labels", "record_input", "enabled"})


def bmc_options(name: str = "n1", **changes: Any) -> IpmiOptions:
    """Return the options of a console behind a BMC."""
    usual: dict[str, Any] = {
        "host": "bmc1",
        "username": b"recorder",
        "password": Secret(b"secret"),
    }
    return IpmiOptions(name=name, **(usual | changes))


def bmc_console(name: str = "n1", **changes: Any) -> ConsoleConfig:
    """Return the configuration of a console behind a BMC."""
    common = {key: changes.pop(key) for key in _COMMON & changes.keys()}
    return ConsoleConfig(name=name, options=bmc_options(name, **changes), **common)


def changed(config: ConsoleConfig, **changes: Any) -> ConsoleConfig:
    """Return a console behind a BMC with other options."""
    return replace(config, options=replace(options_of(config), **changes))


def bmc_of(config: Config, name: str) -> IpmiOptions:
    """Return the options of one console behind a BMC."""
    return options_of(config.consoles[name])
