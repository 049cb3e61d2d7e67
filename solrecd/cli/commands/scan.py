"""``solrecctl scan``: what solrecd would have said about a console log.

Reads raw captures, text logs and solrecd's own archives, packed or not, from any
number of files, and prints the events that the daemon would have raised. Line numbers
are those of the input file.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import gzip
import json
import lzma
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO, Final, cast

import zstandard

from solrecd.analysis.boot.ignored import Ignored
from solrecd.analysis.boot.rulefiles import RuleError
from solrecd.analysis.boot.rules import RuleSet
from solrecd.analysis.interpreter import Interpreter
from solrecd.cli.shared.source import Source
from solrecd.cli.shared.unknown import Excerpt, Unknown
from solrecd.events.event import Event, Kind
from solrecd.events.lines import Chunk
from solrecd.process.stamps import parse_stamp
from solrecd.storage import marker_files

_READ_SIZE: Final = 1 << 18
"""Bytes interpreted at once."""

_SORTED_EVENTS: Final = 10_000
"""Events held back to be printed in the order of their lines."""

# A line of solrecd's own .log: stamp, then output or a note.
_ARCHIVED: Final = re.compile(
    rb"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) (?:\| |#[^\n]*)?", re.MULTILINE
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="a console log; - is standard input"
    )
    parser.add_argument("--json", action="store_true", help="one object per line")
    parser.add_argument(
        "--markers",
        metavar="FOLDER",
        help="marker rules of your own (default: the daemon's)",
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="show the rule of each event, and why similar lines matched none",
    )
    parser.add_argument(
        "--report-unknown",
        action="store_true",
        help="print the ends of boots that failed or stopped and that no rule explains,"
        " without names and addresses, for a report",
    )


def main(args: argparse.Namespace) -> int:
    """Scan files; 0 when something failed in them, 1 when not, 2 when unreadable."""
    # Lines are tuples by the hundred thousand and never in cycles: looking for some
    # would take half of the time.
    gc.disable()
    files = args.files or ["-"]
    try:
        rules = marker_files.load(args.markers or _markers_dir(args))
    except RuleError as error:
        print(f"solrecctl scan: {error}", file=sys.stderr)
        return 2
    found, unreadable = False, False
    for name in files:
        shower = _Shower(
            name if len(files) > 1 else None, rules if args.explain else None
        )
        show = shower.json if args.json else shower.text
        try:
            with _opened(name) as stream:
                if args.report_unknown:
                    for excerpt in unknown(stream, name, rules):
                        found = True
                        shower.excerpt(excerpt, as_json=args.json)
                    continue
                for each in look(stream, name, rules, explain=args.explain):
                    found |= isinstance(each, Event) and each.kind is Kind.FAILURE
                    show(each)
        except (OSError, EOFError, lzma.LZMAError, zstandard.ZstdError) as error:
            print(f"solrecctl scan: {_why(name, error)}", file=sys.stderr)
            unreadable = True
    if unreadable:
        return 2
    return 0 if found else 1


def _markers_dir(args: argparse.Namespace) -> str:
    """Return the folder that the configuration names, if there is one to be read."""
    options = {"server": None, "config": None, "dir": None} | vars(args)
    return Source(argparse.Namespace(**options)).markers_dir


class _Input:
    """Bytes of one file, and the numbers of the lines in them."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        # The last two pieces: a marker's line begins in one of them.
        self._pieces: list[tuple[int, int, bytes]] = []
        self._offset = 0
        self._lines = 0
        # An offset and its line, from which the next one is counted.
        self._known = (0, 1)

    def chunks(self) -> Iterator[list[Chunk]]:
        """Yield what is to be interpreted, piece by piece."""
        rest = b""
        archived: bool | None = None
        at = 0
        while data := self._stream.read(_READ_SIZE):
            if archived is None:
                archived = _ARCHIVED.match(data) is not None
            if not archived:
                yield [self._note(Chunk(0, data))]
                continue
            data = rest + data
            cut = data.rfind(b"\n") + 1
            data, rest = data[:cut], data[cut:]
            chunks, at = _unarchived(data, at)
            yield [self._note(chunk) for chunk in chunks]
        if rest:
            chunks, _ = _unarchived(rest, at)
            yield [self._note(chunk) for chunk in chunks]

    def _note(self, chunk: Chunk) -> Chunk:
        self._pieces.append((self._offset, self._lines, chunk.data))
        del self._pieces[:-4096]
        self._offset += len(chunk.data)
        self._lines += chunk.data.count(b"\n")
        return chunk

    def line(self, offset: int) -> int:
        """Return the 1-based number of the line at a recent offset."""
        if offset < self._known[0]:
            self._known = (0, 1)
        known, line = self._known
        for begin, lines, data in reversed(self._pieces):
            if begin <= offset:
                if known < begin:
                    known, line = begin, lines + 1
                line += data.count(b"\n", known - begin, offset - begin)
                break
        self._known = (offset, line)
        return line


def _unarchived(data: bytes, at: int) -> tuple[list[Chunk], int]:
    """Take the stamps off archived lines; a chunk for each stamp."""
    chunks: list[Chunk] = []
    position = 0
    for found in _ARCHIVED.finditer(data):
        if found.start() > position:
            chunks.append(Chunk(at, data[position : found.start()]))
        at = parse_stamp(found[1].decode())
        position = found.end()
    if position < len(data):
        chunks.append(Chunk(at, data[position:]))
    return chunks, at


def look(
    stream: IO[bytes], name: str, rules: RuleSet, *, explain: bool
) -> Iterator[Event | Ignored]:
    """Yield the events of one file, in the order of their lines.

    Args:
        stream: the file's bytes, unpacked.
        name: of the file, ``-`` for standard input.
        rules: what to look for.
        explain: yield also what looks like an event and is none.
    """
    source = _Input(stream)
    console = "-" if name == "-" else Path(name).name
    interpreter = Interpreter(rules, console=console, locate=source.line)
    held: list[Event | Ignored] = []
    if explain:
        interpreter.explain(held.append)
    at = 0
    for chunks in source.chunks():
        at = chunks[-1].at if chunks else at
        held += interpreter.feed(chunks).events
        if len(held) > _SORTED_EVENTS:
            yield from _sorted(held)
            held.clear()
    held += interpreter.finish().events
    yield from _sorted(held)


def _sorted(found: Sequence[Event | Ignored]) -> list[Event | Ignored]:
    return sorted(found, key=lambda each: each.line or 0)


def _why(name: str, error: Exception) -> str:
    """Say in one line what is wrong with a file."""
    said = error.strerror if isinstance(error, OSError) and error.strerror else error
    return f"{name}: {said}"


@contextlib.contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    """Open a file, unpacked if need be."""
    if name == "-":
        yield sys.stdin.buffer
        return
    with Path(name).open("rb") as packed:
        head = packed.read(8)
        packed.seek(0)
        yield _unpacked(packed, head)


def _unpacked(packed: IO[bytes], head: bytes) -> IO[bytes]:
    """Choose by the first bytes: names lie, and archives may be renamed."""
    if head.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=packed))
    if head.startswith(b"\xfd7zXZ"):
        return lzma.LZMAFile(packed)
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        unpacker = zstandard.ZstdDecompressor()
        return unpacker.stream_reader(packed, read_across_frames=True)
    return packed


def unknown(stream: IO[bytes], name: str, rules: RuleSet) -> Iterator[Excerpt]:
    """Yield the ends of boots in a file that failed and that no rule explains.

    Args:
        stream: the file's bytes, unpacked.
        name: of the file.
        rules: what to look for.
    """
    source, collected = _Input(stream), Unknown()
    interpreter = Interpreter(rules, console=Path(name).name, locate=source.line)
    for chunks in source.chunks():
        yield from collected.take(interpreter.feed(chunks))
    yield from collected.take(interpreter.finish())
    yield from collected.end(interpreter.boot)


class _Shower:
    """Prints what is found in one file.

    Args:
        label: of the file, None when it is the only one.
        rules: all rules, to tell where they stand; None: not asked for.
    """

    def __init__(self, label: str | None, rules: RuleSet | None) -> None:
        self._label = label
        self._rules = rules

    @cached_property
    def _places(self) -> Mapping[str, str]:
        """Where rules stand, by their ids."""
        rules = self._rules.rules if self._rules else ()
        return {rule.id: f" ({rule.source}:{rule.line})" for rule in rules}

    def json(self, found: Event | Ignored) -> None:
        """Print an object."""
        if isinstance(found, Event):
            told = found.as_dict()
        else:
            told = {
                "line": found.line,
                "ignored": found.why.value,
                "rule": found.rule,
                "explanation": found.explanation,
                "text": found.text,
            }
        print(json.dumps(told if self._label is None else {"file": self._label} | told))

    def excerpt(self, excerpt: Excerpt, *, as_json: bool) -> None:
        """Print the end of a boot that nothing explains."""
        if as_json:
            named = {} if self._label is None else {"file": self._label}
            print(json.dumps(named | excerpt.as_dict()))
            return
        for line in excerpt.text():
            print(line if self._label is None else f"{self._label}: {line}")

    def text(self, found: Event | Ignored) -> None:
        """Print a line, and another one that explains it."""
        where = f"{self._label}:{found.line}" if self._label else f"{found.line}"
        if isinstance(found, Ignored):
            what, name, title = "ignored", found.why.value, found.text
            rule, why = found.rule, f": {found.explanation}"
        else:
            failed = found.kind is Kind.FAILURE
            what = found.severity.value if failed else found.kind.value
            name, title = found.name, found.title
            rule, why = str(found.fields.get("rule", "")), ""
        print(f"{where:>6}  {what:8}  {name:16}  {title}")
        if self._rules is not None:
            said = f"rule {rule}{self._places.get(rule, '')}{why}"
            print(f"        {said if rule else 'no rule: seen by what came when'}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="solrecctl scan", description=__doc__)
    add_arguments(parser)
    sys.exit(main(parser.parse_args()))
