"""Which words a frame holds, and what a search may conclude from that."""

import itertools

import re2
from hypothesis import example, given, strategies as st

from solrecd.storage.formats.frame_query import ask
from solrecd.storage.formats.vocabulary import (
    MAX_NEW,
    FrameWords,
    SegmentWords,
    Writer,
    decode,
    look_at,
    read_last_chapter,
    read_records,
    words_of,
)
from solrecd.storage.history.required_words import (
    ANYTHING,
    question_of_pattern,
    question_of_text,
)

STAMP = b"2026-11-22T12:00:05.123456Z | "


def encode(segments: list[SegmentWords]) -> bytes:
    """Return a file."""
    writer = Writer()
    return b"".join(map(writer.encode, segments))


def segments_of(*texts: bytes) -> list[SegmentWords]:
    """Return segments of one frame each."""
    return [SegmentWords(f"s{n}", [look_at(text)]) for n, text in enumerate(texts)]


def answers(segments: list[SegmentWords], pattern: str) -> list[bool]:
    """Return which segments may hold a pattern."""
    records = list(read_records(encode(segments)))
    asked = ask(records, question_of_pattern(pattern))
    return [any(frames) for _, frames in asked]


words = st.text("ghijkxyzabc", min_size=1, max_size=5).map(str.encode)
vocabularies = st.lists(
    st.lists(
        st.builds(FrameWords, st.integers(0, 9), st.frozensets(words) | st.none()),
        max_size=3,
    ),
    max_size=8,
).map(lambda all_frames: [SegmentWords(f"s{n}", f) for n, f in enumerate(all_frames)])


@given(vocabularies)
def test_what_was_written_is_read_again(segments: list[SegmentWords]) -> None:
    data = encode(segments)

    assert list(decode(list(read_records(data)))) == segments


@given(vocabularies, st.integers(0, 8))
def test_a_writer_goes_on_where_another_one_ended(
    segments: list[SegmentWords], count: int
) -> None:
    first = encode(segments[:count])
    writer = Writer()
    writer.resume(list(read_records(first)))

    data = first + b"".join(map(writer.encode, segments[count:]))

    assert data == encode(segments)


@given(vocabularies.filter(bool), st.data())
def test_a_damaged_file_tells_what_stands_before_the_damage(
    segments: list[SegmentWords], data: st.DataObject
) -> None:
    file = encode(segments)
    place = data.draw(st.integers(0, len(file) - 1))
    broken = file[:place] + bytes([file[place] ^ 0xFF]) + file[place + 1 :]

    found = list(decode(list(read_records(broken))))

    assert found == segments[: len(found)]
    assert len(found) < len(segments)


@given(st.binary(max_size=200))
def test_a_foreign_file_tells_nothing(data: bytes) -> None:
    assert list(read_records(data)) == []


def test_a_new_chapter_begins_when_words_run_out() -> None:
    names = made_up_words(60_500)
    parts = [names[n : n + 5_500] for n in range(0, len(names), 5_500)]
    frames = [FrameWords(1, frozenset(part)) for part in parts]
    segments = [
        SegmentWords("first", frames[:1]),
        SegmentWords("most", frames[1:9]),
        SegmentWords("known", frames[3:5]),
        SegmentWords("too many", frames[9:]),
    ]

    records = list(read_records(encode(segments)))

    begun = [record.name for record in records if record.begins_chapter]
    assert begun == ["first", "too many"]
    assert list(decode(records)) == segments


def test_a_chapter_ends_after_some_segments_and_its_last_one_is_enough() -> None:
    segments = segments_of(*[b"word%d gh" % n for n in range(300)])
    data = encode(segments)
    writer = Writer()

    records, end = read_last_chapter(data + b"torn")
    writer.resume(records)

    assert [record.name for record in records] == [f"s{n}" for n in range(256, 300)]
    assert end == len(data)
    assert data + writer.encode(segments[0]) == encode([*segments, segments[0]])


def made_up_words(count: int) -> list[bytes]:
    """Return so many words."""
    letters = itertools.product(*[b"ghijklmnop"] * 5)
    return [bytes(each) for each in itertools.islice(letters, count)]


def test_a_frame_of_noise_counts_as_holding_everything() -> None:
    noise = b" ".join(made_up_words(MAX_NEW // 5))
    segments = segments_of(b"quiet", noise, b"quiet again")

    assert answers(segments, "missing") == [False, True, False]


def test_numbers_leave_nothing_behind() -> None:
    assert words_of(STAMP + b"at 0xdeadbeef12: eth0 x86_64 a1b2c3") == {b"at", b"eth"}


def test_what_a_frame_lost_is_not_found_in_it() -> None:
    segments = segments_of(b"needle hay", b"hay", b"hay needle", b"needles")

    assert answers(segments, "needle") == [True, False, True, True]
    assert answers(segments, "needle hay") == [True, False, True, False]
    assert answers(segments, "hay|straw") == [True, True, True, False]


def test_notes_are_no_lines_of_output() -> None:
    text = STAMP + b"one\n" + STAMP.replace(b"|", b"#") + b"gap\n" + STAMP + b"two\n"

    assert look_at(text).lines == 2


def test_a_pattern_that_may_match_anything_asks_for_nothing() -> None:
    for pattern in (
        ".*",
        "a|x*",
        "[[:alpha:]]not",
        "(?:kernel)?",
        "dead",
        "12:34",
        "(",
    ):
        assert question_of_pattern(pattern).is_empty, pattern
    assert ANYTHING.may_hold(())


def test_a_word_inside_a_pattern_is_a_whole_word() -> None:
    question = question_of_pattern(r"usb (?:disk|stick)s? gone\.$")

    assert question.pieces == {b"usb\n", b"disk", b"stick", b"\ngone\n"}


lines = st.lists(
    st.text("ghkKxaf 0-.\u212a\u017fs\u00e4", max_size=12), min_size=1, max_size=4
)
atoms = st.sampled_from(
    ["g", "gh", "k", "K", "hk", "xa", " ", "-", ".", "0", "[gk]", "s", "\u017f", "\\w"]
)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.tuples(inner, inner).map(lambda both: f"(?:{both[0]}|{both[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{0,2}", "{2}"])).map(
            lambda both: f"(?:{both[0]}){both[1]}"
        ),
        inner.map(lambda one: f"^{one}"),
        inner.map(lambda one: f"\\b{one}$"),
    )


patterns = st.recursive(atoms, _grown, max_leaves=6)


@given(lines, patterns, st.booleans())
@example(["\u212aernel"], "kern", True)
def test_no_frame_with_a_match_is_passed_over(
    texts: list[str],
    pattern: str,
    ignore_case: bool,  # noqa: FBT001
) -> None:
    options = re2.Options()
    options.case_sensitive = not ignore_case
    compiled = re2.compile(pattern, options)
    frame = b"".join(STAMP + text.encode() + b"\n" for text in texts)
    matches = any(compiled.search(text.encode()) for text in texts)

    (may_match,) = answers(segments_of(frame), pattern)

    assert may_match or not matches


@given(lines, st.text("ghkKxaf 0-.\u00e4", min_size=1, max_size=4))
def test_no_frame_with_a_text_is_passed_over(texts: list[str], wanted: str) -> None:
    frame = b"".join(STAMP + text.encode() + b"\n" for text in texts)
    records = list(read_records(encode(segments_of(frame))))

    ((_, (may_match,)),) = ask(records, question_of_text(wanted))

    assert may_match or not any(wanted in text for text in texts)
