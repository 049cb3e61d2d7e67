"""How a log may look, and what is written at all."""

from __future__ import annotations

import enum


class LogFormat(enum.StrEnum):
    """How the daemon's own log looks."""

    AUTO = "auto"
    """Coloured on a terminal, for the journal under systemd, else logfmt."""
    CONSOLE = "console"
    LOGFMT = "logfmt"
    JSON = "json"


class LogLevel(enum.StrEnum):
    """The least important message that is still written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
