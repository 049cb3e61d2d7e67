"""Reads the configuration from the machine: files, modes, systemd credentials."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from solrecd.config import (
    Config,
    ConfigEnvironment,
    ConfigError,
    Kinds,
    Problem,
    Source,
    TableKind,
    parse,
)
from solrecd.process.tls import server_context
from solrecd.sources.table import CONSOLE_KINDS

DEFAULT_PATH = "/etc/solrecd/solrecd.toml"
DROP_INS = "conf.d"
"""Folder beside the main file; its ``*.toml`` are read too, sorted by name."""

MAX_FILE = 64 * 1024 * 1024
"""Bytes: 5000 consoles with a table each are 1 MB; this keeps out devices and logs."""


class _ReceiverKinds(Mapping[str, TableKind[Any]]):
    """The kinds of receivers, loaded where a configuration has alerts.

    They come with an event loop and its libraries, which `solrecd check` of a
    configuration without alerts does not need.
    """

    def __getitem__(self, name: str) -> TableKind[Any]:
        return self._kinds()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds())

    def __len__(self) -> int:
        return len(self._kinds())

    @staticmethod
    def _kinds() -> Kinds:
        from solrecd.alerts.senders.table import RECEIVERS  # noqa: PLC0415

        return RECEIVERS


def load(
    path: str = DEFAULT_PATH,
    *,
    environ: Mapping[str, str] = os.environ,
    assume_credentials: bool = False,
) -> Config:
    """Return the configuration of a file and of the drop-ins beside it.

    Args:
        path: the main file.
        environ: tells where systemd put the credentials.
        assume_credentials: take their place for granted outside a unit, to check a
            configuration by hand; no session can be opened with the result.

    Raises:
        ConfigError: a file cannot be read, or anything in it is wrong.
    """
    return parse(
        read_sources(path),
        environment(environ, assume_credentials=assume_credentials),
        consoles=CONSOLE_KINDS,
        receivers=_ReceiverKinds(),
    )


def environment(
    environ: Mapping[str, str] = os.environ, *, assume_credentials: bool = False
) -> ConfigEnvironment:
    """Return what a configuration may ask of this machine; see `load`."""
    return ConfigEnvironment(
        read_bytes=_read_bytes,
        mode_of=_mode_of,
        check_tls=server_context,
        credentials=environ.get("CREDENTIALS_DIRECTORY"),
        assume_credentials=assume_credentials,
    )


def read_sources(path: str) -> list[Source]:
    """Return the texts of the main file and its drop-ins.

    Raises:
        ConfigError: one or more of them cannot be read.
    """
    main = Path(path)
    drop_ins = sorted((main.parent / DROP_INS).glob("*.toml"))
    problems: list[Problem] = []
    sources: list[Source] = []
    for file in (main, *drop_ins):
        try:
            sources.append(_read_source(str(file)))
        except OSError as error:
            text = f"cannot be read: {error.strerror or error}"
            problems.append(Problem(str(file), None, "", text))
        except UnicodeDecodeError as error:
            text = (
                f"is not UTF-8: byte {error.start} is 0x{error.object[error.start]:02x}"
            )
            problems.append(Problem(str(file), None, "", text))
    if problems:
        raise ConfigError(problems)
    return sources


def _read_source(path: str) -> Source:
    return Source(path, _read_bytes(path).decode(), _mode_of(path))


def _read_bytes(path: str) -> bytes:
    with Path(path).open("rb") as file:
        content = file.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise OSError(None, f"is larger than {MAX_FILE} bytes")
    return content


def _mode_of(path: str) -> int:
    return stat.S_IMODE(Path(path).stat().st_mode)
