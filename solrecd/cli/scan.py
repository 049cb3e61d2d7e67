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
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Final, cast

import zstandard

from solrecd import markerfiles
from solrecd.boot.rulefiles import RuleError
from solrecd.boot.rules import RuleSet
from solrecd.events import Chunk, Event, Kind
from solrecd.interpreter import Interpreter
from solrecd.stamps import parse_stamp

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
        default=markerfiles.USER_FOLDER,
        metavar="FOLDER",
        help="marker rules of your own (default: %(default)s)",
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="name the rule behind each event, and why other lines are none",
    )


def main(args: argparse.Namespace) -> int:
    """Scan files; 0 when something failed in them, 1 when not, 2 when unreadable."""
    # Lines are tuples by the hundred thousand and never in cycles: looking for some
    # would take half of the time.
    gc.disable()
    files = args.files or ["-"]
    try:
        rules = markerfiles.load(args.markers)
    except RuleError as error:
        print(f"solrecctl scan: {error}", file=sys.stderr)
        return 2
    show = _show_json if args.json else _show_text
    found, unreadable = False, False
    for name in files:
        label = name if len(files) > 1 else None
        try:
            with _opened(name) as stream:
                explain = _explainer(label, as_json=args.json) if args.explain else None
                for event in scan(stream, name, rules, explain):
                    found |= event.kind is Kind.FAILURE
                    show(event, label)
                    if args.explain and not args.json:
                        print(f"        rule {event.fields.get('rule', '-')}")
        except (OSError, EOFError, lzma.LZMAError, zstandard.ZstdError) as error:
            print(f"solrecctl scan: {name}: {error}", file=sys.stderr)
            unreadable = True
    if unreadable:
        return 2
    return 0 if found else 1


def packaged_rules() -> RuleSet:
    """Load the rules that come with solrecd.

    Raises:
        RuleError: a rule is wrong; its tests would have said so.
    """
    return markerfiles.load()


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


def scan(
    stream: IO[bytes],
    name: str,
    rules: RuleSet,
    ignored: Callable[[int, str], None] | None = None,
) -> Iterator[Event]:
    """Yield the events of one file, in the order of their lines.

    Args:
        stream: the file's bytes, unpacked.
        name: of the file, ``-`` for standard input.
        rules: what to look for.
        ignored: told which lines looked like events and why they are none.
    """
    source = _Input(stream)
    console = "-" if name == "-" else Path(name).name
    interpreter = Interpreter(rules, console=console, locate=source.line)
    if ignored is not None:
        interpreter.explain(ignored)
    held: list[Event] = []
    at = 0
    for chunks in source.chunks():
        at = chunks[-1].at if chunks else at
        held += interpreter.feed(chunks).events
        if len(held) > _SORTED_EVENTS:
            yield from _sorted(held)
            held.clear()
    held += interpreter.finish().events
    yield from _sorted(held)


def _sorted(events: Sequence[Event]) -> list[Event]:
    return sorted(events, key=lambda event: event.line or 0)


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


def _explainer(label: str | None, *, as_json: bool) -> Callable[[int, str], None]:
    def explain(line: int, why: str) -> None:
        if as_json:
            told = {"line": line, "ignored": why}
            print(json.dumps(told if label is None else {"file": label} | told))
        else:
            where = f"{label}:{line}" if label else f"{line}"
            print(f"{where:>6}  ignored   {why}")

    return explain


def _show_json(event: Event, label: str | None) -> None:
    found = event.as_dict()
    print(json.dumps(found if label is None else {"file": label} | found))


def _show_text(event: Event, label: str | None) -> None:
    where = f"{label}:{event.line}" if label else f"{event.line}"
    what = event.severity.value if event.kind is Kind.FAILURE else event.kind.value
    print(f"{where:>6}  {what:8}  {event.name:16}  {event.title}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="solrecctl scan", description=__doc__)
    add_arguments(parser)
    sys.exit(main(parser.parse_args()))
