"""The commands on an archive folder, and against a daemon's API."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from solrecd.api.app import api_app
from solrecd.api.server import serve
from solrecd.cli.program import Exit, run
from solrecd.cli.solrecctl import PROGRAM
from solrecd.events.lines import Line
from solrecd.process.stamps import parse_stamp
from solrecd.storage.index import FILE_NAME, Index
from tests.support.archives import Printed, write_segment
from tests.support.fleet import FakeFleet, open_gate

NOON = parse_stamp("2026-11-22T12:00:00.000000Z")
SECOND = 1_000_000
GOOD = (
    "[    0.000000] Linux version 6.1.0-56-amd64 (debian@lists) #1 SMP",
    "[    0.000000] Command line: root=/dev/sda1 ro",
    "[    1.000000] Run /init as init process",
    "Debian GNU/Linux 12 node001 ttyS0",
    "node001 login: ",
)
RESTART = "[  300.000000] reboot: Restarting system"
BAD = (
    *GOOD[:2],
    "[    2.000000] Kernel panic - not syncing: VFS: Unable to mount root fs",
    "\x1b[2Jhostile",
)
Ctl = Callable[..., tuple[int, str, str]]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return an archive: node001 booted well twice and failed between."""
    folder = tmp_path / "log"
    for boot, lines in enumerate((GOOD, BAD, GOOD), 1):
        start = NOON + boot * 600 * SECOND
        printed = [Printed(start + n * SECOND, text) for n, text in enumerate(lines)]
        if boot == 1:
            printed.append(Printed(start + 300 * SECOND, RESTART))
        write_segment(folder, "node001", printed, boot=boot, closed=boot < 3)
    return folder


@pytest.fixture
def ctl(archive: Path, capsys: pytest.CaptureFixture[str]) -> Ctl:
    """Return `solrecctl --dir`: status, output, errors."""

    def call(*arguments: str) -> tuple[int, str, str]:
        status = run(PROGRAM, ["--dir", str(archive), *arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def objects(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


@pytest.mark.parametrize("indexed", ["with an index", "without"])
def test_boots_are_listed(ctl: Ctl, indexed: str) -> None:
    if indexed == "with an index":
        assert ctl("reindex")[0] == Exit.DONE

    status, output, errors = ctl("boots", "--json")

    assert (status, errors) == (Exit.DONE, "")
    assert [boot["outcome"] for boot in objects(output)] == ["ok", "failed", "ok"]
    assert {boot["kernel"] for boot in objects(output)} == {"6.1.0-56-amd64"}


@pytest.mark.parametrize(
    ("arguments", "boots"),
    [
        (["--failed"], ["2"]),
        (["-n", "1"], ["3"]),
        (["--kernel", "6.1"], ["1", "2", "3"]),
        (["--since", "2026-11-22T12:15"], ["2", "3"]),
        (["--until", "2026-11-22T12:15"], ["1"]),
    ],
)
def test_boots_are_chosen(ctl: Ctl, arguments: list[str], boots: list[str]) -> None:
    status, output, _ = ctl("boots", "node", *arguments)

    assert status == Exit.DONE
    assert [line.split("\t")[2] for line in output.splitlines()] == boots


def test_a_script_gets_more_columns_when_it_asks_for_more(ctl: Ctl) -> None:
    _, output, _ = ctl("boots", "--verbose", "-n", "1")

    (row,) = output.splitlines()
    assert row.split("\t")[-1] == "root=/dev/sda1 ro"


def test_no_boot_is_an_answer_too(ctl: Ctl) -> None:
    assert ctl("boots", "--kernel", "5") == (Exit.NO, "", "")


@pytest.mark.parametrize(
    ("arguments", "first"),
    [
        ([], "2026-11-22T12:30:00.000000Z | [    0.000000] Linux version"),
        (["--boot", "1"], "2026-11-22T12:10:00.000000Z | [    0.000000] Linux"),
        (["--boot", "-2"], "2026-11-22T12:20:00.000000Z | "),
        (["-b", "2"], "2026-11-22T12:20:00.000000Z | "),
        (["--last-failed"], "2026-11-22T12:20:00.000000Z | "),
        (["--last-good"], "2026-11-22T12:30:00.000000Z | "),
        (["--no-stamps"], "[    0.000000] Linux version"),
        (["--since", "2026-11-22T12:20:02"], "2026-11-22T12:20:02.000000Z | "),
        (["--stage", "login"], "2026-11-22T12:30:0"),
    ],
)
def test_a_log_is_shown(ctl: Ctl, arguments: list[str], first: str) -> None:
    status, output, _ = ctl("log", "node001", *arguments)

    assert status == Exit.DONE
    assert output.startswith(first)


@pytest.mark.parametrize("boot", ["2", "-2", "last-failed"])
def test_a_boot_is_named_behind_its_console(ctl: Ctl, boot: str) -> None:
    assert ctl("log", f"node001@{boot}") == ctl("log", "node001", "--boot", "2")


def test_a_boot_that_is_named_twice_or_not_at_all_is_refused(ctl: Ctl) -> None:
    for words in (["node001@2", "-b", "3"], ["-b", "3", "node001@2"], ["node001@x"]):
        assert ctl("log", *words)[0] == Exit.USAGE


def test_a_time_ago_may_begin_with_a_dash(ctl: Ctl) -> None:
    assert ctl("boots", "--since", "-1h") == (Exit.NO, "", "")


def test_what_a_console_printed_never_obeys_on_a_terminal(ctl: Ctl) -> None:
    _, output, _ = ctl("log", "node001", "--boot", "2")
    _, as_json, _ = ctl("log", "node001", "--boot", "2", "--json")

    assert "\x1b" not in output
    assert "\\x1b[2Jhostile" in output
    assert objects(as_json)[-1]["text"].endswith("hostile")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], BAD),
        (["--since", "2026-11-22T12:20:02"], BAD[2:]),
        (["--until", "2026-11-22T12:20:02"], BAD[:2]),
        (["--stage", "kernel"], BAD),
    ],
)
def test_raw_bytes_are_chosen_like_lines(
    ctl: Ctl, arguments: list[str], expected: tuple[str, ...]
) -> None:
    status, output, _ = ctl("log", "node001", "--boot", "2", "--raw", *arguments)

    assert status == Exit.DONE
    assert output == "".join(f"{line}\r\n" for line in expected)


def test_the_last_good_boot_is_compared_with_the_one_that_is_named(ctl: Ctl) -> None:
    status, output, errors = ctl("diff", "node001", "2", "--json")

    head, *changes = objects(output)
    assert (status, errors) == (Exit.DONE, "")
    assert [boot["boot"] for boot in head["boots"]] == [1, 2]
    assert [boot["last_stage"] for boot in head["boots"]] == ["login", "kernel"]
    assert [(it["change"], it["text"]) for it in changes[:2]] == [
        ("new", "Kernel panic - not syncing: VFS: Unable to mount root fs"),
        ("new", "\x1b[2Jhostile"),
    ]
    assert [it["change"] for it in changes[2:]] == ["ahead"] * 4


def test_a_comparison_begins_with_how_far_both_came(ctl: Ctl) -> None:
    _, output, _ = ctl("diff", "node001", "1", "2")

    assert "reached\tlogin\tkernel\n" in output
    assert "new in boot 2: 2 messages\n  kernel\n+      2.000  Kernel panic" in output
    assert "boot 2 ends here, the other went on: 4 messages" in output
    assert "\x1b" not in output


def test_boots_that_are_alike_have_nothing_to_tell(ctl: Ctl) -> None:
    _, output, _ = ctl("diff", "node001", "3", "3")

    assert output.endswith("both boots say the same, equally fast\n")


def test_the_fleet_says_what_is_new(ctl: Ctl) -> None:
    status, output, _ = ctl("diff", "node001", "--fleet", "--json")

    head, *changes = objects(output)
    assert status == Exit.DONE
    assert (head["boots"][0]["boot"], head["compared"]) == (2, 2)
    assert [it["text"] for it in changes] == [
        "Kernel panic - not syncing: VFS: Unable to mount root fs",
        "\x1b[2Jhostile",
    ]


def damage(archive: Path, pattern: str) -> Path:
    (path,) = (archive / "node001").glob(pattern)
    path.write_bytes(path.read_bytes()[:-30])
    return path


@pytest.mark.parametrize("command", ["boots", "events"])
def test_damage_is_told_once_and_the_rest_is_listed(
    ctl: Ctl, archive: Path, command: str
) -> None:
    path = damage(archive, "*boot-000002.timing.zst")

    status, output, errors = ctl(command, "node001")

    assert status == Exit.NO
    assert "6.1.0-56-amd64" in output
    assert errors.startswith(f"solrecctl: {path}: byte ")
    assert errors.count("\n") == 1


def test_a_text_that_is_gone_is_told_with_the_remedy(ctl: Ctl, archive: Path) -> None:
    for path in (archive / "node001").glob("*boot-000002.log.zst"):
        path.unlink()

    status, output, errors = ctl("log", "node001", "--boot", "2")
    _, raw, _ = ctl("log", "node001", "--boot", "2", "--raw")

    assert (status, output) == (Exit.NO, "")
    assert "its text (.log) is gone; log --raw has the bytes" in errors
    assert raw == "".join(f"{line}\r\n" for line in BAD)


@pytest.mark.parametrize("place", ["log", ".", "state"])
def test_the_index_is_found_beside_the_archive(
    ctl: Ctl, archive: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    folder = archive.parent / place
    folder.mkdir(exist_ok=True)
    index = folder / FILE_NAME
    ctl("reindex", "--index", str(index))
    for path in (archive / "node001").iterdir():
        path.unlink()

    _, output, _ = ctl("boots")

    assert len(output.splitlines()) == 3


def test_the_screen_is_shown(ctl: Ctl) -> None:
    status, output, _ = ctl("screen", "node001")

    assert status == Exit.DONE
    assert output.splitlines()[-1] == GOOD[-1].rstrip()


def test_the_screen_is_an_object_too(ctl: Ctl) -> None:
    _, output, _ = ctl("screen", "--json", "--size", "40x5", "node001")

    (found,) = objects(output)
    assert (found["console"], found["boot"], found["columns"]) == ("node001", 3, 40)
    assert len(found["lines"]) == found["rows"] == 5
    assert found["cursor"] == {"row": 5, "column": 1}


@pytest.mark.parametrize("size", ["0x24", "80", "80x501", "wide"])
def test_a_size_that_is_none_is_refused(ctl: Ctl, size: str) -> None:
    with pytest.raises(SystemExit):
        ctl("screen", "--size", size, "node001")


def test_pauses_are_shown(ctl: Ctl) -> None:
    _, output, _ = ctl("log", "node001", "--delta")

    assert output.splitlines()[1].startswith("     1.000 [")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["log", "node001", "--boot", "9"], Exit.NO, "there are 3 from 1 to 3"),
        (["log", "node001@9"], Exit.NO, "there are 3 from 1 to 3"),
        (["log", "node001", "-f", "-b", "2"], Exit.USAGE, "shows what comes"),
        (["log", "node001", "--stage", "zz"], Exit.NO, "it has: kernel"),
        (["log", "node009"], Exit.NO, "did you mean node001?"),
        (["boots", "--since", "soon"], Exit.USAGE, "invalid time 'soon'"),
        (["diff", "node001", "1", "9"], Exit.NO, "there are 3 from 1 to 3"),
        (["diff", "node001", "1", "2", "3"], Exit.USAGE, "at most two boots"),
        (["boots", "zz*"], Exit.NO, "matches no console"),
    ],
)
def test_a_mistake_is_one_line(
    ctl: Ctl, arguments: list[str], status: int, words: str
) -> None:
    found, output, errors = ctl(*arguments)

    assert (found, output) == (status, "")
    assert words in errors
    assert errors.count("\n") == 1


def test_damage_is_told_and_the_rest_is_shown(ctl: Ctl, archive: Path) -> None:
    (path,) = (archive / "node001").glob("*boot-000001.log.zst")
    content = path.read_bytes()
    path.write_bytes(content[:100] + bytes(20) + content[120:])

    status, output, errors = ctl("log", "node001", "--boot", "1")

    assert status == Exit.NO
    assert "login" in output
    assert f"{path}: byte " in errors


def test_a_damaged_index_is_no_hindrance_and_is_rebuilt(
    ctl: Ctl, archive: Path
) -> None:
    (archive / FILE_NAME).write_bytes(b"garbage" * 999)

    before = ctl("boots", "--json")
    rebuilt = ctl("reindex")
    after = ctl("boots", "--json")

    assert before[1] == after[1]
    assert "was unusable" in rebuilt[2]
    assert len(list(archive.glob(f"{FILE_NAME}.2*"))) == 1


RULE = """
[[marker]]
id = "site.root"
role = "failure"
name = "no_root"
severity = "critical"
pattern = 'Run /init as init process'
example = "Run /init as init process"
"""


@pytest.mark.parametrize("where", ["option", "configuration"])
def test_a_reindex_knows_the_rules_that_the_daemon_knows(
    ctl: Ctl, tmp_path: Path, where: str
) -> None:
    markers = tmp_path / "markers"
    markers.mkdir()
    (markers / "site.toml").write_text("disable = ['linux.initramfs']\n" + RULE)
    (tmp_path / "solrecd.toml").write_text(f"[daemon]\nmarkers_dir = '{markers}'\n")
    option = ["--markers", str(markers)]
    if where == "configuration":
        option = ["-c", str(tmp_path / "solrecd.toml")]

    status = ctl("reindex", *option)[0]

    _, output, _ = ctl("events", "--json", "--name", "no_root")
    assert status == Exit.DONE
    assert {event["fields"]["rule"] for event in objects(output)} == {"site.root"}


def test_a_reindex_says_what_is_wrong_with_rules(ctl: Ctl, tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text("colour = 1\n[[marker]]\nid = 'mine'\n")

    status, _, errors = ctl("reindex", "--markers", str(tmp_path))

    assert status == Exit.USAGE
    assert f"{tmp_path}/site.toml:1: unknown key 'colour'" in errors
    assert f"{tmp_path}/site.toml:2: mine: role is missing" in errors


def test_a_reindex_leaves_the_running_boot_to_the_daemon(
    ctl: Ctl, archive: Path
) -> None:
    ctl("reindex")
    index = Index.create(archive / FILE_NAME)
    running = next(index.boots(["node001"], newest=1))
    index.close()

    ctl("reindex", "node001")

    index = Index.read(archive / FILE_NAME)
    assert next(index.boots(["node001"], newest=1)) == running
    index.close()


def test_the_last_lines_are_shown(ctl: Ctl) -> None:
    status, output, _ = ctl("tail", "node001", "-n", "2")

    assert status == Exit.DONE
    assert output.splitlines()[-1].endswith("| node001 login: ")


def test_a_console_that_is_recorded_no_more_has_last_lines_too(
    ctl: Ctl, archive: Path
) -> None:
    for path in (archive / "node001").glob("*boot-000003*"):
        path.unlink()

    status, output, _ = ctl("tail", "node001", "-n", "1")

    assert status == Exit.DONE
    assert output.endswith("\\x1b[2Jhostile\n")


async def ask(path: Path, *arguments: str) -> int:
    """Run `solrecctl` beside the server of the same loop."""
    call = ["--server", str(path), *arguments]
    return await trio.to_thread.run_sync(run, PROGRAM, call)


async def test_a_fleet_is_listed_and_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "control.sock"

    async with trio.open_nursery() as nursery:
        await nursery.start(serve, api_app(FakeFleet(), "1", open_gate()), str(path))
        statuses = [
            await ask(path, "ls"),
            await ask(path, "ls", "--json", "@rack=r2"),
            await ask(path, "ls", "--down"),
            await ask(path, "ls", "--failed"),
            await ask(path, "ls", "--stage", "kernel"),
            await ask(path, "status", "b"),
            await ask(path, "b"),
            await ask(path, "zz"),
            await ask(path, "statu"),
            await ask(path, "b", "off"),
        ]
        nursery.cancel_scope.cancel()

    assert statuses == [0, 0, 1, 1, 1, 0, 0, 1, 2, 2]
    output, errors = capsys.readouterr()
    assert output.count("cipher_suite") == 2
    assert errors.splitlines() == [
        "solrecctl: there is no command 'zz'; there is no console 'zz'",
        "solrecctl: there is no command 'statu'; did you mean status or setup?",
        "solrecctl: there is no command 'b'; see --help",
    ]
    assert output.splitlines()[0].split("\t")[:3] == ["a", "up", "login"]
    assert json.loads(output.splitlines()[2])["console"] == "b"
    assert "cipher_suite" in output


@pytest.mark.parametrize("command", ["log", "screen", "boots", "tail", "grep"])
async def test_a_console_without_output_yet_is_there(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    path, config = tmp_path / "control.sock", tmp_path / "solrecd.toml"
    config.write_text(f'[daemon]\nlog_dir = "{archive}"\ncontrol = "{path}"\n')
    words = ["x", "fresh"] if command == "grep" else ["fresh"]

    async with trio.open_nursery() as nursery:
        app = api_app(FakeFleet(("node001", "fresh")), "1", open_gate())
        await nursery.start(serve, app, str(path))
        status = await ask(path, "-c", str(config), command, *words)
        unknown = await ask(path, "-c", str(config), "log", "nowhere")
        nursery.cancel_scope.cancel()

    errors = capsys.readouterr().err
    assert (status, unknown) == (Exit.NO, Exit.NO)
    assert "fresh: nothing recorded yet; session up since " in errors
    assert "there is no console 'nowhere'" in errors


async def test_consoles_with_a_record_are_shown_beside_one_without(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, config = tmp_path / "control.sock", tmp_path / "solrecd.toml"
    config.write_text(f'[daemon]\nlog_dir = "{archive}"\ncontrol = "{path}"\n')

    async with trio.open_nursery() as nursery:
        app = api_app(FakeFleet(("node001", "fresh")), "1", open_gate())
        await nursery.start(serve, app, str(path))
        status = await ask(path, "-c", str(config), "tail", "fresh", "node001")
        nursery.cancel_scope.cancel()

    said = capsys.readouterr()
    assert status == Exit.DONE
    assert GOOD[0] in said.out
    assert "fresh: nothing recorded yet" in said.err


@pytest.fixture
def no_keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with Path(os.devnull).open(encoding="utf-8") as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        yield


@pytest.mark.usefixtures("no_keyboard")
@pytest.mark.parametrize("options", [[], ["-f"]])
async def test_attach_without_a_keyboard_says_what_is_wrong(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
) -> None:
    path = tmp_path / "control.sock"

    async with trio.open_nursery() as nursery:
        await nursery.start(serve, api_app(FakeFleet(), "1", open_gate()), str(path))
        status = await ask(path, "attach", "a", *options)
        nursery.cancel_scope.cancel()

    assert status == Exit.USAGE
    said = capsys.readouterr().err
    assert "standard input is /dev/null: nothing can be typed" in said


async def test_without_a_daemon_ls_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await ask(tmp_path / "c.sock", "ls") == Exit.UNREACHABLE
    assert "no answer from solrecd" in capsys.readouterr().err


async def test_a_tail_follows_the_daemon(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, fleet = tmp_path / "control.sock", FakeFleet(("node001",))
    config = tmp_path / "solrecd.toml"
    config.write_text(f'[daemon]\nlog_dir = "{archive}"\ncontrol = "{path}"\n')
    last = NOON + 1804 * SECOND
    fleet.viewers.offer("node001", [Line(last, 0, GOOD[-1])], [])

    async with trio.open_nursery() as nursery:
        scope = await nursery.start(_serving, fleet, path)
        nursery.start_soon(ask, path, "-c", str(config), "tail", "-f", "node001")
        await fleet.watched.wait()
        prompt = Line(last + 2, 0, "login: ")
        fleet.viewers.offer("node001", [Line(last + 1, 0, "more")], [])
        fleet.viewers.offer("node001", (), (), prompt)
        await trio.sleep(0.3)
        scope.cancel()

    lines = [line[28:] for line in capsys.readouterr().out.splitlines()]
    assert lines == [f"| {line}" for line in (*GOOD, "more")] + ["~ login: "]


async def _serving(
    fleet: FakeFleet,
    path: Path,
    task_status: trio.TaskStatus[trio.CancelScope] = trio.TASK_STATUS_IGNORED,
) -> None:
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            await nursery.start(serve, api_app(fleet, "1", open_gate()), str(path))
            task_status.started(scope)
