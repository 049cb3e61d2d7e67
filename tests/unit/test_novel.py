"""What a failed boot says and no good one ever did."""

from collections.abc import Sequence

from hypothesis import given, strategies as st

from solrecd.storage.history.novel import Novel, whole_lines


def text(*lines: str, minute: int = 0) -> bytes:
    return "\n".join(
        f"2026-11-22T12:{minute:02}:{second:02}.000000Z | [{second:5}.000123] {line}"
        for second, line in enumerate(lines)
    ).encode()


def novel(*lines: str) -> Novel:
    found = Novel()
    found.add(text(*lines))
    return found


def test_what_a_good_boot_says_is_no_news() -> None:
    found = novel("Memory: 2012K available", "BUG: at 0x12", "Memory: 1K available")

    found.cross_out(text("Memory: 2013K available", minute=9))

    assert found.lines == [[2]]


def test_a_repeated_message_is_one_with_all_its_lines() -> None:
    found = novel("oops 1", "fine", "oops 2")

    assert len(found) == 2
    assert found.lines == [[1, 3], [2]]


def test_what_was_crossed_out_elsewhere_is_forgotten() -> None:
    found = novel("oops", "fine", "oops", "bad")

    before = found.firsts
    found.forget({1, 4, 99})

    assert before == {1, 2, 4}
    assert found.lines == [[2]]


def test_the_coarse_key_alone_crosses_nothing_out() -> None:
    found = novel("card added")

    found.cross_out(text("card faced"))

    assert found.lines == [[1]]


def test_notes_of_the_recorder_do_not_count() -> None:
    found = Novel()

    found.add(b"2026-11-22T12:00:00.000000Z # gap: 3 s without a session\n" + text("a"))

    assert found.lines == [[1]]


def test_nothing_is_left_of_a_boot_like_others() -> None:
    found = novel("one", "two")

    found.cross_out(text("two", "one", "three", minute=3))

    assert not found


@given(st.binary(max_size=300), st.lists(st.integers(1, 40), max_size=9))
def test_blocks_are_cut_at_line_ends(data: bytes, sizes: Sequence[int]) -> None:
    pieces, rest = [], data
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]

    blocks = list(whole_lines(iter([*pieces, rest]), 1000))

    lines = [line for block in blocks for line in block.split(b"\n")]
    expected = data.split(b"\n")
    assert lines == (expected[:-1] if not expected[-1] else expected)


def test_a_line_without_end_does_not_grow_for_ever() -> None:
    blocks = list(whole_lines(iter([b"x" * 600] * 3), 1000))

    assert max(map(len, blocks)) <= 1200
