"""`solrecctl reload`: reload the daemon's configuration and show what changed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from solrecd.api.client import ApiError
from solrecd.cli.program import Exit
from solrecd.cli.shared.output import Cell, Colour, Column, Screen, safe, screen, warn
from solrecd.cli.shared.source import Source, asking

TIMEOUT = 60.0
"""Seconds: two to close sessions, 40 where a disk hangs, some for a busy machine."""

_SHOWN = 60
"""Characters of a host range on a terminal; ``--json`` and pipes have it whole."""

_REFUSED = 409

_COLOURS: Mapping[str, Colour] = {
    "start": Colour.GOOD,
    "stop": Colour.BAD,
    "restart": Colour.WARNING,
    "update": Colour.QUIET,
}
"""What is done to consoles, in the order shown."""

_NEXT_START = "takes effect at the next start (systemctl restart keeps the sessions)"


class _Change(NamedTuple):
    """What happens to some consoles, for one reason."""

    action: str
    consoles: str
    """A host range."""
    reason: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = """\
Unchanged consoles keep their sessions. A configuration with mistakes changes
nothing; all mistakes are reported.

exit status: 0 done, 1 (--dry-run) nothing would change, 2 the configuration has
mistakes"""
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help="only show what would change"
    )


def main(args: argparse.Namespace) -> int:
    """Reload, or say what a reload would do."""
    query = {"dry_run": "1"} if args.dry_run else {}
    output = screen()
    with asking():
        try:
            plan = Source(args).daemon.post("/v1/reload", timeout=TIMEOUT, **query)
        except ApiError as error:
            if error.status != _REFUSED:
                raise
            return _refused(output, error, as_json=args.json)
    if args.json:
        output.objects([plan])
    else:
        _show(output, plan)
    return Exit.NO if args.dry_run and not _changes_anything(plan) else Exit.DONE


def _refused(output: Screen, error: ApiError, *, as_json: bool) -> int:
    """Tell all mistakes as ``solrecd check`` does; nothing has changed."""
    if as_json:
        output.objects(error.answer.get("problems", []))
    for line in str(error).splitlines():
        print(safe(line), file=sys.stderr)
    warn("nothing was changed; see above")
    return Exit.USAGE


def _show(output: Screen, plan: Mapping[str, Any]) -> None:
    output.table(_columns(output), [change._asdict() for change in _changes(plan)])
    if output.is_terminal:
        output.line(output.paint(_summary(plan), Colour.TITLE))
    for line in _beside_consoles(plan):
        warn(line)


def _columns(output: Screen) -> list[Column]:
    most = _SHOWN if output.is_terminal else sys.maxsize
    return [
        Column("DO", lambda row: Cell(row["action"], _COLOURS[row["action"]])),
        Column("CONSOLES", lambda row: Cell(_shortened(row["consoles"], most))),
        Column("WHY", lambda row: Cell(row["reason"])),
    ]


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _changes(plan: Mapping[str, Any]) -> Iterator[_Change]:
    """Yield consoles that share what is done to them and why, as ranges."""
    # Imported here: ClusterShell takes longer than asking the daemon.
    from solrecd.config.names import fold_names  # noqa: PLC0415

    for action in _COLOURS:
        by_reason: dict[str, list[str]] = {}
        for name in plan[action]:
            by_reason.setdefault(plan["reasons"].get(name, ""), []).append(name)
        for reason, names in by_reason.items():
            yield _Change(action, fold_names(names), reason)


def _changes_anything(plan: Mapping[str, Any]) -> bool:
    return bool(plan["stages"] or plan.get("access")) or any(
        plan[action] for action in _COLOURS
    )


def _summary(plan: Mapping[str, Any]) -> str:
    kept = f"{plan['keep']} stay as they are"
    if plan["update"]:
        kept = f"{plan['keep']} stay, {len(plan['update'])} of them with new settings"
    if not any(plan[action] for action in _COLOURS):
        return f"no console changes; {kept}"
    verbs = ("would start", "stop", "restart")
    if not plan["dry_run"]:
        verbs = ("started", "stopped", "restarted")
    counts = (len(plan[action]) for action in ("start", "stop", "restart"))
    done = ", ".join(f"{verb} {n}" for verb, n in zip(verbs, counts, strict=True))
    took = "" if plan["dry_run"] else f" ({plan['seconds']:.1f} s)"
    return f"{done}; {kept}{took}"


def _beside_consoles(plan: Mapping[str, Any]) -> Iterator[str]:
    if plan["stages"]:
        yield "[stages.timeout] changed: in effect now, for all boots"
    if plan.get("access"):
        yield "[access] changed: in effect now, also for attached users"
    if plan["daemon"]:
        yield f"[daemon] {', '.join(plan['daemon'])}: {_NEXT_START}"
