"""`solrecctl log`: what a console printed during a boot."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from solrecd.cli.program import CommandError, Exit
from solrecd.cli.shared import boot_choice, when
from solrecd.cli.shared.history import indexed
from solrecd.cli.shared.output import Colour, Screen, paged, safe, screen, warn
from solrecd.cli.shared.read_reports import Faults
from solrecd.cli.shared.source import Source
from solrecd.storage.history.segments import Segment, within
from solrecd.storage.history.stages import Span, stage_spans
from solrecd.storage.history.text import TextLine, between, read_lines

LONG_PAUSE = 1.0
"""Seconds between two lines that ``--delta`` points out."""

_FAILURE = re.compile(r"Kernel panic|\bBUG:|\bOops\b|\bWARNING:|Call Trace:")


class Wanted(NamedTuple):
    """Which lines of a console to show."""

    segments: Sequence[Segment]
    since: int | None
    until: int | None
    """Stamps."""
    spans: Sequence[Span] | None
    """Parts of the boot; None for all."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    boot_choice.add_arguments(parser)
    parser.add_argument("--since", metavar="TIME", help=when.HELP)
    parser.add_argument("--until", metavar="TIME", help="as --since")
    parser.add_argument("--stage", metavar="STAGE", help="only this stage of the boot")
    parser.add_argument(
        "-e",
        "--end",
        action="store_true",
        help="open the pager at the end (default: at the failure, if there is one)",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--raw", action="store_true", help="the exact bytes, escape sequences included"
    )
    form.add_argument("--no-stamps", action="store_true", help="without times")
    form.add_argument(
        "--delta", action="store_true", help="seconds since the previous line"
    )
    form.add_argument(
        "-f",
        "--follow",
        action="store_true",
        help="the last lines and what comes, until Ctrl-C: as tail -f",
    )


def main(args: argparse.Namespace) -> int:
    """Show the lines; exit status 1 when there are none, or some are unreadable."""
    boot_choice.split_name(args)
    if args.follow:
        return _follow(args)
    source, faults = Source(args), Faults()
    name, wanted = _wanted(args, source)
    if args.raw:
        count = _write_raw(wanted, faults)
    else:
        start = _start(args, source, name, wanted, faults)
        count = _show(args, name, wanted, faults, start)
    if not count and not (args.since or args.until or args.stage or faults.status):
        warn(source.nothing_recorded(name))
    return faults.status if count else Exit.NO


def _follow(args: argparse.Namespace) -> int:
    if args.boot or args.since or args.until or args.stage:
        raise CommandError("-f shows what comes: no boot, stage or time goes with it")
    # Imported here: a boot that is over is followed by nothing.
    from solrecd.cli.commands import tail  # noqa: PLC0415

    args.names, args.lines = [args.name], tail.DEFAULT_LINES
    return tail.main(args)


def _start(
    args: argparse.Namespace, source: Source, name: str, wanted: Wanted, faults: Faults
) -> str:
    """Return where a pager begins, as less is told: at the end or at the failure."""
    if args.end:
        return "+G"
    boots = {segment.name.boot for segment in wanted.segments}
    if args.json or len(boots) != 1 or not sys.stdout.isatty():
        return ""
    line = _failure_line(source, name, *boots)
    lines = _lines(wanted, faults) if line else ()
    for place, (_, each) in enumerate(lines, 1):
        if not each.note and each.number == line:
            return f"+{place}g"
    return ""


def _failure_line(source: Source, name: str, boot: int) -> int | None:
    """Return the line of the first of the worst failures of a boot."""
    with indexed(source, lambda _: [name]) as (index, _):
        failures = list(index.events([name], boot=boot, kinds=["failure"]))
    for severity in ("fatal", "critical", "error"):
        for failure in failures:
            if failure["severity"] == severity and failure["line"] is not None:
                return int(failure["line"])
    return None


def _wanted(args: argparse.Namespace, source: Source) -> tuple[str, Wanted]:
    """Return the console that is meant and what of it."""
    now = time.time_ns() // 1000
    since, until = when.parse_bound(args.since, now), when.parse_bound(args.until, now)
    name, segments = boot_choice.console_segments(args.name, source)
    spans = None
    if args.boot or args.stage or (since is None and until is None):
        boot = boot_choice.boot_number(args.boot or "-1", source, name, segments)
        segments = [segment for segment in segments if segment.name.boot == boot]
        if args.stage is not None:
            spans = _stage(source, name, boot, args.stage)
    return name, Wanted(within(segments, since, until), since, until, spans)


def _stage(source: Source, name: str, boot: int, stage: str) -> list[Span]:
    """Return the parts of a boot that belong to a stage."""
    with indexed(source, lambda _: [name]) as (index, _):
        spans = stage_spans(index.events([name], boot=boot, kinds=["stage"]))
    found = [span for span in spans if span.stage == stage]
    if not found:
        reached = ", ".join(dict.fromkeys(span.stage for span in spans)) or "none"
        message = f"{name}: boot {boot} has no stage {stage!r}; it has: {reached}"
        raise CommandError(message, Exit.NO)
    return found


def _write_raw(wanted: Wanted, faults: Faults) -> int:
    """Write bytes as they came; times choose among packets."""
    # Imported here: the text alone needs neither timing nor vocabulary.
    from solrecd.storage.history.chunks import read_chunks  # noqa: PLC0415

    bounds = _bounds(wanted)
    count = 0
    for chunk in read_chunks(wanted.segments, faults):
        if any(since <= chunk.at < until for since, until in bounds):
            count += len(chunk.data)
            sys.stdout.buffer.write(chunk.data)
    sys.stdout.buffer.flush()
    return count


def _bounds(wanted: Wanted) -> list[tuple[int, int]]:
    """Return from which stamps to which ones."""
    since, until = wanted.since or 0, wanted.until or sys.maxsize
    if wanted.spans is None:
        return [(since, until)]
    return [
        (
            max(since, when.stamp_of(span.since)),
            min(until, when.stamp_of(span.until) if span.until else sys.maxsize),
        )
        for span in wanted.spans
    ]


def _show(
    args: argparse.Namespace, name: str, wanted: Wanted, faults: Faults, start: str
) -> int:
    lines = _lines(wanted, faults)
    if args.json:
        return screen().objects(_object(name, boot, line) for boot, line in lines)
    count = 0
    with paged(start) as output:
        for text in _format(args, output, lines):
            count += 1
            output.line(text)
    return count


def _lines(wanted: Wanted, faults: Faults) -> Iterator[tuple[int, TextLine]]:
    """Yield the wanted lines, each with its boot."""
    since, until = (
        None if stamp is None else when.format_when(stamp)
        for stamp in (wanted.since, wanted.until)
    )
    spans = wanted.spans
    for boot, parts in groupby(wanted.segments, key=lambda each: each.name.boot):
        for line in between(read_lines(list(parts), faults), since, until):
            if spans is None or any(line.number in each.lines for each in spans):
                yield boot, line


def _format(
    args: argparse.Namespace, output: Screen, lines: Iterable[tuple[int, TextLine]]
) -> Iterator[str]:
    last: str | None = None
    for _, line in lines:
        text = _painted(output, line)
        if args.no_stamps:
            yield text
            continue
        if args.delta:
            yield f"{_delta(output, last, line.time)} {text}"
            last = line.time or last
        else:
            mark = f"{output.time(line.time)} {'#' if line.note else '|'}"
            yield f"{output.paint(mark, Colour.QUIET)} {text}"


def _painted(output: Screen, line: TextLine) -> str:
    text = safe(line.text)
    if line.note:
        return output.paint(text, Colour.WARNING)
    return output.paint(text, Colour.BAD) if _FAILURE.search(text) else text


def _delta(output: Screen, last: str | None, time_: str) -> str:
    if last is None or not time_:
        return " " * 10
    seconds = when.seconds_between(last, time_)
    colour = Colour.WORSE if seconds >= LONG_PAUSE else Colour.QUIET
    return output.paint(f"{seconds:10.3f}", colour)


def _object(name: str, boot: int, line: TextLine) -> dict[str, object]:
    return {
        "console": name,
        "boot": boot,
        "time": line.time or None,
        "line": None if line.note else line.number,
        "note": line.note,
        "text": line.text,
    }
