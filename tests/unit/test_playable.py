"""What of a recording a terminal may be given."""

import pytest
from hypothesis import given, strategies as st

from solrecd.storage.history.playable import MAX_STRING, RESTORE, Playable


def played(data: bytes) -> str:
    return Playable().feed(data)


@pytest.mark.parametrize(
    "data",
    [
        "plain \u2500 text\r\n\tand\b more",
        "\x1b[2J\x1b[1;1H\x1b[0;1;37;44mSetup\x1b[0m\x1b[K",
        "\x1b[?25l\x1b[?1049h\x1b[5;20r\x1b[3L\x1b[?1049l",
        "\x1b7\x1b8\x1bM\x1b(0lqk\x1b(B\x1b=\x1b>",
        "\x1b[38;5;214mcolour\x1b[38:2:1:2:3m",
    ],
)
def test_what_draws_passes(data: str) -> None:
    assert played(data.encode()) == data


@pytest.mark.parametrize(
    ("data", "left"),
    [
        (b"a\x05b", "ab"),  # ENQ: answerback
        (b"a\x1b[6nb", "ab"),  # DSR: where is the cursor
        (b"a\x1b[?6nb", "ab"),
        (b"a\x1b[cb\x1b[>0c", "ab"),  # DA
        (b"a\x1bZb", "ab"),  # DECID
        (b"a\x1b[21tb", "ab"),  # window operations: tell the title
        (b"a\x1b[?1000hb", "ab"),  # mouse reports
        (b"a\x1b[?2004hb\x1b[?25;1004h", "ab"),
        (b"a\x1b[?1$pb\x1b[0;0;0*y", "ab"),  # DECRQM, DECRQCRA
        (b"a\x1b]0;title\x07b", "ab"),
        (b"a\x1b]52;c;cm0gLXJm\x1b\\b", "ab"),  # the clipboard
        (b"a\x1bP$qm\x1b\\b", "ab"),  # DECRQSS
        (b"a\x1b_apc\x1b\\\x1b^pm\x1b\\b", "ab"),
        (b"a\x1b[99999999bb", "ab"),  # REP: a screenful from few bytes
        (b"a\x1b[>4;2mb", "ab"),  # modifyOtherKeys
        (b"a\x07b", "ab"),
        (b"a\x9b6nb", "a\ufffd6nb"),
        (b"a\xc2\x9b6nb", "a\ufffd6nb"),
        (b"a\x1b\x1b[Kb", "a\x1b[Kb"),
        (b"a\x1b[3\r\nb", "a[3\r\nb"),
    ],
)
def test_what_does_more_than_draw_is_dropped(data: bytes, left: str) -> None:
    assert played(data) == left


def test_a_string_without_end_does_not_swallow_the_boot() -> None:
    assert played(b"\x1b]0;open\r\nnext") == "\r\nnext"
    assert played(b"\x1b]" + b"x" * (MAX_STRING + 3)) == "xxx"


@given(st.binary(max_size=200), st.integers(0, 200))
def test_pieces_of_any_size_play_alike(data: bytes, cut: int) -> None:
    pieces = Playable()

    assert pieces.feed(data[:cut]) + pieces.feed(data[cut:]) == played(data)


SPECIAL = st.sampled_from(
    [b"\x1b", b"[", b"]", b"P", b"c", b"n", b"?", b";", b"6", b"\x9b", b"\xc2", b"\x05"]
)


@given(st.lists(st.one_of(SPECIAL, st.binary(max_size=3)), max_size=60))
def test_what_was_filtered_once_has_nothing_left_to_filter(pieces: list[bytes]) -> None:
    left = played(b"".join(pieces))

    assert played(left.encode()) == left


def test_a_terminal_is_restored_with_nothing_that_answers() -> None:
    assert "\x1b[?25h" in RESTORE
    assert RESTORE.endswith("\n")
