"""No bytes cost much more than text does, and what is too dense is still recorded."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable

import pytest
from hypothesis import given, settings, strategies as st

from solrecd.analysis.text import LINE_LIMIT, Assembler
from solrecd.analysis.text.density import BUDGET, WINDOW
from solrecd.events.lines import Chunk, Line

_SIZE = 100_000
_BATCH = 20_000
_PACKET = 250

_KERNEL_LOG = b"[    1.234567] usb 1-1: new high-speed USB device number 2\r\n"

FLOODS = {
    "escapes": b"\x1b",
    "half sequences": b"\x1b[",
    "half strings": b"\x1b]",
    "endless strings": b"\x1b]" + b"a" * 256,
    "endless long strings": b"\x1b]" + b"a" * 4096,
    "endless strings of C1": b"\x1b]" + b"\x9b" * 4096,
    "endless numbers": b"\x1b[" + b"0" * 33,
    "colours": b"\x1b[m",
    "coloured letters": b"\x1b[0mx",
    "cursor home": b"\x1b[1;1H",
    "painting": b"\x1b[5;7Hx\x1b[6;8Hy",
    "cursor right": b"\x1b[Cx",
    "cursor far right": b"\x1b[9999C\x1b[K",
    "deleting": b"x" * 800 + b"\r" + b"\x1b[P" * 800,
    "titles": b"\x1b]0;t\x07",
    "reverse index": b"\x1bM",
    "save and restore": b"\x1b7\x1b8",
    "carriage returns": b"\r",
    "overprinting": b"y" * 8000 + b"\rx" * 4000,
    "backspaces": b"\b",
    "typing and erasing": b"x\b",
    "line drawing": b"\x0eq\x0f",
    "tabs": b"\t",
    "tabs and letters": b"\tx",
    "NULs": b"\0",
    "NULs and letters": b"\0x",
    "C0": bytes(range(1, 8)),
    "C1 bytes": bytes(range(0x80, 0xA0)),
    "C1 in UTF-8": "\x85\x9b".encode(),
    "invalid UTF-8": b"\xff",
    "half characters": b"\xe2\x82",
    "combining": "e\u0301".encode(),
    "wide": "\u4e2d".encode(),
    "bidirectional": "\u202e".encode(),
    "private use": "".join(map(chr, range(0xE000, 0xF000))).encode(),
    "just under the limit": b"x" * 63 + b"\x1b[C",
    "any": random.Random(1).randbytes(_SIZE),
}

SHORT_LINES = {
    "escapes": b"\x1b\x1b\n",
    "colours": b"\x1b[0m\n",
    "C0": b"\x01\n",
    "C1": b"\x9b\n",
    "NULs": b"\0\n",
    "backspaces": b"\bx\n",
    "overprinted": b"a\rb\n",
    "vertical tabs": b"x\x0b",
    "form feeds": b"x\x0c",
    "resets": b"x\x1bc\n",
}


def _cost(data: bytes) -> float:
    """Return the seconds of a processor that text takes, once its budget is used up."""
    assembler = Assembler(budget=0)
    assembler.feed([Chunk(0, data)])
    begin = time.process_time()
    for start in range(0, _SIZE, _BATCH):
        packets = range(start, start + _BATCH, _PACKET)
        assembler.feed([Chunk(at, data[at : at + _PACKET]) for at in packets])
    return time.process_time() - begin


def _ratio(unit: bytes, usual: bytes) -> float:
    """Return how much more bytes cost than as many usual ones, measured in turns."""
    odd, plain = ((each * (_SIZE // len(each) + 1))[:_SIZE] for each in (unit, usual))
    costs = [(_cost(odd), _cost(plain)) for _ in range(4)]
    return min(cost for cost, _ in costs) / min(cost for _, cost in costs)


@pytest.mark.alone
@pytest.mark.parametrize("name", FLOODS)
def test_no_bytes_cost_much_more_than_a_kernel_log(name: str) -> None:
    # 5 on an idle machine, 7 for bytes of every kind.
    assert _ratio(FLOODS[name], _KERNEL_LOG) < 10


@pytest.mark.alone
@pytest.mark.parametrize("name", SHORT_LINES)
def test_no_short_lines_cost_much_more_than_plain_ones(name: str) -> None:
    assert _ratio(SHORT_LINES[name], b"a\n") < 4


@pytest.mark.alone
@pytest.mark.parametrize("name", ["escapes", "painting", "typing and erasing"])
def test_the_cost_grows_like_the_size(name: str) -> None:
    unit = FLOODS[name]
    costs = []
    for size in (50_000, 400_000):
        data = (unit * (size // len(unit)))[:size]
        best = 9.0
        for _ in range(3):
            assembler = Assembler(budget=0)
            begin = time.process_time()
            assembler.feed([Chunk(0, data)])
            best = min(best, time.process_time() - begin)
        costs.append(best)

    assert costs[1] < 2 * 8 * costs[0]


def read(pieces: Iterable[bytes], budget: int = 0) -> list[Line]:
    assembler = Assembler(budget=budget)
    found: list[Line] = []
    for piece in pieces:
        found += assembler.feed([Chunk(0, piece)])
    return [*found, *assembler.flush()]


def test_dense_output_is_read_in_the_order_in_which_it_was_printed() -> None:
    begin = b"\x1b[7m" * WINDOW
    painted = b"\x1b[5;7Hone \x1b[2;1Htwo\b\b\r three\n\x1b]0;title\x07four\x0bfive"

    found = [line.text for line in read([begin + painted])]

    assert found == ["one two three", "four", "five"]


def test_the_cursor_is_followed_again_once_text_comes() -> None:
    text = (b"x" * 63 + b"\n") * (WINDOW * 8)

    found = read([b"\x1b[7m" * WINDOW + text, b"copied  1 %\rcopied 99 %\n"], budget=9)

    assert found[-1].text == "copied 99 %"


def test_a_spinner_may_turn_for_days() -> None:
    assembler = Assembler()
    frame = b"\r\x1b[K[\x1b[0;31m*\x1b[0m     ] A start job is running\r\x1b[K"
    for second in range(50_000):
        assembler.feed([Chunk(second * 1_000_000, frame)])

    found = assembler.feed([Chunk(50_000 * 1_000_000, b"done\n")])

    assert [line.text for line in found] == ["done"]


def test_a_set_up_screen_is_followed_for_many_pages() -> None:
    page = b"".join(
        b"\x1b[%d;%dHx" % (row, c) for row in range(1, 25) for c in range(1, 81)
    )
    pages = BUDGET // (24 * 80) - 1

    found = read([page * pages + b"\x1b[30;1Hend"], budget=BUDGET)

    assert len(found) == pages * 24 + 1
    assert found[-1].text == "end"


_UNITS = st.one_of(
    st.sampled_from([*FLOODS.values(), *SHORT_LINES.values(), b"x" * 5000]).map(
        lambda unit: unit[:700]
    ),
    st.binary(max_size=40),
    st.sampled_from([b"\n", b"\r", b"\xe2", b"\x1b", b"\x1b]0;t", b"\\", b"\x1b["]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_UNITS, max_size=60), st.integers(1, 900), st.integers(0, 9))
def test_chunking_never_changes_dense_lines(
    units: list[bytes], size: int, budget: int
) -> None:
    data = b"".join(units)
    pieces = [data[at : at + size] for at in range(0, len(data), size)]

    whole = [(line.offset, line.text) for line in read([data], budget)]
    cut = [(line.offset, line.text) for line in read(pieces, budget)]

    assert cut == whole
    assert all(text.isprintable() for _, text in whole)
    assert all(len(text) <= LINE_LIMIT for _, text in whole)
    assert sorted({offset for offset, _ in whole}) == [offset for offset, _ in whole]
