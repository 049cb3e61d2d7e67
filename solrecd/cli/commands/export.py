"""`solrecctl export`: a boot as one file: HTML, asciicast, text or raw bytes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, Final, NamedTuple

from solrecd.api.web.boot_page import page
from solrecd.cli.commands.screen import Size, parse_size
from solrecd.cli.program import CommandError, Exit
from solrecd.cli.shared import boot_choice, when
from solrecd.cli.shared.boot_choice import ChosenBoot
from solrecd.cli.shared.history import indexed
from solrecd.cli.shared.output import safe, warn
from solrecd.cli.shared.read_reports import Faults
from solrecd.cli.shared.source import Source
from solrecd.storage.history import asciicast
from solrecd.storage.history.chunks import read_chunks
from solrecd.storage.history.stages import stage_spans
from solrecd.storage.history.text import read_lines

DEFAULT_SIZE: Final = Size(80, 24)
"""Columns and rows: what firmware draws its menus for."""

_MARKED: Final = frozenset({"stage", "failure", "stuck"})


class Job(NamedTuple):
    """What is exported."""

    boot: ChosenBoot
    source: Source
    faults: Faults
    size: Size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    boot_choice.add_arguments(parser)
    form = parser.add_mutually_exclusive_group()
    for name, its in FORMATS.items():
        form.add_argument(
            f"--{name}", dest="form", action="store_const", const=name, help=its.help
        )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="output file or folder; a suffix may set the format (default: standard"
        " output)",
    )
    parser.add_argument(
        "--size",
        metavar="COLUMNSxROWS",
        type=parse_size,
        default=DEFAULT_SIZE,
        help="terminal size in an asciicast (default: 80x24)",
    )


def main(args: argparse.Namespace) -> int:
    """Write the file; exit status 1 when some of the boot was unreadable."""
    name = args.form or _guessed(args.output)
    form = FORMATS[name]
    source, faults = Source(args), Faults()
    boot = boot_choice.chosen(args, source)
    pieces = form.write(Job(boot, source, faults, args.size))
    if args.output is None:
        if sys.stdout.isatty() and name != "text":
            raise CommandError(f"{name} is nothing for a terminal: -o FILE, or a pipe")
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return faults.status_of(boot.segments)
    path = Path(args.output)
    if path.is_dir():
        path /= f"{boot.console}-boot-{boot.number:06d}.{form.suffix}"
    with _whole(path) as file:
        file.writelines(pieces)
    print(f"{safe(str(path))}: {path.stat().st_size:,} bytes")
    return faults.status_of(boot.segments)


def _guessed(output: str | None) -> str:
    suffix = Path(output or "").suffix.removeprefix(".")
    for name, form in FORMATS.items():
        if suffix == form.suffix:
            return name
    forms = ", ".join(f"--{name}" for name in FORMATS)
    raise CommandError(f"as what? one of {forms}")


@contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """Write a file that appears when it is whole."""
    try:
        with NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
            try:
                yield file
                os.fchmod(file.fileno(), 0o666 & ~_umask())
                file.close()
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink()
                raise
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


# The formats.


def _html(job: Job) -> Iterator[bytes]:
    boot, events = _known(job)
    spans = stage_spans(events)
    lines = read_lines(job.boot.segments, job.faults)
    for piece in page(boot, events, spans, lines):
        yield piece.encode("utf-8", "replace")


def _asciicast(job: Job) -> Iterator[bytes]:
    _, events = _known(job)
    markers = [
        (when.stamp_of(event["time"]), f"{event['name']}: {safe(event['title'])}")
        for event in events
        if event["kind"] in _MARKED
    ]
    title = f"{job.boot.console} boot {job.boot.number}"
    chunks = read_chunks(job.boot.segments, job.faults)
    for line in asciicast.encode(title, job.size, chunks, markers):
        yield line.encode("utf-8", "replace")


def _text(job: Job) -> Iterator[bytes]:
    for line in read_lines(job.boot.segments, job.faults):
        mark = "#" if line.note else "|"
        yield f"{line.time} {mark} {safe(line.text)}\n".encode("utf-8", "replace")


def _raw(job: Job) -> Iterator[bytes]:
    for chunk in read_chunks(job.boot.segments, job.faults):
        yield chunk.data


def _known(job: Job) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the boot and its events as the index has them."""
    name, number = job.boot.console, job.boot.number
    with indexed(job.source, lambda _: [name], job.faults) as (index, _):
        boot = next(index.boots([name], boot=number), None)
        events = list(index.events([name], boot=number))
    if boot is None:
        warn(f"{name}: boot {number} is not in the index: solrecctl reindex heals it")
        raise CommandError("--text and --raw work without it", Exit.NO)
    return boot, events


class Form(NamedTuple):
    """A format."""

    suffix: str
    write: Callable[[Job], Iterator[bytes]]
    help: str


FORMATS: Final = {
    "html": Form("html", _html, "one page: stages, failures, the log; no scripts"),
    "asciicast": Form("cast", _asciicast, "an asciinema recording, with markers"),
    "text": Form("txt", _text, "the lines with their times"),
    "raw": Form("raw", _raw, "the exact bytes, escape sequences included"),
}
