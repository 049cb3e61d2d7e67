"""How fast console output is understood, in MB per CPU second.

The output is that of real machines: the boots that the simulated BMCs replay, again and
again, or the console logs (``*.log``) in the folder that ``$SOLRECD_CORPUS`` names.
Compares, in one run on the same bytes: text alone, text and markers (the interpreter),
the whole of ``scan``, and a plain ``re`` alternation of the same rules, line by line,
which is what most tools do.
"""

from __future__ import annotations

import gc
import io
import os
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from bench.figures import Figure
from solrecd.boot.rules import RuleSet, Scope
from solrecd.cli.scan import packaged_rules, scan
from solrecd.events import Chunk
from solrecd.interpreter import Interpreter
from solrecd.simbmc import captures
from solrecd.text import Assembler

CHUNK = 1 << 16
LIMIT = 8_000_000
PLAIN = 500_000  # enough to know the speed of something this slow


def measure(_directory: Path) -> Iterable[Figure]:
    """Yield the figures; takes half a minute."""
    folder = os.environ.get("SOLRECD_CORPUS")
    data = _logs(Path(folder)) if folder else _captures()
    # What is promised is promised for logs at large: in the captures every other line
    # is a marker or an escape sequence.
    goal = 10 if folder else None
    rules = packaged_rules()
    gc.disable()
    ways: list[tuple[str, float | None, Callable[[], object]]] = [
        ("text alone", None, lambda: _text(data)),
        ("text and markers", goal, lambda: _interpret(data, rules)),
        ("scan", None, lambda: list(scan(io.BytesIO(data), "bench", rules))),
    ]
    for name, wanted, way in ways:
        speed = _speed(len(data), way)
        yield Figure(f"interpret, {name}", speed, "MB/s", wanted, more_is_better=True)
    share = data[:PLAIN]
    plain = _speed(len(share), lambda: _plain(share, rules))
    yield Figure("interpret, plain re line by line", plain, "MB/s")
    gc.enable()


def _logs(folder: Path) -> bytes:
    logs = sorted(path for path in folder.rglob("*.log") if path.is_file())
    return b"\n".join(path.read_bytes() for path in logs)[:LIMIT]


def _captures() -> bytes:
    boots = b"".join(captures.load(name).data for name in captures.NAMES)
    return (boots * (LIMIT // len(boots) + 1))[:LIMIT]


def _speed(size: int, way: Callable[[], object]) -> float:
    """Return MB per CPU second, the better of two runs."""
    best = 0.0
    for _ in range(2):
        begin = time.process_time()
        way()
        best = max(best, size / 1e6 / (time.process_time() - begin))
    return best


def _chunks(data: bytes) -> list[list[Chunk]]:
    return [
        [Chunk(0, data[begin : begin + CHUNK])] for begin in range(0, len(data), CHUNK)
    ]


def _text(data: bytes) -> None:
    assembler = Assembler()
    for chunks in _chunks(data):
        assembler.feed(chunks)


def _interpret(data: bytes, rules: RuleSet) -> None:
    interpreter = Interpreter(rules, console="bench")
    for chunks in _chunks(data):
        interpreter.feed(chunks)
    interpreter.finish()


def _plain(data: bytes, rules: RuleSet) -> int:
    """Do what a list of regular expressions does: try them all on each line."""
    patterns = [
        re.sub(r"\(\?P<\w+>", "(?:", rule.pattern)
        for rule in rules.rules
        if rule.scope is not Scope.PROMPT
    ]
    search = re.compile(
        "|".join(f"(?:{p})" for p in patterns if "(?m)" not in p)
    ).search
    lines = data.decode("utf-8", "replace").split("\n")
    return sum(search(line) is not None for line in lines)
