"""Which segments are copied, and which deleted in the store."""

from solrecd.process.stamps import SECOND
from solrecd.storage.formats.names import SegmentName
from solrecd.storage.offload.manifest import CopiedSegment, Manifest
from solrecd.storage.offload.plan import (
    SETTLED,
    LocalFile,
    choose_copied,
    choose_deleted,
    local_segments,
)

AT = 1_795_000_000_000_000
HOUR = 3600 * SECOND
NAMES = [SegmentName(boot, 1, AT + boot * HOUR) for boot in (1, 2, 3)]


def files(name: SegmentName, *, closed: bool = True) -> list[LocalFile]:
    return [
        LocalFile(name.file(kind, closed=closed), 10, name.started + HOUR)
        for kind in ("raw", "timing", "log")
    ]


def test_the_newest_segment_is_never_among_them() -> None:
    found = local_segments([each for name in NAMES for each in files(name)])

    assert [one.name for one in found] == NAMES[:2]
    assert [one.size for one in found] == [30, 30]


def test_what_is_no_segment_does_not_count() -> None:
    others = [LocalFile(name, 5, AT) for name in (".words", "current.log", "notes.txt")]

    assert local_segments(others) == []


def test_a_segment_tells_of_the_time_until_the_next_one() -> None:
    first, second = local_segments([each for name in NAMES for each in files(name)])

    assert (first.since, first.until) == (None, NAMES[1].started)
    assert (second.since, second.until) == (NAMES[1].started, NAMES[2].started)


def test_a_segment_that_is_being_compressed_waits() -> None:
    half = [*files(NAMES[0])[:1], *files(NAMES[0], closed=False)]
    found = local_segments([*half, *files(NAMES[1]), *files(NAMES[2])])

    assert [one.name for one in found] == [NAMES[1]]


def test_what_is_not_compressed_is_copied_where_nothing_is() -> None:
    plain = [each for name in NAMES for each in files(name, closed=False)]
    found = local_segments(plain)

    assert choose_copied(found, (), AT + 9 * HOUR, packed=True) == []
    assert choose_copied(found, (), AT + 9 * HOUR, packed=False) == found


def test_what_is_stored_is_not_copied_again() -> None:
    found = local_segments([each for name in NAMES for each in files(name)])

    wanted = choose_copied(found, {str(NAMES[0])}, AT + 9 * HOUR, packed=True)

    assert [one.name for one in wanted] == [NAMES[1]]


def test_a_segment_waits_until_its_events_are_settled() -> None:
    found = local_segments([each for name in NAMES for each in files(name)])
    end = NAMES[1].started + SETTLED

    assert choose_copied(found, (), end - 1, packed=True) == []
    assert len(choose_copied(found, (), end, packed=True)) == 1


def test_only_what_is_old_is_deleted_and_nothing_without_a_limit() -> None:
    segments = [CopiedSegment(name, name.started + HOUR, {}) for name in NAMES]
    manifest = Manifest("node001", "rec1").with_segments(segments)
    now = NAMES[2].started + HOUR

    assert choose_deleted(manifest, None, now) == []
    assert choose_deleted(manifest, HOUR, now) == [str(NAMES[0])]
