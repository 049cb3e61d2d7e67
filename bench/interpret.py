"""How fast console output is understood, in MB per CPU second.

    python bench/interpret.py [FOLDER]

FOLDER holds console logs (``*.log``, searched recursively); without it, or without
``../shared/corpus``, output is generated. Compares, in one run on the same bytes:
text alone, text and markers (the interpreter), the whole of ``scan``, and a plain
``re`` alternation of the same rules, line by line, which is what most tools do.
"""

from __future__ import annotations

import gc
import io
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

from solrecd.boot.rules import RuleSet, Scope
from solrecd.cli.scan import packaged_rules, scan
from solrecd.events import Chunk
from solrecd.interpreter import Interpreter
from solrecd.text import Assembler

CHUNK = 1 << 16
LIMIT = 8_000_000
PLAIN = 500_000  # enough to know the speed of something this slow
CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"


def main() -> None:
    """Measure, and print one line per way."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else CORPUS
    data = _logs(folder) if folder.is_dir() else _generated()
    rules = packaged_rules()
    gc.disable()
    ways: list[tuple[str, Callable[[], object]]] = [
        ("text alone", lambda: _text(data)),
        ("text and markers", lambda: _interpret(data, rules)),
        ("scan", lambda: list(scan(io.BytesIO(data), "bench", rules))),
    ]
    speeds = {name: _speed(len(data), way) for name, way in ways}
    share = data[:PLAIN]
    slowest = _speed(len(share), lambda: _plain(share, rules))
    speeds["plain re, line by line"] = slowest
    for name, speed in speeds.items():
        print(f"{name:24} {speed:7.1f} MB/s  {speed / slowest:5.1f}x plain re")


def _logs(folder: Path) -> bytes:
    logs = sorted(path for path in folder.rglob("*.log") if path.is_file())
    return b"\n".join(path.read_bytes() for path in logs)[:LIMIT]


def _generated() -> bytes:
    lines = (
        f"[{n / 100:12.6f}] example {n % 97}: link is up, {n} packets, all is well\r\n"
        for n in range(LIMIT // 70)
    )
    return "".join(lines).encode()


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
    interpreter.finish(0)


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


if __name__ == "__main__":
    main()
