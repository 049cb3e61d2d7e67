"""How the differences of boots look on a screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from solrecd.cli.shared import when
from solrecd.cli.shared.output import Cell, Colour, Column, Screen, outcome, safe
from solrecd.events.stages import BOOT_STAGES

AHEAD = 15
"""Messages shown of what would have come next; ``--json`` has all."""

Object = dict[str, Any]


def show(output: Screen, found: Sequence[Mapping[str, Any]]) -> None:
    """Show objects as `objects` and `novel_objects` make them."""
    head, *changes = found
    boots = head["boots"]
    _show_head(output, head, boots)
    by_change = {
        key: list(its) for key, its in groupby(changes, lambda it: it["change"])
    }
    name = f"boot {boots[-1]['boot']}"
    for change, (title, part) in _PARTS.items():
        rows = by_change.get(change, [])
        if rows:
            of = f"{len(rows)} {'message' if len(rows) == 1 else 'messages'}"
            _title(output, title.format(boot=name, of=of))
            part(output, rows)
    if not changes:
        _title(output, _NOTHING[len(boots)])


_NOTHING = {
    1: "every message of this boot was printed by a good one, too",
    2: "both boots say the same, equally fast",
}


_LEAST_OF_BOOT = 33
"""Characters that each of two boots gets side by side; they fit 80 columns."""


def _show_head(
    output: Screen, head: Mapping[str, Any], boots: Sequence[Mapping[str, Any]]
) -> None:
    rows = [row for row in _head_rows(boots) if any(row["cells"])]
    columns = [Column(head["console"], lambda row: Cell(row["name"], Colour.QUIET))]
    for place, boot in enumerate(boots):
        columns.append(_head_column(place, f"BOOT {boot['boot']}"))
    if output.is_terminal:
        output.table(columns, rows)
    else:
        output.line("\t".join(column.title for column in columns))
        output.table(columns, rows)
    if "compared" in head:
        output.line(f"compared with {head['compared']} good boots of the archive")
    for boot in boots:
        if boot["gaps"]:
            text = f"boot {boot['boot']} has {boot['gaps']} gaps: part is not recorded"
            output.line(output.paint(text, Colour.WARNING))


def _head_column(place: int, title: str) -> Column:
    def cell(row: Mapping[str, Any]) -> Cell:
        text = row["cells"][place] or "-"
        if row["name"] == "outcome":
            return outcome(text)
        slow = place and row["slow"]
        return Cell(text, Colour.WARNING if slow else Colour.PLAIN)

    return Column(title, cell, least=_LEAST_OF_BOOT)


def _head_rows(boots: Sequence[Mapping[str, Any]]) -> list[Object]:
    rows = [
        _row("started", [when.short(boot["started"]) for boot in boots]),
        _row("kernel", [boot["kernel"] or "" for boot in boots]),
        _row("outcome", [boot["outcome"] for boot in boots]),
        _row("reached", [boot["last_stage"] for boot in boots]),
        _row("failure", [boot["title"] or "" for boot in boots]),
    ]
    rows.append(_row("cmdline", _own_words([boot["cmdline"] for boot in boots])))
    for key in sorted({key for boot in boots for key in boot["facts"]}):
        values = [boot["facts"].get(key, "") for boot in boots]
        if all(values) and len(set(values)) > 1:
            rows.append(_row(key, values))
    rows += [_stage_row(stage, boots) for stage in BOOT_STAGES]
    return rows


def _own_words(texts: Sequence[str | None]) -> list[str]:
    """Return of each text the words that not all of them have."""
    if not all(texts):
        return [""] * len(texts)
    words = [(text or "").split() for text in texts]
    common = set.intersection(*map(set, words))
    return [" ".join(word for word in each if word not in common) for each in words]


def _row(name: str, cells: Sequence[str], *, slow: bool = False) -> Object:
    return {"name": name, "cells": cells, "slow": slow}


def _stage_row(stage: str, boots: Sequence[Mapping[str, Any]]) -> Object:
    took = [boot["took"].get(stage) for boot in boots]
    cells = [
        "" if stage not in boot["stages"] else "…" if its is None else f"{its:.1f} s"
        for boot, its in zip(boots, took, strict=True)
    ]
    before, after = took[0], took[-1]
    slow = before is not None and after is not None and after > max(2 * before, 1.0)
    return _row(stage, cells, slow=slow)


def _title(output: Screen, text: str) -> None:
    output.line("")
    output.line(output.paint(safe(text), Colour.TITLE))


def _show_slower(output: Screen, rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows:
        before, after = row["seconds"]
        times = output.paint(f"{before:8.1f} s -> {after:.1f} s", Colour.WARNING)
        output.line(f"{times}  {row['stage']}")
        quiet = [
            ("from", "begin"),
            ("longest pause after", "pause_after"),
            ("to", "end"),
        ]
        for word, key in quiet:
            output.line(f"          {word}: {safe(row[key])}")


def _signed(sign: str, colour: Colour, limit: int | None = None) -> Any:
    def show_rows(output: Screen, rows: Sequence[Mapping[str, Any]]) -> None:
        for stage, its in groupby(rows[:limit], lambda row: row["stage"]):
            output.line(output.paint(f"  {stage}", Colour.QUIET))
            for row in its:
                output.line(output.paint(_line(sign, row), colour))
        if limit is not None and len(rows) > limit:
            more = f"  ... and {len(rows) - limit} more"
            output.line(output.paint(more, Colour.QUIET))

    return show_rows


def _line(sign: str, row: Mapping[str, Any]) -> str:
    after = "" if row["after"] is None else f"{row['after']:.3f}"
    times = f"  (x{row['times']})" if row["times"] > 1 else ""
    if row["other_times"]:
        times = f"  (x{row['times']}, otherwise x{row['other_times']})"
    return f"{sign} {after:>10}  {safe(row['text'])}{times}"


_PARTS = {
    "slower": ("slower in {boot}", _show_slower),
    "new": ("new in {boot}: {of}", _signed("+", Colour.GOOD)),
    "novel": ("no good boot ever printed: {of}", _signed("+", Colour.BAD)),
    "more": ("far more often in {boot}: {of}", _signed("+", Colour.GOOD)),
    "missing": ("missing in {boot}: {of}", _signed("-", Colour.BAD)),
    "less": ("far less often in {boot}: {of}", _signed("-", Colour.BAD)),
    "ahead": (
        "{boot} ends here, the other went on: {of}",
        _signed(">", Colour.QUIET, AHEAD),
    ),
}
