"""A flood of whatever bytes is one boot and hardly an event: the index stays small."""

from __future__ import annotations

import pytest

from solrecd.analysis.interpreter import Interpreter
from solrecd.events.lines import Chunk
from tests.support.golden import RULES
from tests.unit.test_dense_text import FLOODS, SHORT_LINES

_SECOND = 1_000_000


@pytest.mark.parametrize("unit", [*FLOODS.values(), *SHORT_LINES.values()])
def test_a_flood_makes_no_rows_in_the_index_and_no_boots(unit: bytes) -> None:
    interpreter = Interpreter(RULES, console="node1")
    data = unit * (16_000 // len(unit))
    events, rows = 0, set()

    for second in range(10):
        at = second * _SECOND
        for reading in (interpreter.feed([Chunk(at, data)]), interpreter.idle(at)):
            events += len(reading.events)
            rows |= {boot.boot for boot in reading.boots}

    assert rows == {1}
    assert events <= 1
