"""`solrecctl scan` reads any console log and keeps its line numbers."""

from __future__ import annotations

import argparse
import gc
import gzip
import io
import json
import lzma
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard

from solrecd.cli import scan
from solrecd.stamps import format_stamp

LOG = (
    b"[    0.000000] Linux version 6.1.0 (builder@example.org) (gcc) #1\n"
    b"[    5.000000] example: fine\n"
    b"[    9.000000] Kernel panic - not syncing: example\n"
)


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    """The command switches the collector off, for its own process."""
    yield
    gc.enable()


def run(*args: str) -> int:
    parser = argparse.ArgumentParser()
    scan.add_arguments(parser)
    return scan.main(parser.parse_args(args))


def test_events_are_printed_with_their_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.log").write_bytes(LOG)

    status = run("--json", str(tmp_path / "a.log"))

    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert status == 0
    assert [(e["name"], e["line"]) for e in events] == [("kernel", 1), ("panic", 3)]
    assert "file" not in events[0]


@pytest.mark.parametrize(
    "pack", [gzip.compress, lzma.compress, zstandard.ZstdCompressor().compress]
)
def test_packed_files_are_unpacked_whatever_their_name(
    pack: Callable[[bytes], bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "console").write_bytes(pack(LOG))

    assert run(str(tmp_path / "console")) == 0
    assert "Kernel panic" in capsys.readouterr().out


def test_several_files_are_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(LOG)

    run("--json", str(tmp_path / "a"), str(tmp_path / "b"))

    files = {json.loads(line)["file"] for line in capsys.readouterr().out.splitlines()}
    assert files == {str(tmp_path / "a"), str(tmp_path / "b")}


def test_archived_lines_give_their_times_and_notes_are_no_output() -> None:
    stamps = [format_stamp(1_700_000_000_000_000 + n) for n in range(3)]
    archived = (
        f"{stamps[0]} | [    1.000000] example: fine\n"
        f"{stamps[1]} # gap: Kernel panic - not syncing: a note\n"
        f"{stamps[2]} | [    9.000000] Kernel panic - not syncing: example\n"
    ).encode()

    events = list(scan.scan(io.BytesIO(archived), "x", scan.packaged_rules()))

    assert [(e.name, e.line, format_stamp(e.time)) for e in events] == [
        ("panic", 3, stamps[2])
    ]


def test_a_healthy_log_has_nothing_to_tell(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"all is well\n")

    assert run(str(tmp_path / "a")) == 1


def test_a_missing_file_is_said_and_the_others_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a").write_bytes(LOG)

    status = run(str(tmp_path / "none"), str(tmp_path / "a"))

    captured = capsys.readouterr()
    assert status == 2
    assert "none" in captured.err
    assert "Kernel panic" in captured.out


def test_a_line_that_only_looks_like_a_failure_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "console.log"
    log.write_text("[    1.000000] mce: CPU supports 32 MCE banks\n")

    run(str(log), "--explain")

    assert "1  ignored   rule no.mce-support: no failure" in capsys.readouterr().out


def test_a_bad_rule_of_ones_own_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.toml").write_text('[[marker]]\nid = "mine"\n')

    status = run("--markers", str(tmp_path), "/dev/null")

    assert status == 2
    assert f"{tmp_path}/mine.toml:1: mine: role is missing" in capsys.readouterr().err
