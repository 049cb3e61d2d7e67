"""How fast console output is understood, in MB per CPU second.

The output is that of real machines: the boots that the simulated BMCs replay, again and
again, or the console logs (``*.log``) in the folder that ``$SOLRECD_CORPUS`` names.
Compares, in one run: text alone, text and markers (the interpreter), the same in the
small pieces that BMCs send, the whole of ``scan``, and ``scan`` as it would be with
nothing but Python's ``re``: the same layers and the same rules, but each message is
searched for one alternation of all patterns, which is what most tools do.
"""

from __future__ import annotations

import dataclasses
import gc
import io
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from bench.figures import Figure
from solrecd.analysis.boot.gate import Candidate
from solrecd.analysis.boot.prefix import messages
from solrecd.analysis.boot.rules import Rule, RuleSet
from solrecd.analysis.interpreter import Interpreter
from solrecd.analysis.text import Assembler
from solrecd.cli.commands.scan import look
from solrecd.events.lines import Chunk
from solrecd.simbmc import captures
from solrecd.storage import marker_files

CHUNK = 1 << 16
PACKET = 128
BATCH = 8  # packets that come within the daemon's 100 ms
LIMIT = 8_000_000
SHARE = 1_000_000  # enough to know the speed of something slow


class PlainGate:
    """Tries all rules on all messages, as one regular expression of Python's.

    Args:
        rules: what candidates are counted in.
    """

    __slots__ = ("_every", "_search")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._every = [*range(len(rules))]
        self._search = re.compile("|".join(map(_plain, rules))).search

    def candidates(self, block: str) -> Iterator[Candidate]:
        """Yield lines in which a rule matches."""
        for line, text in enumerate(block.split("\n")):
            if any(self._search(message.text) for message in messages(text)):
                yield Candidate(line, text, self._every)


def measure(_directory: Path) -> Iterable[Figure]:
    """Yield the figures; takes a minute."""
    folder = os.environ.get("SOLRECD_CORPUS")
    data = _logs(Path(folder)) if folder else _captures()
    # What is promised is promised for logs at large: in the captures every other line
    # is a marker or an escape sequence.
    goal = 20 if folder else None
    rules = marker_files.load()
    gc.disable()
    ways: list[tuple[str, float | None, Callable[[], object]]] = [
        ("text alone", None, lambda: _text(data)),
        ("text and markers", None, lambda: _interpret(data, rules, CHUNK, 1)),
        (f"{PACKET} B packets", None, lambda: _interpret(data, rules, PACKET, BATCH)),
        ("scan", goal, lambda: _scan(data, rules)),
    ]
    for name, wanted, way in ways:
        speed = _speed(len(data), way)
        yield Figure(f"interpret, {name}", speed, "MB/s", wanted, more_is_better=True)
    yield from _compared(data[:SHARE], rules)
    gc.enable()


def _compared(share: bytes, rules: RuleSet) -> Iterator[Figure]:
    """Yield how much faster `scan` is than with plain ``re``, on the same bytes."""
    plain_rules = dataclasses.replace(rules, gate=PlainGate(rules.searched))
    assert _scan(share, plain_rules) == _scan(share, rules)
    plain = _speed(len(share), lambda: _scan(share, plain_rules))
    ours = _speed(len(share), lambda: _scan(share, rules))
    yield Figure("interpret, scan with plain re", plain, "MB/s")
    name = "interpret, scan / scan with plain re"
    yield Figure(name, ours / plain, "times", 4, more_is_better=True)


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


def _chunks(data: bytes, size: int) -> list[Chunk]:
    return [Chunk(0, data[at : at + size]) for at in range(0, len(data), size)]


def _text(data: bytes) -> None:
    assembler = Assembler()
    for chunk in _chunks(data, CHUNK):
        assembler.feed([chunk])


def _interpret(data: bytes, rules: RuleSet, size: int, batch: int) -> None:
    interpreter = Interpreter(rules, console="bench")
    pieces = _chunks(data, size)
    for first in range(0, len(pieces), batch):
        interpreter.feed(pieces[first : first + batch])
    interpreter.finish()


def _scan(data: bytes, rules: RuleSet) -> list[object]:
    return list(look(io.BytesIO(data), "bench", rules, explain=False))


def _plain(rule: Rule) -> str:
    """Write a pattern as a part of one of Python's; groups lose their names."""
    pattern = re.sub(r"\(\?P<\w+>", "(?:", rule.pattern).replace(r"\z", r"\Z")
    # Flags count for a whole pattern only at its beginning.
    flags = re.match(r"\(\?([ims]+)\)", pattern)
    if flags is None:
        return f"(?:{pattern})"
    return f"(?{flags[1]}:{pattern[flags.end() :]})"
