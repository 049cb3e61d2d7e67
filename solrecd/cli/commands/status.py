"""`solrecctl status`: everything known of a console, grouped."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from solrecd.api.client import quote
from solrecd.cli.program import Exit
from solrecd.cli.shared.output import OUTCOME, Colour, Screen, safe, screen
from solrecd.cli.shared.source import Source, asking

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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("names", metavar="NAMES", nargs="+")


def main(args: argparse.Namespace) -> int:
    """Show each console."""
    source, output = Source(args), screen()
    found = source.choose(args.names, source.recorded())
    for position, name in enumerate(found):
        with asking():
            status = source.daemon.get(f"/v1/consoles/{quote(name)}")
        if args.json:
            output.objects([status])
        else:
            _show(output, status, first=position == 0)
    return Exit.DONE


def _show(output: Screen, status: Mapping[str, Any], *, first: bool) -> None:
    if not first:
        output.line("")
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
