"""What people and scripts read: tables, colours, JSON, a pager, safe text.

On a terminal: aligned columns, colours, a pager. Piped: tab-separated, plain. What a
console printed is hostile: no control character of it reaches the reader's terminal.
"""

from __future__ import annotations

import enum
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO, cast

from solrecd.cli.shared.column_widths import Need, fit
from solrecd.cli.shared.when import local

if TYPE_CHECKING:
    import subprocess

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters, line ends, and those that turn the direction of writing."""

_GAP = "  "

_AT_ONCE = 500
"""Lines for a script that are written at once."""

_INDENT = " " * 4
"""Before the details of a row."""

_LEAST_ROOM = 12
"""Characters that a row's last cell gets on a terminal that is too narrow."""


class Colour(enum.StrEnum):
    """What a colour means; the values are SGR parameters (ECMA-48 §8.3.117)."""

    PLAIN = ""
    GOOD = "32"
    BAD = "31"
    WORSE = "1;31"
    WARNING = "33"
    QUIET = "2"
    TITLE = "1"


SEVERITY: Mapping[str, Colour] = {
    "fatal": Colour.WORSE,
    "critical": Colour.WORSE,
    "error": Colour.BAD,
    "warning": Colour.WARNING,
}
"""What colour an event of a severity has; others have none."""

OUTCOME: Mapping[str, Colour] = {
    "ok": Colour.GOOD,
    "failed": Colour.BAD,
    "stuck": Colour.BAD,
    "shutdown": Colour.QUIET,
    "unknown": Colour.QUIET,
}
"""What colour the outcome of a boot has."""


class Cell(NamedTuple):
    """One cell of a table."""

    text: str
    colour: Colour = Colour.PLAIN


def outcome(value: str | None) -> Cell:
    """Return the cell of a boot's outcome."""
    return Cell(value or "-", OUTCOME.get(value or "", Colour.PLAIN))


class Column(NamedTuple):
    """A column: its title and how a cell is made of a row's object."""

    title: str
    cell: Callable[[Mapping[str, Any]], Cell]
    plain: Callable[[Mapping[str, Any]], str] | None = None
    """How a script gets it, where that differs from what people see."""
    right: bool = False
    least: int = 0
    """Characters that a narrow terminal may cut it to; 0: it stays whole."""
    spare: int = 0
    """A narrow terminal leaves columns out, those of the highest number first; 0: it
    stays."""


Details = Callable[[Mapping[str, Any]], Iterable[Cell]]
"""What stands below a row, a line each."""


class Screen:
    """Where a command writes, and what that place can show."""

    def __init__(
        self,
        stream: TextIO,
        environ: Mapping[str, str],
        *,
        is_terminal: bool,
        width: int = 0,
    ) -> None:
        """Look at the environment once.

        Args:
            stream: where to write.
            environ: says whether colours are wanted.
            is_terminal: whether a person reads it.
            width: columns that a table may have; 0: any number.
        """
        self._stream = stream
        self._width = width
        self.is_terminal = is_terminal
        self.coloured = (
            self.is_terminal
            and not environ.get("NO_COLOR")
            and environ.get("TERM") != "dumb"
        )

    def line(self, text: str) -> None:
        """Write a line; what it holds must be safe."""
        self._stream.write(text + "\n")

    def clear(self) -> None:
        """Begin a new page; without escapes an empty line."""
        self._stream.write("\x1b[H\x1b[2J" if self.coloured else "\n")

    def flush(self) -> None:
        """Let the reader see what was written."""
        self._stream.flush()

    def time(self, time: str) -> str:
        """Return a time of the contract; for people it is local, with its offset."""
        return local(time) if self.is_terminal else time

    def paint(self, text: str, colour: str) -> str:
        """Return text in a `Colour`, or another SGR, where colours are shown."""
        if not self.coloured or not colour or not text:
            return text
        return f"\x1b[{colour}m{text}\x1b[0m"

    def objects(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Write one JSON object per line; return how many."""
        count = 0
        for count, row in enumerate(rows, 1):  # noqa: B007 - it is returned
            self.line(to_json(row))
        return count

    def tabbed(self, lines: Iterable[str]) -> int:
        """Write lines of tab-separated cells for a script; return how many."""
        count, left = 0, iter(lines)
        while some := list(islice(left, _AT_ONCE)):
            # Asked once for all of them: it is only the tabs that must stay.
            if not "".join(some).replace("\t", "").isprintable():
                some = ["\t".join(map(safe, line.split("\t"))) for line in some]
            self.line("\n".join(some))
            count += len(some)
        return count

    def table(
        self,
        columns: Sequence[Column],
        rows: Iterable[Mapping[str, Any]],
        details: Details | None = None,
    ) -> int:
        """Write a table, aligned or tab-separated; return the number of rows.

        Args:
            columns: what a row shows.
            rows: their objects.
            details: lines below a row, for people; a script gets rows only.
        """
        if self.is_terminal:
            return self._aligned(columns, list(rows), details)
        plain = list(map(_plain, columns))
        count = 0
        for count, row in enumerate(rows, 1):  # noqa: B007 - it is returned
            cells = [each(row) for each in plain]
            # Asked once per row: it is the tabs between the cells that must stay.
            if not "".join(cells).isprintable():
                cells = list(map(safe, cells))
            self.line("\t".join(cells))
        return count

    def _aligned(
        self,
        columns: Sequence[Column],
        rows: Sequence[Mapping[str, Any]],
        details: Details | None,
    ) -> int:
        if not rows:
            return 0
        cells = [[_safe_cell(column.cell(row)) for column in columns] for row in rows]
        widths = list(map(_widest, columns, zip(*cells, strict=True)))
        if self._width:
            widths = _fit(columns, widths, self._width)
        titles = [Cell(column.title, Colour.TITLE) for column in columns]
        self._row(titles, columns, widths)
        for row, its in zip(rows, cells, strict=True):
            self._row(its, columns, widths)
            if details is not None:
                self._below(details(row))
        return len(rows)

    def _row(
        self, cells: Sequence[Cell], columns: Sequence[Column], widths: Sequence[int]
    ) -> None:
        fitted = [
            self._fitted(_cut(cell, width), column, width)
            for cell, column, width in zip(cells, columns, widths, strict=True)
            if width
        ]
        self.line(_GAP.join(fitted).rstrip())

    def _below(self, details: Iterable[Cell]) -> None:
        for cell in details:
            self.line(f"{_INDENT}{self.paint(safe(cell.text), cell.colour)}")

    def _fitted(self, cell: Cell, column: Column, width: int) -> str:
        blank = " " * (width - len(cell.text))
        text = self.paint(cell.text, cell.colour)
        return blank + text if column.right else text + blank


def _widest(column: Column, cells: Sequence[Cell]) -> int:
    return max(len(column.title), *(len(cell.text) for cell in cells))


def _fit(columns: Sequence[Column], widths: Sequence[int], room: int) -> list[int]:
    """Return widths with which a row stays one line of the terminal."""
    gap = len(_GAP)
    *most, last = (
        Need(width + gap, (column.least or width) + gap, column.spare)
        for column, width in zip(columns, widths, strict=True)
    )
    least = min(widths[-1], columns[-1].least or _LEAST_ROOM)
    fitting = fit([*most, last._replace(least=least)], room)
    rest = max(room - sum(fitting), least)
    return [*(width and width - gap for width in fitting), min(widths[-1], rest)]


def _cut(cell: Cell, room: int) -> Cell:
    if len(cell.text) <= room:
        return cell
    return Cell(cell.text[: room - 1] + "…", cell.colour)


def to_json(row: Mapping[str, Any]) -> str:
    """Return an object as one line; a terminal can show it safely."""
    # json escapes control characters below 0x20, not those from 0x7f on.
    text = json.dumps(row, ensure_ascii=False)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def safe(text: str) -> str:
    r"""Return text without anything that a terminal obeys: it becomes ``\xNN``."""
    # Nearly every text is printable, and asking costs a tenth of the search.
    return text if text.isprintable() else _UNSAFE.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _safe_cell(cell: Cell) -> Cell:
    return Cell(safe(cell.text), cell.colour)


def _plain(column: Column) -> Callable[[Mapping[str, Any]], str]:
    """Return what gives a script the text of a column."""
    return column.plain or (lambda row: column.cell(row).text)


def value_of(key: str) -> Callable[[Mapping[str, Any]], str]:
    """Return what gives a script a row's value: the contract's text, or nothing."""
    return lambda row: "" if (value := row[key]) is None else str(value)


def screen() -> Screen:
    """Return the screen of this process's standard output."""
    if not sys.stdout.isatty():
        return Screen(sys.stdout, os.environ, is_terminal=False)
    return Screen(sys.stdout, os.environ, is_terminal=True, width=_terminal_width())


def _terminal_width() -> int:
    return os.get_terminal_size(sys.stdout.fileno()).columns


def warn(message: str) -> None:
    """Tell the person something beside the output."""
    print(f"solrecctl: {safe(message)}", file=sys.stderr)


@contextmanager
def paged(start: str = "", environ: Mapping[str, str] = os.environ) -> Iterator[Screen]:
    """Write to a pager on a terminal, as git does; to standard output otherwise.

    Args:
        start: what less does first, ``+G`` or ``+120g``; other pagers are not told.
        environ: names the pager.
    """
    command = environ.get("SOLRECCTL_PAGER", environ.get("PAGER", "less"))
    if (
        not sys.stdout.isatty()
        or environ.get("TERM") == "dumb"
        or command.strip() in {"", "cat"}
        or not _is_there(command)
    ):
        yield screen()
        return
    # Imported here: a pipe needs no pager, and the import takes 10 ms.
    import subprocess  # noqa: PLC0415

    is_less = os.path.basename(command.split(maxsplit=1)[0]) == "less"  # noqa: PTH119
    pager = subprocess.Popen(  # noqa: S602 - PAGER is a shell command, by convention
        f"{command} {start}" if is_less else command,
        shell=True,
        stdin=subprocess.PIPE,
        text=True,
        encoding=sys.stdout.encoding,
        errors="backslashreplace",
        # F: quit when it fits, R: colours, X: leave it on the screen.
        env={"LESS": "FRX", **environ},
    )
    pages = cast("TextIO", pager.stdin)
    try:
        yield Screen(pages, environ, is_terminal=True, width=_terminal_width())
    except (BrokenPipeError, KeyboardInterrupt):
        # The reader has seen enough. The pager handles Ctrl-C itself.
        pass
    finally:
        _leave(pager, pages)


def _is_there(command: str) -> bool:
    """Whether a pager can be run; without one, people still want to read."""
    # Imported here: a pipe needs no pager.
    import shutil  # noqa: PLC0415

    program = command.split(maxsplit=1)[0]
    return "=" in program or shutil.which(program) is not None


def _leave(pager: subprocess.Popen[str], pages: TextIO) -> None:
    """Wait for the reader; leaving earlier would give the shell half the terminal."""
    with suppress(BrokenPipeError):
        pages.close()
    while True:
        try:
            pager.wait()
        except KeyboardInterrupt:
            continue
        return
