"""Which keys there are, and the parser of each; `model` has their defaults."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from solrecd.config.model import (
    AddressFamily,
    Fsync,
    LogFormat,
    LogLevel,
    OnConflict,
    Privilege,
)
from solrecd.config.secrets import SecretKind
from solrecd.config.values import (
    Parser,
    absolute_path,
    boolean,
    choice,
    duration,
    enum_or,
    integer,
    ip_address,
    labels,
    listener,
    off_or,
    size,
    some_of,
    text,
)
from solrecd.events import Stage

Schema = Mapping[str, Parser[Any]]

_MIB = 1024 * 1024
_GIB = 1024 * _MIB
_YEAR = 365 * 86400.0

USERNAME_MAX = 16
"""Bytes (IPMI 2.0 §22.28, Set User Name)."""
PASSWORD_MAX = 20
"""Bytes (IPMI 2.0 §22.30, Set User Password: 20-byte form)."""
CIPHER_SUITES = (0, 1, 2, 3, 17)
"""IPMI 2.0 Table 22-20: those with algorithms that BMCs really offer."""
INSECURE_SUITES = frozenset({0, 1, 2})
"""No integrity, or no encryption: a password or a console in the clear."""

TOP_LEVEL = ("daemon", "defaults", "stages", "console")

STAGES = (
    Stage.FIRMWARE,
    Stage.BOOTDEV,
    Stage.LOADER,
    Stage.KERNEL,
    Stage.INITRAMFS,
    Stage.INIT,
)
"""Stages that a boot leaves again; the others have no time limit."""

STAGE_TIMEOUT_KEYS: Schema = MappingProxyType(
    {stage.value: off_or(duration(1, _YEAR)) for stage in STAGES}
)

DAEMON_KEYS: Schema = MappingProxyType(
    {
        "log_dir": absolute_path,
        "state_dir": absolute_path,
        "control": absolute_path,
        "journal": absolute_path,
        # The ring needs room for a few slabs per console, and /run is memory.
        "journal_size": size(_MIB, 64 * _GIB),
        "metrics": listener,
        "fsync": enum_or(Fsync, duration(0.25, 3600)),
        "segment_size": size(64 * 1024, 64 * _GIB),
        "segment_age": off_or(duration(60, _YEAR)),
        "compress": boolean,
        "retention_age": off_or(duration(60, 100 * _YEAR)),
        "retention_boots": off_or(integer(1, 1_000_000)),
        "retention_bytes": off_or(size(_MIB, 1024 * 1024 * _GIB)),
        "retention_total": off_or(size(_MIB, 1024 * 1024 * _GIB)),
        "keep_free": off_or(size(_MIB, 1024 * _GIB)),
        "login_concurrency": integer(1, 10_000),
        "markers_dir": absolute_path,
        "log_level": choice(LogLevel),
        "log_format": choice(LogFormat),
    }
)

PASSWORD_KEYS = MappingProxyType({"password" + kind.value: kind for kind in SecretKind})
KG_KEYS = MappingProxyType({"kg" + kind.value: kind for kind in SecretKind})

TEMPLATES = frozenset(
    {"bmc", "password_file", "password_credential", "kg_file", "kg_credential"}
)
"""Keys in which {name} and {n} expand, beside the values of ``labels``."""

_path_template = absolute_path
_name_template = text(min_bytes=1, max_bytes=255)


def console_keys(quirks: Collection[str]) -> Schema:
    """Return the keys of a console.

    Args:
        quirks: the names that ``quirks`` may list.
    """
    return {
        "bmc": text(min_bytes=1, max_bytes=300),
        "port": integer(1, 65535),
        "family": choice(AddressFamily),
        "bind": ip_address,
        "username": text(max_bytes=USERNAME_MAX),
        "password": text(max_bytes=PASSWORD_MAX, hidden=True),
        "password_file": _path_template,
        "password_credential": _name_template,
        "kg": text(min_bytes=1, max_bytes=2 + 2 * PASSWORD_MAX, hidden=True),
        "kg_file": _path_template,
        "kg_credential": _name_template,
        "cipher_suites": some_of(CIPHER_SUITES),
        "privilege": choice(Privilege),
        "insecure": boolean,
        "quirks": some_of(sorted(map(str, quirks))),
        "on_conflict": choice(OnConflict),
        "on_stolen": choice(OnConflict),
        "yield_for": duration(1, 30 * 86400),
        # BMCs end a session 30-60 s after its last command, whatever SoL does.
        "keepalive": duration(1, 25),
        "sol_instance": integer(1, 15),
        "payload_size": off_or(integer(1, 255)),
        "auxiliary": integer(0, 0x3F),
        "serial_keepalive": off_or(duration(1, 86400)),
        "record_input": boolean,
        "labels": labels,
        "enabled": boolean,
    }
