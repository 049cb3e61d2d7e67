"""`solrecctl status`: a console in a few lines; everything by -v and to a pipe."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from solrecd.api.client import quote
from solrecd.cli.program import Exit
from solrecd.cli.shared import amounts, when
from solrecd.cli.shared.output import OUTCOME, Colour, Screen, paged, safe, screen
from solrecd.cli.shared.source import Source, asking
from solrecd.cli.shared.status_summary import show as show_summary
from solrecd.storage.history.follow import Follower

_GROUPS: Mapping[str, tuple[str, ...]] = {
    "session": (
        *("kind", "session", "since", "error", "next_try"),
        *("bmc", "username", "path", "address", "power"),
    ),
    "boot": ("boot", "stage", "stage_since", "outcome"),
    "console": ("last_output", "viewers", "labels"),
}
"""Which keys stand together, in this order; what is in none comes last."""

_INDENT = "  "

_LINES = 5
"""Last lines that are shown unless another number is given."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("names", metavar="NAMES", nargs="+")
    parser.add_argument(
        "-n",
        dest="lines",
        type=amounts.natural,
        default=_LINES,
        metavar="LINES",
        help="last lines of output to show (default: %(default)s)",
    )
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="everything known of the console; so without a terminal",
    )


def main(args: argparse.Namespace) -> int:
    """Show each console."""
    source = Source(args)
    found = source.choose(args.names, source.recorded())
    if args.json:
        for name in found:
            screen().objects([_asked(source, name)])
        return Exit.DONE
    with paged() as output:
        for position, name in enumerate(found):
            status = _asked(source, name)
            if position:
                output.line("")
            if args.verbose or not output.is_terminal:
                _show(output, status)
            else:
                now = when.format_when(time.time_ns() // 1000)
                show_summary(output, status, _last(source, name, args.lines), now)
    return Exit.DONE


def _asked(source: Source, name: str) -> Mapping[str, Any]:
    with asking():
        status: Mapping[str, Any] = source.daemon.get(f"/v1/consoles/{quote(name)}")
    return status


def _last(source: Source, name: str, count: int) -> Sequence[str]:
    """Return the last lines of a console whose archive this user can read here."""
    if source.is_distant or not count:
        return ()
    try:
        with closing(Follower(source.log_dir / name)) as follower:
            lines = [
                f"# {it.text}" if it.note else it.text for it in follower.last(count)
            ]
            if follower.unfinished is not None:
                lines.append(follower.unfinished.text)
    except OSError:
        return ()
    return lines[-count:]


def _show(output: Screen, status: Mapping[str, Any]) -> None:
    output.line(output.paint(safe(status["console"]), Colour.TITLE))
    rest = {key: value for key, value in status.items() if key != "console"}
    for keys in _GROUPS.values():
        group = {key: rest.pop(key) for key in keys if key in rest}
        _show_group(output, group, _INDENT)
    _show_group(output, rest, _INDENT)


def _show_group(output: Screen, group: Mapping[str, Any], indent: str) -> None:
    width = max((len(key) for key in group), default=0)
    for key, value in group.items():
        label = output.paint(f"{safe(key):{width}}", Colour.QUIET)
        if isinstance(value, dict) and any(_lines_in(value)):
            output.line(f"{indent}{label}".rstrip())
            _show_group(output, value, indent + _INDENT)
        else:
            output.line(f"{indent}{label}  {_painted(output, key, value)}")


def _lines_in(value: Mapping[str, Any]) -> Iterator[bool]:
    """Tell whether a table is too much for one line."""
    yield len(value) > 4
    yield any(isinstance(each, dict | list) for each in value.values())


def _painted(output: Screen, key: str, value: object) -> str:
    text = safe(_text(value))
    if key == "error":
        return output.paint(text, Colour.BAD)
    return output.paint(text, OUTCOME.get(text, Colour.PLAIN))


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_text(each)}" for key, each in value.items()) or "-"
    if isinstance(value, list):
        return ", ".join(map(_text, value)) or "-"
    return str(value)
