"""What the log looks like: the only place that configures structlog.

Everywhere else it is ``structlog.get_logger()`` and an event name with key=value
pairs. What comes from a console or a BMC is escaped here, and secrets are hidden here,
from any library. Libraries that use `logging` end up in the same log.

An event of a console is logged as `EVENT` with the key ``occurrence``. The journal gets
all of them, each as an entry with fields; a log of lines only what a boot suffered, for
the rest of the story is what `solrecctl events` is for.
"""

from __future__ import annotations

import enum
import logging
import os
import re
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import suppress
from typing import Any, Protocol, TextIO

import structlog
from structlog.typing import EventDict, Processor

from solrecd.process.log.entries import EVENT, PRIORITIES, journal_fields, keys_of
from solrecd.process.log.journald import Journal, encode
from solrecd.process.log_settings import LogFormat, LogLevel
from solrecd.process.secret import Secret

HIDDEN = "(hidden)"
SECRET_KEYS = frozenset({"password", "kg", "secret", "credential", "token"})
"""Keys whose values are never written, whatever their type."""

_OBJECTS = frozenset({"exc_info", "occurrence"})
"""Keys whose values become text later, and are made harmless then."""

_IN_LINES = frozenset({"failure", "stuck"})
"""Kinds of events that a log of lines has."""

_LINE_KEYS = ("console", "kind", "boot", "name", "title")
"""What such a line tells of an event."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_IN_TRACEBACK = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def configure(
    *,
    format_: LogFormat = LogFormat.AUTO,
    level: LogLevel = LogLevel.INFO,
    stream: TextIO | None = None,
    environ: Mapping[str, str] = os.environ,
    journal: Journal | None = None,
) -> None:
    """Send the log of this process to a stream; may be called again.

    Args:
        format_: how lines look; `LogFormat.AUTO` goes by the stream.
        level: the least important messages that are written.
        stream: where to; standard error by default.
        environ: tells whether standard error is the journal's.
        journal: takes entries with fields when the stream is the journal's; without
            one it gets lines.
    """
    target = stream or sys.stderr
    output = _output(format_, target, environ, journal)
    threshold = logging.getLevelNamesMapping()[level.value.upper()]
    structlog.configure(
        processors=[*_common(), *output.processors],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=lambda *_args: _Writer(output),
        cache_logger_on_first_use=False,
    )
    _route_libraries(threshold, output)


class _Output(Protocol):
    """Where messages go, and what they look like there."""

    @property
    def processors(self) -> Sequence[Processor]:
        """What makes one message of its keys."""

    def write(self, message: str) -> None:
        """Write a message; a log that cannot be written must not stop the recorder."""


class _Lines:
    """Writes lines to a stream."""

    def __init__(self, stream: TextIO, processors: Sequence[Processor]) -> None:
        self._stream = stream
        self.processors = (_pick_for_lines, *processors)

    def write(self, message: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(message + "\n")
            self._stream.flush()


class _Entries:
    """Writes entries with fields to the journal; plain lines without one."""

    def __init__(self, journal: Journal, lines: _Lines) -> None:
        self._journal = journal
        self._lines = lines
        self.processors = (self._render,)

    def write(self, message: str) -> None:
        self._lines.write(message)

    def _render(self, logger: object, method: str, event: EventDict) -> str:
        """Send the entry; return it as a line when the journal cannot be had."""
        level = event.get("level", "info")
        keys = _expand(event)
        message = _message(logger, method, dict(keys))
        del keys["event"], keys["level"]
        if self._journal.dropped:
            keys["dropped_before"] = self._journal.dropped
        if self._journal.send(encode(journal_fields(keys, message, level))):
            raise structlog.DropEvent
        return _with_priority(message, level)


class _Writer:
    """What structlog takes for a logger: every method writes."""

    def __init__(self, output: _Output) -> None:
        self.debug = self.info = self.warning = output.write
        self.error = self.critical = self.msg = output.write


def _common() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _sanitize,
        structlog.processors.format_exc_info,
        _escape_traceback,
    ]


def _sanitize(_logger: object, _method: str, event: EventDict) -> EventDict:
    return _sanitized(event)


def _sanitized(keys: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in keys.items():
        if key not in _OBJECTS:
            keys[key] = HIDDEN if key in SECRET_KEYS else _plain(value)
    return keys


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


def _output(
    format_: LogFormat,
    stream: TextIO,
    environ: Mapping[str, str],
    journal: Journal | None,
) -> _Output:
    now = structlog.processors.TimeStamper(fmt="iso", utc=True)
    if format_ is LogFormat.AUTO and _is_journal(stream, environ):
        lines = _Lines(stream, (_render_for_journal,))
        return lines if journal is None else _Entries(journal, lines)
    if format_ is LogFormat.CONSOLE or (format_ is LogFormat.AUTO and stream.isatty()):
        # Not rich's traceback: it shows local variables, and passwords are some.
        plain = structlog.dev.plain_traceback
        pretty = structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), exception_formatter=plain
        )
        return _Lines(stream, (now, pretty))
    if format_ is LogFormat.JSON:
        return _Lines(stream, (now, structlog.processors.JSONRenderer()))
    return _Lines(stream, (now, _render_logfmt))


def _pick_for_lines(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Give a line what it tells of an event, or drop it."""
    occurrence = event.pop("occurrence", None)
    if occurrence is None:
        return event
    if occurrence.kind not in _IN_LINES:
        raise structlog.DropEvent
    told = _sanitized(keys_of(occurrence))
    return {**event, **{key: told[key] for key in _LINE_KEYS if key in told}}


def _expand(event: EventDict) -> dict[str, Any]:
    """Return all keys, those of an event among them."""
    occurrence = event.pop("occurrence", None)
    told = {} if occurrence is None else _sanitized(keys_of(occurrence))
    return {**event, **told}


def _message(logger: object, method: str, keys: dict[str, Any]) -> str:
    """Return what people read of an entry."""
    del keys["level"]
    if keys["event"] == EVENT:
        return f"{keys['console']}: {keys['name']}: {keys['title']}"
    return _render_logfmt(logger, method, keys)


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
    level = event.pop("level", "info")
    return _with_priority(_render_logfmt(logger, method, event), level)


def _with_priority(message: str, level: str) -> str:
    """Return lines with the ``<N>`` that the journal takes for their priority."""
    priority = PRIORITIES.get(level, 6)
    return "\n".join(f"<{priority}>{line}" for line in message.splitlines())


class _Handler(logging.Handler):
    """Gives the records of `logging` the same way out."""

    def __init__(self, output: _Output) -> None:
        super().__init__()
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        with suppress(structlog.DropEvent):
            self._output.write(self.format(record))


def _route_libraries(threshold: int, output: _Output) -> None:
    handler = _Handler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name],
            processors=[_drop_record, *_common(), *output.processors],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(threshold, logging.INFO))
    # It tells every request with its URL, and some URLs are secrets.
    logging.getLogger("httpx2").setLevel(logging.WARNING)


def _drop_record(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> EventDict:
    del event["_record"], event["_from_structlog"]
    return event
