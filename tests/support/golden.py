"""Reads a console log the way the daemon would, as text that people can review."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

from solrecd.boot.rulefiles import load_rules
from solrecd.events import Boot, Chunk, Event, Kind
from solrecd.interpreter import Interpreter


def rules_texts() -> dict[str, str]:
    """Return the packaged marker files by name, in order of priority."""
    folder = resources.files("solrecd.boot") / "markers"
    files = sorted(folder.iterdir(), key=lambda path: path.name)
    return {path.name: path.read_text("utf-8") for path in files}


RULES = load_rules(rules_texts())


def interpret(data: bytes, size: int) -> tuple[list[Event], list[Boot]]:
    """Read a log in pieces of `size` bytes."""
    interpreter = Interpreter(RULES, console="golden")
    readings = [
        interpreter.feed([Chunk(0, data[begin : begin + size])])
        for begin in range(0, len(data), size)
    ]
    readings.append(interpreter.finish())
    boots = {boot.boot: boot for reading in readings for boot in reading.boots}
    return [event for r in readings for event in r.events], list(boots.values())


def render(events: Sequence[Event], boots: Sequence[Boot]) -> str:
    """Write what was understood, one line for each event and boot."""
    lines = [_event(event) for event in events]
    lines += [
        f"boot {boot.boot} from {boot.cause}: {boot.outcome} at {boot.last_stage}, "
        f"kernel {boot.kernel}, {boot.failures} failures"
        for boot in boots
    ]
    return "\n".join(lines) + "\n"


def _event(event: Event) -> str:
    what = event.name
    if "detail" in event.fields:
        what += f"/{event.fields['detail']}"
    text = f"{event.boot}:{event.line} {event.kind} {what}"
    if event.kind is Kind.FAILURE:
        text += f" {event.severity}"
    text += f": {event.title}"
    known = ("function", "reason", "comm", "pid", "cpu", "taint")
    extra = [f"{key}={event.fields[key]}" for key in known if key in event.fields]
    return text + (f" [{', '.join(extra)}]" if extra else "")
