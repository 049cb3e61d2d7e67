"""The daemon's own log: the only place that configures structlog.

Everywhere else it is ``structlog.get_logger()`` and an event name with key=value
pairs. What comes from a console or a BMC is escaped here, and secrets are hidden here,
whoever logs them. Libraries that use `logging` end up in the same log.
"""

from __future__ import annotations

import enum
import logging
import os
import re
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import suppress
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

from solrecd.config import LogFormat, LogLevel, Secret

HIDDEN = "(hidden)"
SECRET_KEYS = frozenset({"password", "kg", "secret", "credential", "token"})
"""Keys whose values are never written, whatever their type."""

_PRIORITY = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}
"""syslog(3) priorities, which the journal takes from a ``<N>`` at the line's start."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_IN_TRACEBACK = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def configure(
    *,
    format_: LogFormat = LogFormat.AUTO,
    level: LogLevel = LogLevel.INFO,
    stream: TextIO | None = None,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Send the log of this process to a stream; may be called again.

    Args:
        format_: how lines look; `LogFormat.AUTO` goes by the stream.
        level: the least important messages that are written.
        stream: where to; standard error by default.
        environ: tells whether standard error is the journal's.
    """
    target = stream or sys.stderr
    render = _renderers(format_, target, environ)
    threshold = logging.getLevelNamesMapping()[level.value.upper()]
    structlog.configure(
        processors=[*_common(), *render],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=lambda *_args: _Output(target),
        cache_logger_on_first_use=False,
    )
    _route_libraries(threshold, target, render)


class _Output:
    """Writes lines; a log that cannot be written must not stop the recorder."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = info = warning = error = critical = msg = write


def _common() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _sanitize,
        structlog.processors.format_exc_info,
        _escape_traceback,
    ]


def _sanitize(_logger: object, _method: str, event: EventDict) -> EventDict:
    for key, value in event.items():
        if key != "exc_info":
            event[key] = HIDDEN if key in SECRET_KEYS else _plain(value)
    return event


def _plain(value: object) -> object:
    """Return a value that no renderer can turn into a secret or a control character."""
    match value:
        case None | bool() | int() | float():
            return value
        case Secret():
            return HIDDEN
        case enum.Enum():
            return _plain(value.value)
        case str():
            return _CONTROL.sub(_escape, value)
        case bytes():
            return _CONTROL.sub(_escape, value.decode(errors="backslashreplace"))
        case _:
            return _CONTROL.sub(_escape, str(value))


def _escape(match: re.Match[str]) -> str:
    return f"\\x{ord(match[0]):02x}"


def _escape_traceback(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Escape what an exception's message quotes, but keep the lines apart."""
    if "exception" in event:
        event["exception"] = _CONTROL_IN_TRACEBACK.sub(_escape, event["exception"])
    return event


def _renderers(
    format_: LogFormat, stream: TextIO, environ: Mapping[str, str]
) -> Sequence[Processor]:
    now = structlog.processors.TimeStamper(fmt="iso", utc=True)
    if format_ is LogFormat.AUTO and _is_journal(stream, environ):
        return (_render_for_journal,)
    if format_ is LogFormat.CONSOLE or (format_ is LogFormat.AUTO and stream.isatty()):
        # Not rich's traceback: it shows local variables, and passwords are some.
        plain = structlog.dev.plain_traceback
        pretty = structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), exception_formatter=plain
        )
        return (now, pretty)
    if format_ is LogFormat.JSON:
        return (now, structlog.processors.JSONRenderer())
    return (now, _render_logfmt)


def _is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Tell whether a stream goes to the journal: ``$JOURNAL_STREAM`` is its inode."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


_logfmt = structlog.processors.LogfmtRenderer(
    key_order=["timestamp", "level", "event"], drop_missing=True
)


def _render_logfmt(logger: object, method: str, event: EventDict) -> str:
    traceback = event.pop("exception", None)
    line = _logfmt(logger, method, event)
    return line if traceback is None else f"{line}\n{traceback}"


def _render_for_journal(logger: object, method: str, event: EventDict) -> str:
    """Return lines that begin with their priority; the journal has its own clock."""
    priority = _PRIORITY.get(event.pop("level", "info"), 6)
    lines = _render_logfmt(logger, method, event).splitlines()
    return "\n".join(f"<{priority}>{line}" for line in lines)


def _route_libraries(
    threshold: int, stream: TextIO, render: Sequence[Processor]
) -> None:
    """Give the records of `logging` the same way out."""
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name],
        processors=[_drop_record, *_common(), *render],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(threshold, logging.INFO))


def _drop_record(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> EventDict:
    del event["_record"], event["_from_structlog"]
    return event
