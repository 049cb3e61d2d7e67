"""Configurations for tests: read from text, on a machine that is a dictionary."""

import textwrap
from collections.abc import Collection

import pytest

from solrecd.config import Config, ConfigEnvironment, ConfigError, Source, parse

LOGIN = 'username = "recorder"\npassword = "pw"\n'
DEFAULTS = f"[defaults]\n{LOGIN}"
QUIRKS = ("opensesspriv", "solpayloadsize")


def read(
    text: str,
    *,
    mode: int = 0o600,
    environment: ConfigEnvironment | None = None,
    quirks: Collection[str] = QUIRKS,
) -> Config:
    """Parse one file."""
    source = Source("solrecd.toml", textwrap.dedent(text), mode)
    return parse([source], environment or ConfigEnvironment(), quirks=quirks)


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
