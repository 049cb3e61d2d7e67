"""One configuration file: its tables, and on which line each key stands."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from typing import Any, NamedTuple

from solrecd.config.errors import Problem, Problems

Path = tuple[str, ...]
"""Where a value stands: ``("console", "node[1-3]", "port")``."""

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")
_PART = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*""")
_TABLE = re.compile(r"\s*\[\[?([^=]*?)\]\]?\s*(?:#.*)?\Z")
_AT_LINE = re.compile(r" ?\(at (?:line (\d+), column \d+|end of document)\)\Z")


class Source(NamedTuple):
    """The text of one configuration file."""

    path: str
    text: str
    mode: int = 0o600
    """Permission bits of the file."""


def spell(path: Path) -> str:
    """Return a path as TOML writes it."""
    return ".".join(part if _BARE.match(part) else f'"{part}"' for part in path)


def _read_key(text: str) -> tuple[Path, str]:
    """Return the parts of the dotted key at the start of a text, and what follows."""
    parts: list[str] = []
    position = 0
    while match := _PART.match(text, position):
        parts.append(next(group for group in match.groups() if group is not None))
        position = match.end()
        if text[position : position + 1] != ".":
            return tuple(parts), text[position:]
        position += 1
    return (), text


def find_lines(text: str) -> Mapping[Path, int]:
    """Return the line of each table and key; the first one where there are several.

    `tomllib` does not tell lines, so this looks for them when there is an error to
    report. Text inside a multi-line string may look like a key: then the line of a
    later key of that very name would be wrong, nothing else.
    """
    lines: dict[Path, int] = {}
    table: Path = ()
    for number, line in enumerate(text.split("\n"), 1):
        header = _TABLE.match(line)
        key, rest = _read_key(header[1] if header else line)
        if header and key and not rest:
            table = key
            lines.setdefault(table, number)
        elif key and rest.startswith("="):
            lines.setdefault(table + key, number)
    return lines


class Document:
    """One parsed file."""

    def __init__(self, source: Source, tables: Mapping[str, Any]) -> None:
        self.path = source.path
        self.mode = source.mode
        self.tables = tables
        self._text = source.text

    @functools.cached_property
    def _lines(self) -> Mapping[Path, int]:
        return find_lines(self._text)

    def line_of(self, path: Path) -> int | None:
        """Return the line of a key, or else that of the nearest table around it."""
        while path:
            if path in self._lines:
                return self._lines[path]
            # [console.a.b] declares console.a without a line of its own.
            for key, line in self._lines.items():
                if key[: len(path)] == path:
                    return line
            path = path[:-1]
        return None

    def place_of(self, path: Path) -> str:
        """Return ``file:line`` of a key."""
        line = self.line_of(path)
        return self.path if line is None else f"{self.path}:{line}"

    def problem(self, path: Path, text: str) -> Problem:
        """Return a problem with the value at a path."""
        return Problem(self.path, self.line_of(path), spell(path), text)


class Given(NamedTuple):
    """A value as it was written, and where."""

    value: Any
    document: Document
    path: Path

    def problem(self, text: str) -> Problem:
        """Return a problem with this value."""
        return self.document.problem(self.path, text)


def read_document(source: Source, problems: Problems) -> Document | None:
    """Return the parsed file; a file that is not TOML is noted as a problem."""
    try:
        return Document(source, tomllib.loads(source.text))
    except RecursionError:
        problems.add(Problem(source.path, None, "", "is nested too deeply"))
    except ValueError as error:
        # Not only TOMLDecodeError: numbers with 5000 digits and dates like
        # 2026-02-30 come out of Python's own constructors.
        problems.add(_syntax_problem(source.path, str(error)))
    return None


def _syntax_problem(path: str, message: str) -> Problem:
    where = _AT_LINE.search(message)
    if where is None:
        return Problem(path, None, "", f"is not valid TOML: {message}")
    line, what = where[1], message[: where.start()]
    if line is None:
        return Problem(path, None, "", f"is not valid TOML: {what} at the end")
    return Problem(path, int(line), "", f"is not valid TOML: {what}")
