"""Closed segments in a real object store: every byte of them, whatever happens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from solrecd.storage.offload.keys import MANIFESTS
from solrecd.storage.offload.manifest import decode, next_boot
from solrecd.storage.offload.service import NAME_BEHIND, NAME_CAUGHT_UP
from solrecd.storage.offload.store import PART, Store, StoreError
from tests.support.offloading import HOUR, Site
from tests.support.stores import Trouble, config_of, moto_store, rclone_store


@pytest.fixture
def trouble() -> Trouble:
    return Trouble()


@pytest.fixture(params=["moto", "rclone"])
def any_site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """Return a site with each of the servers."""
    root = tmp_path / "site"
    opened = (
        moto_store(Trouble())
        if request.param == "moto"
        else rclone_store(tmp_path / "store")
    )
    with opened as port:
        yield Site(root, config_of(port))


@pytest.fixture
def site(tmp_path: Path, trouble: Trouble) -> Iterator[Site]:
    """Return a site with a store whose troubles a test chooses."""
    with moto_store(trouble) as port:
        yield Site(tmp_path / "site", config_of(port))


def stored(site: Site) -> dict[str, bytes]:
    """Return all objects but for manifests."""
    store = Store(site.config)
    keys = [item.key for item in store.list("")]
    return {key: store.get(key) for key in keys if not key.startswith(MANIFESTS)}


async def test_closed_segments_are_copied_byte_for_byte(any_site: Site) -> None:
    any_site.write("node001")
    any_site.write("node002", boots=2)

    await any_site.offload().round()

    files = any_site.closed_files("node001") | any_site.closed_files("node002")
    found = stored(any_site)
    assert len(files) == 3 * (3 + 1)
    assert {key: found[key] for key in files} == files
    # Besides them the words and the rows of each segment.
    assert len(found) == 5 * (3 + 1)
    assert any_site.told.copied == 4


async def test_a_manifest_tells_what_is_there_and_who_wrote_it(any_site: Site) -> None:
    any_site.write("node001")
    await any_site.offload().round()

    manifest = decode(Store(any_site.config).get(".manifests/node001/rec1.json"))

    assert (manifest.console, manifest.member) == ("node001", "rec1")
    assert [one.name.boot for one in manifest.segments.values()] == [1, 2, 3]
    for one in manifest.segments.values():
        assert set(one.files) == {
            *("raw.zst", "timing.zst", "log.zst", "words", "rows.zst")
        }
        assert sum(each.length for each in one.missing) == 36_000_000


async def test_nothing_is_copied_twice(site: Site, trouble: Trouble) -> None:
    site.write("node001")
    offload = site.offload()
    await offload.round()
    trouble.seen.clear()

    await offload.round()
    await site.offload().round()

    assert not [each for each in trouble.seen if each[0] == "PUT"]


async def test_a_new_state_folder_learns_from_the_store(
    site: Site, trouble: Trouble
) -> None:
    site.write("node001")
    await site.offload().round()
    trouble.seen.clear()

    again = site.offload(state="other")
    await again.round()

    segments = [path for method, path in trouble.seen if method == "PUT"]
    assert not [path for path in segments if "boot-" in path]


async def test_the_newest_segment_stays_where_it_is(site: Site) -> None:
    site.write("node001", boots=1)

    await site.offload().round()

    assert stored(site) == {}


async def test_a_segment_whose_events_may_still_change_waits(site: Site) -> None:
    site.write("node001", boots=2)
    site.now = site.now - 100 * HOUR + 2 * HOUR + 60 * 1_000_000

    await site.offload().round()
    assert site.told.copied == 0

    site.now += 60 * 1_000_000
    await site.offload().round()
    assert site.told.copied == 1


async def test_a_store_that_is_down_costs_nothing_but_delay(
    site: Site, trouble: Trouble
) -> None:
    site.write("node001")
    offload = site.offload()
    trouble.down = True
    with pytest.raises(StoreError, match="503"):
        await offload.round()
    assert site.told.offload_queue_segments == 3

    trouble.down = False
    await offload.round()

    files = site.closed_files("node001")
    assert {key: stored(site)[key] for key in files} == files


async def test_a_store_that_keeps_less_than_it_says_is_found_out(
    site: Site, trouble: Trouble
) -> None:
    site.write("node001")
    offload = site.offload()
    trouble.truncating = True
    with pytest.raises(StoreError, match="bytes of"):
        await offload.round()
    assert site.told.copied == 0

    trouble.truncating = False
    await offload.round()

    files = site.closed_files("node001")
    assert {key: stored(site)[key] for key in files} == files


async def test_what_fails_in_the_middle_goes_on_there(
    site: Site, trouble: Trouble
) -> None:
    site.write("node001")
    site.write("node002")
    puts: list[str] = []

    def fail_soon(path: str) -> None:
        puts.append(path)
        trouble.down = len(puts) >= 20

    trouble.on_put = fail_soon
    with pytest.raises(StoreError):
        await site.offload().round()

    trouble.on_put, trouble.down = lambda _: None, False
    await site.offload().round()

    files = site.closed_files("node001") | site.closed_files("node002")
    assert {key: stored(site)[key] for key in files} == files


async def test_an_hour_without_a_copy_is_told_once_and_its_end_too(
    site: Site, trouble: Trouble
) -> None:
    site.write("node001")
    offload = site.offload()
    site.told.offload_last_success = site.now
    trouble.down = True
    for _ in range(4):
        site.now += HOUR
        with pytest.raises(StoreError):
            await offload.round()
    assert site.told.events == [NAME_BEHIND]

    trouble.down = False
    await offload.round()
    await offload.round()

    assert site.told.events == [NAME_BEHIND, NAME_CAUGHT_UP]


async def test_only_what_is_ours_is_deleted_when_it_is_old(site: Site) -> None:
    site.write("node001")
    await site.offload(state="other", member="rec2").round()
    await site.offload().round()
    store = Store(site.config)
    store.put("node001/notes.txt", b"not ours")
    site.retention = 1

    # The files of the test are as old as the test.
    import time  # noqa: PLC0415

    site.now = time.time_ns() // 1000 + HOUR
    await site.offload().round()

    keys = {item.key for item in store.list("")}
    assert keys == {
        "node001/notes.txt",
        ".manifests/node001/rec1.json",
        ".manifests/node001/rec2.json",
    }
    assert decode(store.get(".manifests/node001/rec1.json")).segments == {}


def test_boot_numbers_go_on_behind_those_of_all_members() -> None:
    texts = [
        {
            "version": 1,
            "console": "node001",
            "member": member,
            "segments": [
                {
                    "stem": f"20261122T120000.000000Z.boot-{boot:06}",
                    "ended": 5,
                    "files": {},
                    "gaps": [],
                }
            ],
        }
        for member, boot in (("rec1", 41), ("rec2", 7))
    ]

    assert next_boot(decode(json.dumps(each).encode()) for each in texts) == 42
    assert next_boot([]) == 1


def test_large_files_are_put_in_parts_and_verified(any_site: Site) -> None:
    path = any_site.root / "large"
    any_site.root.mkdir()
    path.write_bytes(bytes(range(256)) * (PART // 128) + b"end")
    store = Store(any_site.config)

    put = store.put_file("node001/large", path)

    assert put.size == path.stat().st_size
    assert store.get("node001/large") == path.read_bytes()


def test_an_error_has_no_secret(any_site: Site) -> None:
    from dataclasses import replace  # noqa: PLC0415

    from solrecd.process.secret import Secret  # noqa: PLC0415

    config = replace(any_site.config, secret_key=Secret(b"hush-hush-hush"))
    shown = repr(config) + repr(Store(config))
    try:
        Store(config).put("a", b"b")
    except StoreError as error:
        shown += repr(error) + str(error)

    assert "hush" not in shown


async def test_a_segment_waits_for_an_index_that_cannot_be_read(site: Site) -> None:
    site.write("node001")
    aside = site.index.rename(site.index.with_name("aside"))
    with pytest.raises(StoreError, match="index"):
        await site.offload().round()

    aside.rename(site.index)
    await site.offload().round()

    assert site.told.copied == 3
