"""A console in a few lines, for a terminal: as `systemctl status` shows a unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from solrecd.api.console_objects import is_unseen
from solrecd.cli.shared import when
from solrecd.cli.shared.output import OUTCOME, Colour, Screen, safe
from solrecd.cli.shared.sessions import next_try

Status = Mapping[str, Any]
"""The daemon's object of a console."""

_LABEL = 13
"""Columns of the labels, which stand at the right of them."""

_DOT = "\N{BLACK CIRCLE}"


def show(output: Screen, status: Status, lines: Sequence[str], now: str) -> None:
    """Write a console.

    Args:
        output: where to.
        status: of the console.
        lines: the end of what it printed.
        now: a time of the contract.
    """
    dot = output.paint(_DOT, _colour(status))
    name = output.paint(safe(status["console"]), Colour.TITLE)
    machine = status.get("machine")
    output.line(f"{dot} {name}{f' ({safe(machine)})' if machine else ''}")
    for label, text in _rows(status, now):
        output.line(f"{label:>{_LABEL}}: {safe(text)}")
    if lines:
        output.line("")
    for line in lines:
        output.line(safe(line))


def _colour(status: Status) -> Colour:
    if status["session"] != "up":
        return Colour.BAD
    return OUTCOME.get(status["outcome"] or "", Colour.GOOD)


def _rows(status: Status, now: str) -> Iterator[tuple[str, str]]:
    """Yield what there is to say, with its label."""
    yield "Session", _since(status["session"], status["since"], now)
    if status["error"]:
        yield "Error", f"{status['error']}{next_try(status, now)}"
    if where := _where(status):
        yield "Console", where
    yield "Boot", _boot(status, now)
    if status.get("title"):
        yield "Failure", status["title"]
    if status.get("acknowledged"):
        yield "Acknowledged", _words(status["acknowledged"])
    yield "Power", status["power"]
    yield "Output", _output(status, now)
    if status["viewers"]:
        yield "Attached", str(status["viewers"])
    if status["labels"]:
        yield "Labels", _words(status["labels"])


def _since(what: str, time: str | None, now: str) -> str:
    if time is None:
        return what
    ago = when.duration(when.seconds_between(time, now))
    return f"{what} since {when.short(time)}; {ago} ago"


def _where(status: Status) -> str:
    """Return how the console is reached; no secret is in a status."""
    places = [
        status[key] for key in ("bmc", "host", "address", "path") if key in status
    ]
    as_whom = f" as {status['username']}" if status.get("username") else ""
    kind = status.get("kind", "")
    return " ".join([str(kind), *map(str, places[:1])]).strip() + as_whom


def _boot(status: Status, now: str) -> str:
    if status["boot"] is None:
        return "none recorded yet"
    if is_unseen(status):
        return f"{status['boot']}, running, boot not seen"
    stage = _since(f"stage {status['stage']}", status["stage_since"], now)
    return f"{status['boot']}, {status['outcome']}, {stage}"


def _output(status: Status, now: str) -> str:
    if status["last_output"] is None:
        return "none yet"
    text = _since("last", status["last_output"], now).replace("last since", "last at")
    gaps = status.get("gaps") or 0
    return f"{text}, {gaps} gap{'' if gaps == 1 else 's'}"


def _words(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={each}" for key, each in value.items())
    return str(value)
