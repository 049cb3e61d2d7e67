"""Captures: three notations of timing, one result."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from solrecd.simbmc import captures
from solrecd.simbmc.capture import Capture, CaptureError, Print

NOTATIONS = [
    "H 0.000000 START_TIME 2026\nO 0.500000 2\nO 1.000000 3\n",
    "0.500000 2\n1.000000 3\n",
    "100.5 1795351418.5 0 0\n101.0 1795351419.0 0 2\n102.0 1795351420.0 2 3\n",
]


@pytest.mark.parametrize("timing", NOTATIONS)
def test_every_notation_of_timing_says_the_same(timing: str) -> None:
    capture = Capture.parse(b"hello", timing)

    assert capture.prints == (Print(0.5, 2), Print(1.5, 5))
    assert capture.duration == 1.5


def test_a_capture_without_bytes_lasts_no_time() -> None:
    assert Capture.parse(b"", "").duration == 0.0


@pytest.mark.parametrize("timing", ["O 0.5 2\n", "O x 5\n", "O -1 5\n", "nonsense\n"])
def test_timing_that_does_not_fit_is_refused(timing: str) -> None:
    with pytest.raises(CaptureError):
        Capture.parse(b"hello", timing)


@given(st.binary(max_size=64), st.text(max_size=64))
def test_any_timing_is_read_or_refused(data: bytes, timing: str) -> None:
    try:
        capture = Capture.parse(data, timing)
    except CaptureError:
        return

    assert not capture.prints or capture.prints[-1].end == len(data)


@pytest.mark.parametrize("name", captures.NAMES)
def test_every_packaged_capture_loads(name: str) -> None:
    capture = captures.load(name)

    assert b"SeaBIOS" in capture.data
    assert len(capture.data) < 60_000
    assert 0 < capture.duration < 120
