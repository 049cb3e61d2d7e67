"""`solrecctl doctor`: why a console is silent or not recorded, and the remedy."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from typing import Any, Final

from solrecd.api.client import quote
from solrecd.cli.program import Exit
from solrecd.cli.shared.confirmation import is_agreed, require_terminal
from solrecd.cli.shared.console_requests import TIMEOUT
from solrecd.cli.shared.output import Colour, Screen, safe, screen, warn
from solrecd.cli.shared.source import Source, asking

_COLOURS: Final = {"ok": Colour.GOOD, "warn": Colour.WARNING, "bad": Colour.WORSE}
_CHECK: Final = 15
"""Characters of the longest name of a check: lines are written before all are known."""
_CURABLE: Final = frozenset({"session", "sol", "bit rate"})
"""Checks that can be bad and are not any more once everything is set."""
_INDENT: Final = " " * 7


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("names", metavar="NAMES", nargs="+")
    parser.add_argument(
        "--fix",
        action="store_true",
        help="correct the BMC's SoL parameters, after asking",
    )
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")


def main(args: argparse.Namespace) -> int:
    """Examine consoles one after the other; exit status 1 when something is bad."""
    source = Source(args)
    if args.fix and not args.yes:
        require_terminal()
    is_bad = False
    for name in source.choose(args.names, source.recorded()):
        bad = _examine(source, name, as_json=args.json)
        if args.fix:
            bad = _fix(source, name, args, bad)
        is_bad = is_bad or bool(bad)
    return Exit.NO if is_bad else Exit.DONE


def _examine(source: Source, name: str, *, as_json: bool) -> set[str]:
    """Examine one console; return what is bad."""
    output, bad = screen(), set()
    if not as_json:
        output.line(output.paint(safe(name), Colour.TITLE))
    with asking():
        for row in source.daemon.stream(f"/v1/consoles/{quote(name)}/doctor"):
            if row["verdict"] == "bad":
                bad.add(row["check"])
            if as_json:
                output.objects([row])
            else:
                _show(output, row)
            output.flush()
    return bad


def _fix(
    source: Source, name: str, args: argparse.Namespace, bad: set[str]
) -> set[str]:
    """Set the BMC's parameters; return what is still bad."""
    proposals = _post(source, name)
    if not proposals:
        warn(f"{name}: nothing to set from here")
        return bad
    if not args.json:
        _show_proposals(proposals)
    if not (args.yes or is_agreed("  set that? [y/N]")):
        warn(f"{name}: nothing was set")
        return bad
    numbers = ",".join(str(each["parameter"]) for each in proposals)
    treated = _post(source, name, parameters=numbers)
    _show_treated(name, treated, as_json=args.json)
    problems = {each["what"] for each in treated if each["problem"]}
    return problems or bad - _CURABLE


def _show_proposals(proposals: Iterable[Mapping[str, Any]]) -> None:
    output = screen()
    output.line("  to be set at the BMC (this restarts the session):")
    for each in proposals:
        output.line(f"    {_words(each)}")
    output.flush()


def _post(source: Source, name: str, **query: str) -> list[dict[str, Any]]:
    path = f"/v1/consoles/{quote(name)}/doctor"
    with asking():
        found: list[dict[str, Any]] = source.daemon.post(path, timeout=TIMEOUT, **query)
    return found


def _words(change: Mapping[str, Any]) -> str:
    return safe(f"{change['what']}: {change['current']} -> {change['new']}")


def _show_treated(
    name: str, treated: Iterable[Mapping[str, Any]], *, as_json: bool
) -> None:
    output = screen()
    if as_json:
        output.objects({"console": name, "check": "fix", **each} for each in treated)
        return
    for each in treated:
        verdict = "bad" if each["problem"] else "ok"
        painted = output.paint(f"{verdict:4}", _COLOURS[verdict])
        reason = f" ({safe(each['problem'])})" if each["problem"] else ""
        output.line(f"  {painted} {'set':{_CHECK}} {_words(each)}{reason}")


def _show(output: Screen, row: Mapping[str, Any]) -> None:
    verdict = output.paint(f"{row['verdict']:4}", _COLOURS[row["verdict"]])
    output.line(f"  {verdict} {row['check']:{_CHECK}} {safe(row['text'])}")
    if row["cure"]:
        output.line(f"{_INDENT}{'':{_CHECK}} -> {safe(row['cure'])}")
    _show_details(output, row["details"])


def _show_details(output: Screen, lines: Iterable[str]) -> None:
    for line in lines:
        output.line(f"{_INDENT}{'':{_CHECK}} {output.paint(safe(line), Colour.QUIET)}")
