"""`solrecctl --dir s3://...`: history out of a real object store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from solrecd.cli.program import Exit, run
from solrecd.cli.solrecctl import PROGRAM
from solrecd.storage.index import Index
from solrecd.storage.offload.cache import Cache
from solrecd.storage.offload.manifest import StoredFile
from solrecd.storage.offload.store import Store
from tests.support.offloading import WORDS, Site
from tests.support.stores import (
    ACCESS_KEY,
    SECRET_KEY,
    Trouble,
    config_of,
    moto_store,
    rclone_store,
)

URL = "s3://consoles/hall2"
Ctl = Callable[..., tuple[int, str, str]]


@pytest.fixture
def trouble() -> Trouble:
    return Trouble()


@contextmanager
def filled(root: Path, port: int) -> Iterator[Site]:
    """Yield a site whose closed segments are in the store."""
    site = Site(root / "site", config_of(port))
    site.write("node001")
    site.write("node002", boots=3)
    trio.run(site.offload().round)
    yield site


@pytest.fixture
def site(
    tmp_path: Path, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    with moto_store(trouble) as port, filled(tmp_path, port) as site:
        use(monkeypatch, port, tmp_path)
        trouble.seen.clear()
        yield site


def use(monkeypatch: pytest.MonkeyPatch, port: int, tmp_path: Path) -> None:
    """Let the environment say where the store is, as for Amazon's own tools."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def ctl(capfdbinary: pytest.CaptureFixture[bytes]) -> Ctl:
    def call(*arguments: str) -> tuple[int, str, str]:
        status = run(PROGRAM, ["--dir", URL, *arguments])
        captured = capfdbinary.readouterr()
        return status, captured.out.decode(), captured.err.decode()

    return call


def rows(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def fetched(trouble: Trouble, suffix: str) -> list[str]:
    return [path for method, path in trouble.seen if method == "GET" and suffix in path]


def test_boots_are_those_that_were_copied(site: Site, ctl: Ctl) -> None:
    status, output, errors = ctl("boots", "--json")

    assert (status, errors) == (Exit.DONE, "")
    found = [(row["console"], row["boot"], row["outcome"]) for row in rows(output)]
    assert sorted(found) == [
        *(("node001", boot, "ok") for boot in (1, 2, 3)),
        *(("node002", boot, "ok") for boot in (1, 2)),
    ]


def test_boots_that_were_not_known_when_they_were_copied_are_replayed(
    ctl: Ctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with moto_store(Trouble()) as port:
        use(monkeypatch, port, tmp_path)
        site = Site(tmp_path / "site", config_of(port))
        site.write("node001")
        site.index.unlink()
        Index.create(site.index).close()
        trio.run(site.offload().round)

        status, output, _ = ctl("boots", "--json")

    found = [json.loads(line) for line in output.splitlines() if line[0] == "{"]
    assert status == Exit.DONE
    assert [row["boot"] for row in found] == [1, 2, 3]


def test_listing_boots_fetches_no_console_output(
    site: Site, ctl: Ctl, trouble: Trouble
) -> None:
    ctl("boots")
    ctl("events")
    ctl("coverage")

    for suffix in (".raw.", ".log.", ".timing."):
        assert fetched(trouble, suffix) == []


@pytest.mark.parametrize("server", ["moto", "rclone"])
def test_a_log_is_what_the_console_printed(
    server: str, ctl: Ctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = moto_store(Trouble()) if server == "moto" else rclone_store(tmp_path / "s")
    with opened as port, filled(tmp_path, port):
        use(monkeypatch, port, tmp_path)
        status, output, _ = ctl("log", "node001@2", "--no-stamps")

        assert status == Exit.DONE
        assert output.endswith(f"Linux version 6.1.0\nnode001 eats {WORDS[1]}\n")


def test_grep_fetches_only_what_may_match(
    site: Site, ctl: Ctl, trouble: Trouble
) -> None:
    status, output, errors = ctl("grep", WORDS[2])

    assert (status, errors) == (Exit.DONE, "")
    assert [line.endswith(f"eats {WORDS[2]}") for line in output.splitlines()] == [True]
    (path,) = fetched(trouble, ".log.")
    assert "boot-000003" in path


def test_what_was_fetched_once_is_here(site: Site, ctl: Ctl, trouble: Trouble) -> None:
    first = ctl("grep", "eats")
    trouble.seen.clear()

    assert ctl("grep", "eats") == first
    assert fetched(trouble, "boot-") == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("diff", "node001", "1", "2"),
        ("diff", "node001", "--fleet", "2"),
        ("replay", "node001", "--boot", "1", "--speed", "1000"),
        ("export", "node001", "--boot", "1", "-o", "{tmp}/boot.html"),
        ("export", "node001", "--boot", "1", "-o", "{tmp}/boot.raw"),
        ("screen", "node001"),
        ("events", "--kind", "gap", "--json"),
    ],
    ids=lambda words: words[0],
)
def test_the_other_commands_read_it_too(
    arguments: tuple[str, ...], site: Site, ctl: Ctl, tmp_path: Path
) -> None:
    status, _, errors = ctl(*(each.format(tmp=tmp_path) for each in arguments))

    assert (status, errors) == (Exit.DONE, "")


def test_coverage_comes_from_manifests_alone(
    site: Site, ctl: Ctl, trouble: Trouble
) -> None:
    status, output, _ = ctl("coverage", "--json", "--since", "2020-01-01T00:00Z")

    found = {row["console"]: row for row in rows(output)}
    assert status == Exit.DONE
    assert found["node001"]["gaps"] == 3
    assert found["node001"]["lost_seconds"] == 108.0
    assert fetched(trouble, "boot-") == []


def test_a_store_that_is_down_is_one_line(
    site: Site, ctl: Ctl, trouble: Trouble
) -> None:
    trouble.down = True

    status, output, errors = ctl("boots")

    assert (status, output) == (Exit.USAGE, "")
    assert len(errors.splitlines()) == 1
    assert "503" in errors


def test_a_store_that_fails_in_the_middle_is_one_line(
    site: Site, ctl: Ctl, trouble: Trouble
) -> None:
    store = Store(site.config)
    for item in list(store.list("node001")):
        if item.key.endswith(".log.zst"):
            store.put(item.key, b"other bytes")

    status, _, errors = ctl("log", "node001@1")

    assert status == Exit.UNREACHABLE
    assert "other bytes than were put" in errors
    assert len(errors.splitlines()) == 1


def test_what_writes_is_refused(site: Site, ctl: Ctl) -> None:
    status, _, errors = ctl("reindex")

    assert status == Exit.USAGE
    assert "copy it here first" in errors


def test_a_configuration_file_tells_server_and_account(
    site: Site, ctl: Ctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name)
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET_KEY}\n")
    secret.chmod(0o600)
    file = tmp_path / "solrecd.toml"
    file.write_text(
        f'[offload]\nurl = "{URL}"\nendpoint = "{site.config.endpoint}"\n'
        f'access_key = "{ACCESS_KEY}"\nsecret_key_file = "{secret}"\n'
    )

    status, output, _ = ctl("-c", str(file), "boots")

    assert status == Exit.DONE
    assert len(output.splitlines()) == 5


def test_a_url_that_is_none_is_told(ctl: Ctl) -> None:
    status = run(PROGRAM, ["--dir", "s3://", "boots"])

    assert status == Exit.USAGE


def test_a_cache_keeps_what_was_used_last_within_its_bound(
    site: Site, tmp_path: Path
) -> None:
    store = Store(site.config)
    cache = Cache(tmp_path / "small", limit=2500)
    folder = cache.folder("node001")
    for name in ("a", "b", "c", "d"):
        put = store.put(f"node001/{name}", name.encode() * 1000)
        cache.fetch(store, f"node001/{name}", folder / name, StoredFile(*put))

    left = {path.name for path in folder.iterdir()}
    assert "d" in left
    assert len(left) <= 2
