"""Output that never ends a line costs no memory, however much of it there is."""

from __future__ import annotations

import tracemalloc

from solrecd.analysis.interpreter import Interpreter
from solrecd.events.lines import Chunk
from tests.support.golden import RULES


def test_a_hundred_megabytes_without_a_newline_cost_no_memory() -> None:
    interpreter = Interpreter(RULES, console="n1")
    megabyte = [Chunk(0, b"y" * 1_000_000)]
    interpreter.feed(megabyte)
    tracemalloc.start()

    for _ in range(100):
        interpreter.feed(megabyte)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held < 200_000
    assert peak < 20_000_000
