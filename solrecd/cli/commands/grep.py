"""`solrecctl grep`: a pattern in all that consoles ever printed."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from solrecd.cli.program import CommandError, Exit
from solrecd.cli.shared import amounts, when, workers
from solrecd.cli.shared.boot_choice import boot_word
from solrecd.cli.shared.grep_output import Form, Printer
from solrecd.cli.shared.history import indexed
from solrecd.cli.shared.output import safe, screen, warn
from solrecd.cli.shared.read_reports import Progress
from solrecd.cli.shared.source import Source, reading_archive
from solrecd.events.stages import Stage
from solrecd.storage.history import choose
from solrecd.storage.history.files import Fault
from solrecd.storage.history.pattern import Pattern, PatternError
from solrecd.storage.history.search import Search, search_segments
from solrecd.storage.history.segments import Archive, Segment, boot_numbers, within
from solrecd.storage.history.stages import stage_spans

BAD_OUTCOMES = choose.OUTCOMES["last-failed"]
"""What ``--failed`` looks for."""

JOBS_PER_PROCESS = 4
"""So that no process waits long for the last job of another."""

BOOTS_PER_JOB = 8
"""Where there are too few consoles to keep every processor busy."""

_OUTPUT, _FAULT = 1, 2
"""Kinds of messages that a job tells."""

_EPILOG = """\
PATTERN is an RE2 regular expression (no look-around, no back references),
matched against the text of each line, without its time. Notes by solrecd are
searched, too.

exit status: 0 something matched, 1 nothing did, 2 an error, or part of the
archive could not be read"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = _EPILOG
    parser.add_argument("pattern", metavar="PATTERN")
    # With a default argparse knows that it may be missing, and says so of PATTERN only.
    parser.add_argument(
        "names", metavar="NAMES", nargs="*", default=[], help="default: all"
    )
    parser.add_argument("-i", "--ignore-case", action="store_true", help="ignore case")
    parser.add_argument(
        "-F", "--fixed-strings", action="store_true", help="PATTERN is plain text"
    )
    parser.add_argument(
        "-v", "--invert-match", action="store_true", help="show lines that do not match"
    )
    _add_form(parser)
    _add_choice(parser)


_CLUSTER = re.compile(r"-([iFvlo]*)c([iFvlo]*)")


def renewed(words: Sequence[str]) -> Sequence[str]:
    """Return the words with ``--count`` for a ``-c`` that no file follows."""
    found: list[str] = []
    for at, word in enumerate(words):
        if word == "--":
            return [*found, *words[at:]]
        cluster = _CLUSTER.fullmatch(word)
        if cluster is None or (
            word == "-c" and Path(*words[at + 1 : at + 2]).is_file()
        ):
            found.append(word)
            continue
        warn("grep: -c names the configuration; its count is now --count")
        letters = cluster[1] + cluster[2]
        found += ["--count", *([f"-{letters}"] if letters else [])]
    return found


def _add_form(parser: argparse.ArgumentParser) -> None:
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--count", action="store_true", help="how many lines of each boot"
    )
    form.add_argument(
        "-l", "--boots-with-matches", action="store_true", help="which boots match"
    )
    form.add_argument(
        "-o", "--only-matching", action="store_true", help="only what matched"
    )
    for letter, word in (("A", "after"), ("B", "before"), ("C", "around")):
        parser.add_argument(
            f"-{letter}",
            metavar="N",
            dest=word,
            type=amounts.natural,
            default=0,
            help=f"show N lines {word} each match",
        )


def _add_choice(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--boot",
        metavar="BOOT",
        type=boot_word,
        help=f"of each console: {choose.HELP}",
    )
    for word in choose.OUTCOMES:
        which.add_argument(
            f"--{word}", dest="boot", action="store_const", const=word, help="that boot"
        )
    which.add_argument(
        "--failed", action="store_true", help="only boots that failed or got stuck"
    )
    parser.add_argument("--since", metavar="TIME", help=when.HELP)
    parser.add_argument("--until", metavar="TIME", help="likewise")
    parser.add_argument("--stage", metavar="STAGE", help="only this stage of each boot")


def main(args: argparse.Namespace) -> int:
    """Search; the exit status is that of grep."""
    source = Source(args)
    chosen = source.choose(args.names, source.archived())
    choice = _choice(args, source, chosen)
    search = _search(args, choice)
    work = _Work(source.archive, choice, search, _form(args), as_json=args.json)
    with reading_archive():
        work.plan(chosen)
    return _print(work)


def _choice(args: argparse.Namespace, source: Source, chosen: list[str]) -> _Choice:
    """Ask the index what only it knows, if anything is wanted of it."""
    _check_stage(args.stage)
    now = time.time_ns() // 1000
    since, until = (when.parse_bound(text, now) for text in (args.since, args.until))
    boots = stages = None
    outcomes = choose.OUTCOMES.get(args.boot, BAD_OUTCOMES if args.failed else None)
    if outcomes is not None or args.stage is not None:
        with indexed(source, lambda _: chosen) as (index, _):
            if outcomes is not None:
                boots = _by_console(index.boots(chosen, outcomes=outcomes))
            if args.stage is not None:
                stages = _stages(index.events(chosen, kinds=["stage"]), args.stage)
    return _Choice(args.boot, boots, stages, since, until)


def _check_stage(word: str | None) -> None:
    if word is None:
        return
    stages = [stage.value for stage in Stage if stage is not Stage.UNKNOWN]
    if word not in stages:
        allowed = ", ".join(stages)
        raise CommandError(f"{word!r} is not a stage; allowed: {allowed}")


def _by_console(rows: Iterable[Mapping[str, object]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row in rows:
        found.setdefault(str(row["console"]), []).append(int(str(row["boot"])))
    return found


def _stages(
    events: Iterable[Mapping[str, object]], stage: str
) -> dict[tuple[str, int], list[range]]:
    """Return which lines of which boots were printed in a stage."""
    boots: dict[tuple[str, int], list[Mapping[str, object]]] = {}
    for event in events:
        key = str(event["console"]), int(str(event["boot"]))
        boots.setdefault(key, []).append(event)
    return {
        key: [span.lines for span in stage_spans(rows) if span.stage == stage]
        for key, rows in boots.items()
    }


def _search(args: argparse.Namespace, choice: _Choice) -> Search:
    try:
        pattern = Pattern(
            args.pattern, fixed=args.fixed_strings, ignore_case=args.ignore_case
        )
    except PatternError as error:
        shown = safe(args.pattern)
        caret = " " * len(safe(args.pattern[: error.position])) + "^"
        raise CommandError(f"{safe(error.reason)}\n{shown}\n{caret}") from None
    summary = args.count or args.boots_with_matches
    since, until = (
        None if stamp is None else when.format_when(stamp).encode()
        for stamp in (choice.since, choice.until)
    )
    return Search(
        pattern,
        invert=args.invert_match,
        before=0 if summary else args.before or args.around,
        after=0 if summary else args.after or args.around,
        since=since,
        until=until,
        stages=choice.stages,
        numbered=args.json and not summary,
    )


def _form(args: argparse.Namespace) -> Form:
    if args.count:
        return Form.COUNT
    if args.boots_with_matches:
        return Form.BOOTS
    return Form.PARTS if args.only_matching else Form.LINES


class _Choice(NamedTuple):
    """Which boots are searched."""

    boot: str | None
    """As a person says it."""
    boots: Mapping[str, Collection[int]] | None
    """Numbers by console that ended as wanted; None: however they ended."""
    stages: Mapping[tuple[str, int], Sequence[range]] | None
    since: int | None
    until: int | None
    """Stamps."""

    def of(self, segments: Sequence[Segment]) -> list[Segment]:
        """Return the segments of a console that are to be searched."""
        chosen = within(segments, self.since, self.until)
        if not chosen:
            return chosen
        console = chosen[0].console
        ended = None if self.boots is None else self.boots.get(console, ())
        if self.boot is not None:
            one = self._one(self.boot, boot_numbers(segments), ended)
            return [each for each in chosen if each.name.boot == one]
        if self.stages is not None:
            chosen = [e for e in chosen if self.stages.get((console, e.name.boot))]
        return chosen if ended is None else [e for e in chosen if e.name.boot in ended]

    def _one(
        self, word: str, numbers: Sequence[int], ended: Collection[int] | None
    ) -> int | None:
        try:
            return choose.choose_boot(word, numbers, lambda _: sorted(ended or ()))
        except choose.NoSuchBootError:
            return None


class _Job(NamedTuple):
    """A console, or some of its segments."""

    console: str
    segments: Sequence[Segment] | None = None
    """All of it, when they had to be listed to make jobs of them."""
    chosen: Sequence[Segment] = ()


class _Work:
    """The search as jobs; what they tell is what is to be printed."""

    def __init__(
        self,
        archive: Archive,
        choice: _Choice,
        search: Search,
        form: Form,
        *,
        as_json: bool,
    ) -> None:
        self.jobs: list[_Job] = []
        self.processes = archive.processes
        self._archive = archive
        self._choice = choice
        self._search = search
        in_groups = bool(search.before or search.after)
        self._printer = Printer(
            screen(), search.pattern, form, as_json=as_json, in_groups=in_groups
        )
        self.first = f"{self._printer.gap}\n".encode() if in_groups else b""
        """What the very first output begins with and should not."""

    def plan(self, consoles: Sequence[str]) -> None:
        """Make jobs: of consoles, or of their boots where there are few consoles."""
        if len(consoles) >= JOBS_PER_PROCESS * self.processes:
            self.jobs = [_Job(console) for console in consoles]
            return
        for console in consoles:
            segments = self._archive.segments(console)
            chosen = self._choice.of(segments)
            numbers = boot_numbers(chosen)
            for begin in range(0, len(numbers), BOOTS_PER_JOB):
                some = set(numbers[begin : begin + BOOTS_PER_JOB])
                part = [each for each in chosen if each.name.boot in some]
                self.jobs.append(_Job(console, segments, part))

    def do(self, number: int) -> Iterator[tuple[int, bytes]]:
        """Do a job."""
        job = self.jobs[number]
        segments, chosen = job.segments, job.chosen
        if segments is None:
            segments = self._archive.segments(job.console)
            chosen = self._choice.of(segments)
        faults: list[Fault] = []
        found = search_segments(segments, chosen, self._search, faults.append)
        for text in self._printer.blocks(job.console, found):
            yield _OUTPUT, text
        for fault in faults:
            yield _FAULT, str(fault).encode("utf-8", "replace")


def _print(work: _Work) -> Exit:
    """Print what the jobs tell, as they tell it."""
    damaged = matched = False
    progress = Progress("searching", len(work.jobs))
    output = sys.stdout.buffer
    try:
        for message in workers.run(len(work.jobs), work.do, work.processes):
            if message.kind == _OUTPUT:
                progress.clear()
                skipped = b"" if matched else work.first
                output.write(message.data.removeprefix(skipped))
                matched = True
                if sys.stdout.isatty():
                    output.flush()
            elif message.kind == _FAULT:
                damaged = True
                progress.clear()
                warn(message.data.decode("utf-8", "replace"))
            else:
                progress.step(work.jobs[message.job].console)
    finally:
        progress.clear()
    output.flush()
    if damaged:
        return Exit.USAGE
    return Exit.DONE if matched else Exit.NO
