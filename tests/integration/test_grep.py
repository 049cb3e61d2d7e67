"""`solrecctl grep` on archives as the recorder leaves them, and on damaged ones."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from solrecd.cli.program import CommandError, Exit, run
from solrecd.cli.shared import workers
from solrecd.cli.solrecctl import PROGRAM
from solrecd.process.stamps import SECOND, parse_stamp
from solrecd.storage.archive.closer import Closer
from solrecd.storage.formats.names import SegmentName, parse_file_name
from solrecd.storage.formats.retention import Retention
from solrecd.storage.formats.vocabulary import FILE_NAME
from tests.support.archives import Printed, write_segment

NOON = parse_stamp("2026-11-22T12:00:00.000000Z")
Ctl = Callable[..., tuple[int, str, str]]

BOOTS = {
    "node001": (
        ("[    0.000000] Linux version 6.1.0", "eth0: link is up", "node001 login: "),
        ("[    0.000000] Linux version 6.1.0", "zq-needle found", "eth0: link is Down"),
        ("[    0.000000] Linux version 6.2.0", "eth0: link is up", "still running"),
    ),
    "node002": (
        (
            "[    0.000000] Linux version 6.1.0",
            "[    1.000000] Kernel panic - not syncing: no root",
        ),
        ("[    0.000000] Linux version 6.1.0", "\x1b[2Jhostile zq-needle\x1b[0m"),
    ),
}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return an archive whose last boots are open and whose others were closed."""
    folder = tmp_path / "log"
    closer = Closer(
        folder, compress=True, retention=Retention(), wall_clock=lambda: NOON
    )
    for console, boots in BOOTS.items():
        for number, lines in enumerate(boots, 1):
            start = NOON + number * 600 * SECOND
            printed = [
                Printed(start + n * SECOND, text) for n, text in enumerate(lines)
            ]
            printed.append(Printed(start + 60 * SECOND, "gap: of no length", note=True))
            name = write_segment(folder, console, printed, boot=number)
            if number < len(boots):
                closer.add(console, name)
    closer.work()
    return folder


@pytest.fixture
def ctl(archive: Path, capsys: pytest.CaptureFixture[str]) -> Ctl:
    """Return `solrecctl --dir ... grep`: status, output, errors."""

    def call(*arguments: str) -> tuple[int, str, str]:
        status = run(PROGRAM, ["--dir", str(archive), "grep", *arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def places(output: str) -> list[str]:
    """Return console and boot of each line."""
    return [line.split()[0] for line in output.splitlines()]


def log_of(archive: Path, console: str, boot: int) -> Path:
    """Return the log of a boot."""
    (path,) = (archive / console).glob(f"*boot-{boot:06}.log*")
    return path


def test_a_match_is_shown_with_console_boot_and_time(ctl: Ctl) -> None:
    status, output, _ = ctl("found$")

    assert status == Exit.DONE
    assert output == "node001:2 2026-11-22T12:20:01.000000Z | zq-needle found\n"


def test_open_and_closed_segments_are_searched_in_time_order(ctl: Ctl) -> None:
    _, output, _ = ctl("Linux")

    assert places(output) == [
        "node001:1",
        "node001:2",
        "node001:3",
        "node002:1",
        "node002:2",
    ]


def test_options_may_stand_between_names(ctl: Ctl) -> None:
    assert places(ctl("Linux", "--boot", "1", "node002")[1]) == ["node002:1"]


def test_a_missing_pattern_is_what_is_asked_for(
    ctl: Ctl, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        ctl("--failed")

    assert capsys.readouterr().err == (
        "solrecctl grep: the following arguments are required: PATTERN;"
        " see solrecctl grep --help\n"
    )


def test_nothing_is_found_with_status_one(ctl: Ctl) -> None:
    assert ctl("no such words") == (Exit.NO, "", "")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-i", "DOWN"], ["node001:2"]),
        (["DOWN"], []),
        (["-F", "6.1.0", "node001"], ["node001:1", "node001:2"]),
        (["^eth0.*up$"], ["node001:1", "node001:3"]),
        (["--boot", "-1", "Linux"], ["node001:3", "node002:2"]),
        (["--boot", "2", "Linux"], ["node001:2", "node002:2"]),
        (["--since", "2026-11-22T12:25", "Linux"], ["node001:3"]),
        (["--until", "2026-11-22T12:11", "Linux"], ["node001:1", "node002:1"]),
        (["--failed", "Linux"], ["node002:1"]),
        (["--last-failed", "Linux"], ["node002:1"]),
        (["--last-good", "link"], ["node001:1"]),
        (["--stage", "login", "."], ["node001:1", "node001:1"]),
        (["-v", "Linux|gap|eth0", "node001"], ["node001:1", "node001:2", "node001:3"]),
        (["gap", "node002"], ["node002:1", "node002:2"]),
        (["2026"], []),
    ],
)
def test_lines_are_chosen(ctl: Ctl, arguments: list[str], expected: list[str]) -> None:
    status, output, errors = ctl(*arguments)

    assert (places(output), errors) == (expected, "")
    assert status == (Exit.DONE if expected else Exit.NO)


def test_boots_are_counted(ctl: Ctl) -> None:
    assert ctl("-c", "eth0|login")[1] == "node001:1:2\nnode001:2:1\nnode001:3:1\n"


def test_boots_are_listed(ctl: Ctl) -> None:
    assert ctl("-l", "needle")[1] == "node001:2\nnode002:2\n"


def test_only_what_matched_is_shown(ctl: Ctl) -> None:
    _, output, _ = ctl("-o", r"e\w+", "--boot", "2", "node001")

    assert [line.rpartition(" ")[2] for line in output.splitlines()] == [
        "ersion",
        "eedle",
        "eth0",
        "ength",
    ]


def test_neighbours_are_shown_once_and_marked(ctl: Ctl) -> None:
    _, output, _ = ctl("-B1", "needle|gap", "node001", "--boot", "2")

    assert places(output) == ["node001-2", "node001:2", "node001-2", "node001:2"]


def test_groups_of_different_boots_are_apart_too(ctl: Ctl) -> None:
    _, output, _ = ctl("-B1", "link")

    assert places(output) == [
        *["node001-1", "node001:1", "--", "node001-2", "node001:2", "--"],
        *["node001-3", "node001:3"],
    ]


def test_lines_left_out_between_neighbours_show_as_dashes(ctl: Ctl) -> None:
    _, output, _ = ctl("-A1", "Linux|gap", "node001", "--boot", "1")

    assert places(output) == ["node001:1", "node001-1", "--", "node001:1"]


def test_objects_have_the_number_of_the_line_in_its_boot(
    ctl: Ctl, archive: Path
) -> None:
    start = NOON + 3600 * SECOND
    for part in (2, 3):
        lines = [Printed(start + part, "more"), Printed(start + part, "more")]
        write_segment(archive, "node001", lines, boot=3, part=part)

    _, output, _ = ctl("--json", "running|more|gap", "node001", "--boot", "3")

    found = [json.loads(line) for line in output.splitlines()]
    assert [each["line"] for each in found] == [3, None, 4, 5, 6, 7]
    assert found[0] == {
        "console": "node001",
        "boot": 3,
        "time": "2026-11-22T12:30:02.000000Z",
        "line": 3,
        "note": False,
        "text": "still running",
        "match": True,
    }


def test_counts_are_objects_too(ctl: Ctl) -> None:
    _, output, _ = ctl("--json", "-c", "needle")

    assert [json.loads(line) for line in output.splitlines()] == [
        {"console": "node001", "boot": 2, "count": 1},
        {"console": "node002", "boot": 2, "count": 1},
    ]


def test_no_escape_sequence_reaches_the_reader(ctl: Ctl) -> None:
    _, output, _ = ctl("hostile")

    assert r"\x1b[2Jhostile" in output
    assert "\x1b" not in output


@pytest.mark.parametrize(
    ("pattern", "column"), [("foo(bar", 7), ("a)b", 1), ("x**", 1), ("[z-a]", 1)]
)
def test_a_wrong_pattern_is_shown_with_a_caret_under_the_spot(
    ctl: Ctl, pattern: str, column: int
) -> None:
    status, output, errors = ctl(pattern)

    reason, shown, caret = errors.splitlines()
    assert (status, output) == (Exit.USAGE, "")
    assert reason.startswith("solrecctl: ")
    assert (shown, caret) == (pattern, " " * column + "^")


def test_only_segments_with_the_word_are_opened(ctl: Ctl, archive: Path) -> None:
    log_of(archive, "node001", 1).write_bytes(b"unreadable")

    status, output, errors = ctl("needle")

    assert (status, errors) == (Exit.DONE, "")
    assert places(output) == ["node001:2", "node002:2"]


@pytest.mark.parametrize("content", [None, b"", b"garbage", b"SWv1" + bytes(99)])
def test_without_a_vocabulary_all_is_read(
    ctl: Ctl, archive: Path, content: bytes | None
) -> None:
    for path in archive.glob(f"*/{FILE_NAME}"):
        path.unlink() if content is None else path.write_bytes(content)

    assert places(ctl("needle")[1]) == ["node001:2", "node002:2"]


def test_a_reindex_learns_the_words_of_an_archive_from_elsewhere(
    ctl: Ctl, archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = archive / "node001" / FILE_NAME
    before = path.read_bytes()
    path.unlink()

    run(PROGRAM, ["--dir", str(archive), "reindex"])

    capsys.readouterr()
    assert path.read_bytes() == before
    assert places(ctl("needle")[1]) == ["node001:2", "node002:2"]


def test_damage_is_told_and_what_can_be_read_is_shown(ctl: Ctl, archive: Path) -> None:
    path = log_of(archive, "node001", 1)
    path.write_bytes(path.read_bytes()[:-60])

    status, output, errors = ctl("Linux", "node001")

    assert status == Exit.USAGE
    assert places(output)[-2:] == ["node001:2", "node001:3"]
    assert f"{path}: byte " in errors


def test_a_segment_that_is_closed_meanwhile_is_found_under_its_other_name(
    archive: Path,
) -> None:
    from solrecd.storage.history.frames import read_pieces  # noqa: PLC0415

    closed = log_of(archive, "node001", 1)

    text = b"".join(read_pieces(closed.with_suffix(""), lambda fault: None))

    assert b"Linux version" in text


def test_a_segment_that_disappears_is_told(archive: Path) -> None:
    from solrecd.storage.history.frames import read_pieces  # noqa: PLC0415

    told: list[object] = []

    pieces = list(read_pieces(archive / "node001" / "gone.log.zst", told.append))

    assert (pieces, len(told)) == ([], 1)


def test_other_tools_are_not_disturbed(archive: Path) -> None:
    command = f"zstdgrep -l needle {archive}/*/*.log.zst"

    found = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, check=False
    )

    assert found.stdout == f"{log_of(archive, 'node001', 2)}\n"
    assert all(
        parse_file_name(entry.name) or entry.name.startswith((".", "current."))
        for entry in os.scandir(archive / "node001")
    )


def test_words_of_removed_segments_are_forgotten_in_time(tmp_path: Path) -> None:
    closer = Closer(
        tmp_path, compress=True, retention=Retention(boots=1), wall_clock=lambda: NOON
    )
    for boot in range(1, 81):
        lines = [Printed(NOON + boot * SECOND, f"word{'gh' * boot}")]
        closer.add("node001", write_segment(tmp_path, "node001", lines, boot=boot))

    closer.work()

    path = tmp_path / "node001" / FILE_NAME
    assert str(SegmentName(1, 1, NOON + SECOND)).encode() not in path.read_bytes()
    assert path.stat().st_size < 1000


def test_jobs_of_several_processes_are_told_in_order() -> None:
    def work(job: int) -> list[tuple[int, bytes]]:
        return [(1, b"%d" % job), (2, bytes(300_000))]

    told = list(workers.run(9, lambda job: iter(work(job)), 3))

    assert [(it.job, it.kind) for it in told] == [
        (job, kind) for job in range(9) for kind in (1, 2, 0)
    ]
    assert {len(it.data) for it in told if it.kind == 2} == {300_000}


def test_a_process_that_ends_early_is_an_error(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def work(_job: int) -> list[tuple[int, bytes]]:
        os._exit(9)

    with pytest.raises(CommandError, match="was ended"):
        list(workers.run(4, lambda job: iter(work(job)), 2))

    assert capfd.readouterr().out == ""


def test_who_stops_listening_ends_the_processes() -> None:
    told = workers.run(1000, lambda job: iter([(1, bytes(100_000))]), 2)

    next(told)
    told.close()

    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_stage_that_there_is_not_is_a_mistake(ctl: Ctl) -> None:
    status, _, errors = ctl("--stage", "kernl", "needle")

    assert status == Exit.USAGE
    assert errors.startswith(
        "solrecctl: 'kernl' is not a stage; allowed: off, firmware, "
    )


def test_a_boot_that_is_none_is_a_mistake(
    ctl: Ctl, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        ctl("--boot", "lst-good", "needle")

    assert "invalid boot 'lst-good'; allowed: a number" in capsys.readouterr().err


def test_a_pattern_may_begin_with_a_dash(ctl: Ctl) -> None:
    status, output, _ = ctl("-c", "--", "-needle f", "node001")

    assert (status, output) == (Exit.DONE, "node001:2:1\n")
    assert ctl("--", "-needle f", "node001")[0] == Exit.DONE
