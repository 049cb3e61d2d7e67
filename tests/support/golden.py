"""Reads a console log the way the daemon would, as text that people can review."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from solrecd.analysis.boot.rulefiles import load_rules
from solrecd.analysis.interpreter import Interpreter
from solrecd.events.boots import Boot
from solrecd.events.event import Event, Kind
from solrecd.events.lines import Chunk, Line
from solrecd.simbmc import captures

WHOLE = 1 << 20
"""Bytes; all of these logs are smaller."""

GOLDEN = Path(__file__).parents[1] / "golden"
FAMILIES = GOLDEN / "families"
"""A log for each file of packaged markers, ``NAME.log`` or ``NAME.what.log``."""

NOT_MARKERS = frozenset({"95-frames.toml"})


def rules_texts() -> dict[str, str]:
    """Return the packaged marker files by name, in order of priority."""
    folder = resources.files("solrecd.analysis.boot") / "markers"
    files = sorted(folder.iterdir(), key=lambda path: path.name)
    return {path.name: path.read_text("utf-8") for path in files}


RULES = load_rules(rules_texts())


class Case(NamedTuple):
    """Something that consoles printed, and what is to be understood of it."""

    name: str
    data: bytes
    expected: Path


def cases() -> Iterator[Case]:
    """Yield the logs beside the expectations, and the recorded boots."""
    for log in sorted([*GOLDEN.glob("*.log"), *FAMILIES.glob("*.log")]):
        yield Case(log.stem, log.read_bytes(), log.with_suffix(".golden"))
    for name in captures.NAMES:
        expected = GOLDEN / "captures" / f"{name}.golden"
        yield Case(name, captures.load(name).data, expected)


def interpret(data: bytes, size: int) -> tuple[list[Event], list[Boot]]:
    """Read a log in pieces of `size` bytes."""
    events, boots, _ = _interpret(data, size)
    return events, boots


def understood(data: bytes, size: int = WHOLE) -> str:
    """Return what is understood of a log, read in pieces of `size` bytes."""
    return render(*_interpret(data, size))


def _interpret(data: bytes, size: int) -> tuple[list[Event], list[Boot], Line | None]:
    interpreter = Interpreter(RULES, console="golden")
    readings = [
        interpreter.feed([Chunk(0, data[begin : begin + size])])
        for begin in range(0, len(data), size)
    ]
    readings.append(interpreter.idle(0))
    shell = interpreter.shell
    readings.append(interpreter.finish())
    boots = {boot.boot: boot for reading in readings for boot in reading.boots}
    return [e for reading in readings for e in reading.events], [*boots.values()], shell


def render(
    events: Sequence[Event], boots: Sequence[Boot], shell: Line | None = None
) -> str:
    """Write what was understood, one line for each event and boot."""
    lines = [_event(event) for event in events]
    lines += [
        f"boot {boot.boot} from {boot.cause}: {boot.outcome} at {boot.last_stage}, "
        f"kernel {boot.kernel}, {boot.failures} failures"
        for boot in boots
    ]
    lines += [] if shell is None else [f"a shell waits: {shell.text}"]
    return "\n".join(lines) + "\n"


def _event(event: Event) -> str:
    what = event.name
    if "detail" in event.fields:
        what += f"/{event.fields['detail']}"
    text = f"{event.boot}:{event.line} {event.kind} {what}"
    if event.kind is Kind.FAILURE:
        text += f" {event.severity}"
    text += f" <{event.fields.get('rule', '-')}>: {event.title}"
    known = ("function", "reason", "comm", "pid", "cpu", "taint")
    extra = [f"{key}={event.fields[key]}" for key in known if key in event.fields]
    return text + (f" [{', '.join(extra)}]" if extra else "")
