"""`solrecctl tail`: the last lines of consoles, then what comes.

A line is marked as in the archive, ``|`` console and ``#`` recorder; ``!`` is an event
and ``~`` a line that has no end yet.
"""

from __future__ import annotations

import argparse
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Any

from solrecd.api.client import UnreachableError
from solrecd.cli.program import Exit
from solrecd.cli.shared import amounts
from solrecd.cli.shared.output import SEVERITY, Colour, Screen, safe, screen, warn
from solrecd.cli.shared.read_reports import Faults
from solrecd.cli.shared.source import Source, asking, reading_archive
from solrecd.storage.history.follow import Follower
from solrecd.storage.history.text import TextLine, read_lines

DEFAULT_LINES = 20
"""Lines of each console that are shown first, as conserver does."""

POLL = 0.25
"""Seconds between two looks at the files, as often as the recorder writes them."""

QUIET = 0.5
"""Seconds that an unfinished line of a file does not change before it is shown."""

_PALETTE = ("36", "32", "35", "34", "33", "96", "92", "95", "94", "93")
"""SGR colours of console names; red is kept for failures."""

_SEVERITY = {**SEVERITY, "info": Colour.GOOD}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("names", metavar="NAMES", nargs="+")
    parser.add_argument(
        "-f", "--follow", action="store_true", help="follow until Ctrl-C"
    )
    parser.add_argument(
        "-n",
        metavar="N",
        type=amounts.natural,
        dest="lines",
        default=DEFAULT_LINES,
        help="lines of each console to begin with (default: %(default)s)",
    )


def main(args: argparse.Namespace) -> int:
    """Show the lines; exit status 1 when there are none."""
    source = Source(args)
    if source.is_distant and args.follow:
        return _follow_distant(args, source)
    live = args.follow and _daemon_answers(source)
    chosen = source.choose(args.names, source.recorded() if live else source.archived())
    view = _View(screen(), chosen, as_json=args.json)
    faults = Faults()
    closed = _Closed(source, faults)
    with ExitStack() as files:
        followers = {
            name: files.enter_context(closing(Follower(source.log_dir / name)))
            for name in chosen
        }
        count = _show_last(view, followers, args.lines, closed)
        if args.follow and not live:
            _follow_files(view, followers)
    if live:
        _follow_daemon(view, source, chosen)
    return faults.status if count else Exit.NO


def _follow_distant(args: argparse.Namespace, source: Source) -> int:
    """Show what the daemon remembers of consoles, and go on."""
    chosen = source.choose(args.names, source.recorded())
    _follow_daemon(_View(screen(), chosen, as_json=args.json), source, chosen)
    return Exit.DONE


def _daemon_answers(source: Source) -> bool:
    if source.is_folder:
        return False
    try:
        source.daemon.get("/v1/version")
    except UnreachableError as error:
        warn(f"{error}; following the files instead")
        return False
    return True


def _show_last(
    view: _View, followers: Mapping[str, Follower], count: int, closed: _Closed
) -> int:
    found = [
        (name, line)
        for name, follower in followers.items()
        for line in follower.last(count) or closed(name, count)
    ]
    for name, line in sorted(found, key=lambda each: each[1].time):
        view.line(name, line.time, line.text, note=line.note)
    for name, follower in followers.items():
        if follower.unfinished is not None:
            view.unfinished(name, follower.unfinished.time, follower.unfinished.text)
    view.flush()
    return len(found)


class _Closed:
    """The last lines of consoles that are not recorded any more."""

    def __init__(self, source: Source, faults: Faults) -> None:
        self._source = source
        self._faults = faults

    def __call__(self, name: str, count: int) -> Iterable[TextLine]:
        """Return the last lines of the newest segment."""
        with reading_archive():
            newest = self._source.archive.segments(name)[-1:]
        return deque(read_lines(newest, self._faults), count)


def _follow_files(view: _View, followers: Mapping[str, Follower]) -> None:
    quiet = {name: _Quiet() for name in followers}
    while True:
        for name, follower in followers.items():
            for line in follower.new():
                view.line(name, line.time, line.text, note=line.note)
            unfinished = quiet[name].look(follower.unfinished, time.monotonic())
            if unfinished is not None:
                view.unfinished(name, unfinished.time, unfinished.text)
        view.flush()
        time.sleep(POLL)


class _Quiet:
    """Waits until an unfinished line stops changing: a user may be typing in it."""

    def __init__(self) -> None:
        self._line: TextLine | None = None
        self._since = 0.0

    def look(self, line: TextLine | None, now: float) -> TextLine | None:
        """Return the line when it has been the same for `QUIET` seconds."""
        if line != self._line:
            self._line, self._since = line, now
        return line if now - self._since >= QUIET else None


def _follow_daemon(view: _View, source: Source, chosen: Sequence[str]) -> None:
    shown = view.shown()
    with asking():
        for item in source.daemon.stream("/v1/tail", names=",".join(chosen)):
            if "missed" in item:
                warn(f"{item['missed']} lines were missed: this client is too slow")
            elif "text" not in item:
                view.event(item)
            elif item.get("unfinished"):
                view.unfinished(item["console"], item["time"], item["text"])
            elif shown.is_new(item["console"], item["time"], item["text"]):
                view.line(item["console"], item["time"], item["text"], note=False)
            view.flush()


class _Shown:
    """What was shown of each console last: the daemon begins with recent lines too."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[str, set[str]]] = {}

    def add(self, console: str, at: str, text: str) -> None:
        """Remember a line; a packet's lines share one time."""
        last, texts = self._last.get(console, ("", set()))
        if at > last:
            last, texts = at, set()
        texts.add(text)
        self._last[console] = last, texts

    def is_new(self, console: str, at: str, text: str) -> bool:
        """Whether a line was not among those."""
        last, texts = self._last.get(console, ("", set()))
        return at > last or (at == last and text not in texts)


class _View:
    """Formats what consoles say, with their names where there are several."""

    def __init__(
        self, output: Screen, consoles: Sequence[str], *, as_json: bool
    ) -> None:
        self._output = output
        self._as_json = as_json
        self._before = _Shown()
        self._unfinished: dict[str, tuple[str, str]] = {}
        width = max(map(len, consoles), default=0)
        self._names = {
            name: self._painted_name(name, width, position)
            for position, name in enumerate(consoles)
            if len(consoles) > 1
        }

    def _painted_name(self, name: str, width: int, position: int) -> str:
        colour = _PALETTE[position % len(_PALETTE)]
        return self._output.paint(f"{safe(name):{width}} ", colour)

    def shown(self) -> _Shown:
        """Return what was shown until now."""
        return self._before

    def line(self, console: str, at: str, text: str, *, note: bool) -> None:
        """Show a line of a console or a note of the recorder's."""
        if not note:
            self._before.add(console, at, text)
            self._unfinished.pop(console, None)
        if self._as_json:
            found = {"console": console, "time": at, "text": text, "note": note}
            self._output.objects([found])
            return
        mark = self._mark(at, "#" if note else "|")
        colour = Colour.WARNING if note else Colour.PLAIN
        self._write(console, f"{mark} {self._output.paint(safe(text), colour)}")

    def unfinished(self, console: str, at: str, text: str) -> None:
        """Show a line that has no end yet: a prompt, a question; each state once."""
        if self._unfinished.get(console) == (at, text):
            return
        self._unfinished[console] = at, text
        if self._as_json:
            found = {"console": console, "time": at, "text": text, "note": False}
            self._output.objects([found | {"unfinished": True}])
            return
        mark = self._mark(at, "~")
        self._write(console, f"{mark} {safe(text)}")

    def event(self, event: Mapping[str, Any]) -> None:
        """Show what the recorder understood."""
        if self._as_json:
            self._output.objects([event])
            return
        mark = self._mark(event["time"], "!")
        text = safe(f"{event['kind']} {event['name']}: {event['title']}")
        colour = _SEVERITY.get(event["severity"], Colour.PLAIN)
        self._write(event["console"], f"{mark} {self._output.paint(text, colour)}")

    def flush(self) -> None:
        """Let the reader see it."""
        self._output.flush()

    def _mark(self, at: str, mark: str) -> str:
        return self._output.paint(f"{self._output.time(at)} {mark}", Colour.QUIET)

    def _write(self, console: str, text: str) -> None:
        self._output.line(self._names.get(console, "") + text)
