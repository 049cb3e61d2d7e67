"""Manifests: what is written is read, what is none is refused."""

import json

import pytest
from hypothesis import given, settings, strategies as st

from solrecd.storage.formats.coverage import Missing
from solrecd.storage.formats.names import SegmentName
from solrecd.storage.offload.keys import (
    ManifestKey,
    manifest_key,
    parse_manifest_key,
)
from solrecd.storage.offload.manifest import (
    SENSELESS,
    CopiedSegment,
    Manifest,
    StoredFile,
    decode,
    encode,
    recorded,
    together,
)

NUMBERS = st.integers(0, 1 << 50)
NAMES = st.builds(
    SegmentName, st.integers(1, 10**6), st.integers(1, 99), st.integers(0, 10**15)
)
SEGMENTS = st.builds(
    CopiedSegment,
    NAMES,
    NUMBERS,
    st.dictionaries(
        st.sampled_from(["raw.zst", "log.zst", "words", "rows.zst"]),
        st.builds(StoredFile, NUMBERS, st.text("0123456789abcdef", max_size=64)),
    ),
    st.lists(st.builds(Missing, NUMBERS, NUMBERS, NUMBERS)).map(tuple),
)


@settings(max_examples=50)
@given(st.lists(SEGMENTS))
def test_what_is_written_is_read(segments: list[CopiedSegment]) -> None:
    manifest = Manifest("node001", "rec1").with_segments(segments)

    assert decode(encode(manifest)) == manifest


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=50)
@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_what_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(SENSELESS):
        decode(data)


@pytest.mark.parametrize("suffix", ["", "../x", "a/b", "raw zst"])
def test_a_file_can_lead_to_no_other_folder(suffix: str) -> None:
    segment = CopiedSegment(SegmentName(1, 1, 5), 5, {suffix: StoredFile(1, "00")})

    with pytest.raises(SENSELESS):
        decode(encode(Manifest("node001", "rec1").with_segments([segment])))


def test_members_add_up_in_stream_order() -> None:
    one = CopiedSegment(SegmentName(2, 1, 200), 5, {})
    other = CopiedSegment(SegmentName(1, 1, 100), 5, {}, (Missing(150, 10),))
    manifests = [
        Manifest("node001", "rec1").with_segments([one]),
        Manifest("node001", "rec2").with_segments([other, one]),
    ]

    found = together(manifests)

    assert [each.name.boot for each in found] == [1, 2]
    assert recorded(found).oldest == 100
    assert recorded(found).missing == (Missing(150, 10),)


def test_a_manifest_has_one_key_and_a_key_one_manifest() -> None:
    key = manifest_key("node001", "rec.1")

    assert parse_manifest_key(key) == ManifestKey("node001", "rec.1")
    for other in (
        *("node001/x.json", ".manifests/node001", ".manifests/../rec1.json"),
        *(".manifests/node001/.json", ".manifests/node001/rec1.txt", ""),
    ):
        assert parse_manifest_key(other) is None
