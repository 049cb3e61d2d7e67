"""A boot as asciicast."""

import json

from solrecd.events.lines import Chunk
from solrecd.storage.history import asciicast

SECOND = 1_000_000


def test_markers_after_the_last_output_are_kept() -> None:
    chunks = [Chunk(10 * SECOND, b"a"), Chunk(12 * SECOND, b"b")]
    markers = [(11 * SECOND, "kernel: x"), (600 * SECOND, "kernel: stuck")]

    header, *events = map(json.loads, asciicast.encode("t", (80, 24), chunks, markers))

    assert header["title"] == "t"
    assert events == [
        [0.0, "o", "a"],
        [1.0, "m", "kernel: x"],
        [2.0, "o", "b"],
        [590.0, "m", "kernel: stuck"],
    ]


def test_a_boot_without_output_has_no_markers() -> None:
    (header,) = asciicast.encode("t", (80, 24), [], [(SECOND, "kernel: x")])

    assert json.loads(header)["timestamp"] == 0
