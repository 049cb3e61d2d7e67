"""The pattern of `solrecctl grep`, searched for in a whole frame and in a line."""

import pytest

from solrecd.storage.history.pattern import Pattern

STAMP = b"2026-11-22T12:20:01.000000Z | "
TEXT = b"".join(
    STAMP + line + b"\n"
    for line in (b"a [boot] begins", b"the next boot", b"boot", rb"a \Quote", b"end.")
)


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        (r"\Q[boot", [b"a [boot] begins"]),
        (r"\Q[boot\E.*s$", [b"a [boot] begins"]),
        (r"zz|\Qend.", [b"end."]),
        (r"\\Quote", [rb"a \Quote"]),
        ("(?-m)boot$", [b"the next boot", b"boot"]),
        ("^(?-m)boot$", [b"boot"]),
        ("(?-m:boot$)", [b"the next boot", b"boot"]),
        ("(?i-m)BOOT$", [b"the next boot", b"boot"]),
        ("(?m)boot$", [b"the next boot", b"boot"]),
    ],
)
def test_a_pattern_finds_the_same_lines_in_a_frame_as_one_by_one(
    pattern: str, wanted: list[bytes]
) -> None:
    compiled = Pattern(pattern, fixed=False, ignore_case=False)

    found = [TEXT[begin + len(STAMP) : end] for begin, end in compiled.lines(TEXT)]

    assert found == wanted
