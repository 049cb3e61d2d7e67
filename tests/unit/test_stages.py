"""Which stage a line of a boot belongs to."""

from typing import Any

from solrecd.storage.history.stages import UNKNOWN, StageOf, stage_spans


def entry(stage: str, line: int | None, second: int, kind: str = "stage") -> Any:
    time = f"2026-11-22T12:00:{second:02}.000000Z"
    return {"kind": kind, "name": stage, "line": line, "time": time}


ENTRIES = [
    entry("off", None, 0),
    entry("kernel", 7, 3),
    entry("panic", 8, 4, kind="failure"),
    entry("firmware", 2, 1),
    entry("firmware", 9, 5),
]


def test_a_stay_ends_where_the_next_begins() -> None:
    spans = stage_spans(ENTRIES)

    assert [(span.stage, span.lines.start, span.lines.stop) for span in spans[:2]] == [
        ("firmware", 2, 7),
        ("kernel", 7, 9),
    ]
    assert spans[0].until == spans[1].since
    assert spans[-1].until is None
    assert 10**9 in spans[-1].lines


def test_a_line_knows_its_stage() -> None:
    stage_of = StageOf(stage_spans(ENTRIES))

    assert [stage_of[line] for line in (1, 2, 6, 7, 8, 9, 99)] == [
        UNKNOWN,
        "firmware",
        "firmware",
        "kernel",
        "kernel",
        "firmware",
        "firmware",
    ]


def test_a_boot_without_stages_is_unknown_throughout() -> None:
    assert StageOf(stage_spans([]))[1] == UNKNOWN


def test_a_stage_within_itself_is_one_stay() -> None:
    spans = stage_spans(
        [entry("init", 5, 1), entry("init", 9, 2), entry("login", 12, 3)]
    )

    assert [(span.stage, span.lines.start) for span in spans] == [
        ("init", 5),
        ("login", 12),
    ]
