"""What both programs share: dispatch, exit status, help, start-up."""

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from solrecd import __version__
from solrecd.cli import program, solrecctl, solrecd
from solrecd.cli.program import Command, CommandError, Exit, Program
from solrecd.cli.shared.config_files import DEFAULT_PATH
from solrecd.cli.shared.source import DEFAULT_CONFIG, DEFAULT_PATHS
from solrecd.config import DaemonConfig
from solrecd.storage.index import FILE_NAME, Index
from tests.support.build import IS_COMPILED

HEAVY = {
    "trio",
    "pyghmi",
    "starlette",
    "hypercorn",
    "re2",
    "zstandard",
    "ClusterShell",
    "structlog",
    "prometheus_client",
    "cryptography",
    "dataclasses",
    "http.client",
    "asyncio",
    "shutil",
    "solrecd.storage.index.writing",
}
"""Modules that `ls` and `boots` must start without, to start within 80 ms."""

BOTH = [solrecd.PROGRAM, solrecctl.PROGRAM]
COMMANDS = [(each, command.name) for each in BOTH for command in each.commands]


def raising(error: BaseException) -> Program:
    """Return a program whose one command, ``fail``, raises."""
    module = type(sys)("a_failing_command")

    def fail(args: argparse.Namespace) -> int:
        raise error

    vars(module).update(add_arguments=lambda parser: None, main=fail)
    sys.modules[module.__name__] = module
    commands = [Command("fail", module.__name__, "fail")]
    return Program("prog", "", commands, lambda parser: None, {}, "")


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (CommandError("no such thing", Exit.NO), 1, "prog: no such thing\n"),
        (CommandError("bad usage"), 2, "prog: bad usage\n"),
        (CommandError("gone", Exit.UNREACHABLE), 3, "prog: gone\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_an_error_is_one_line_and_an_exit_status(
    error: BaseException,
    status: int,
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert program.run(raising(error), ["fail"]) == status
    assert capsys.readouterr().err == words


def test_an_unknown_command_gets_a_suggestion(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert program.run(solrecctl.PROGRAM, ["statsu"]) == Exit.USAGE
    assert "did you mean status?" in capsys.readouterr().err


def test_no_command_shows_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.run(solrecctl.PROGRAM, []) == Exit.USAGE
    assert "reindex" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [["--json", "reindex", "--dir", "x"], ["reindex", "--dir", "x", "--json"]],
)
def test_common_options_stand_on_either_side_of_the_command(
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)

    assert program.run(solrecctl.PROGRAM, arguments) == Exit.USAGE
    assert "no archive: x" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("owner", "name"), COMMANDS, ids=[f"{p.name}-{name}" for p, name in COMMANDS]
)
def test_every_command_explains_itself(
    owner: Program, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):
        program.run(owner, [name, "--help"])

    assert owner.table[name].help in capsys.readouterr().out


@pytest.mark.parametrize(
    ("owner", "name"),
    [*COMMANDS, *((program, "") for program in BOTH)],
    ids=[f"{p.name}-{name}" for p, name in COMMANDS] + [p.name for p in BOTH],
)
def test_help_fits_a_terminal_of_80_columns(
    owner: Program,
    name: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    with pytest.raises(SystemExit, match="0"):
        program.run(owner, [*([name] if name else []), "--help"])

    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if len(line) > 80] == []


@pytest.mark.parametrize("owner", BOTH, ids=lambda owner: owner.name)
def test_one_parser_knows_every_command(owner: Program) -> None:
    text = program.full_parser(owner).format_help()

    assert all(command.help in " ".join(text.split()) for command in owner.commands)


@pytest.mark.parametrize("owner", BOTH, ids=lambda owner: owner.name)
def test_the_version_is_told(
    owner: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):
        program.run(owner, ["--version"])

    how = "compiled" if IS_COMPILED else "pure Python"
    assert capsys.readouterr().out == f"{__version__} ({how})\n"


@pytest.mark.parametrize("command", ["ls", "boots"])
def test_questions_start_without_what_they_do_not_need(
    command: str, tmp_path: Path
) -> None:
    Index.create(tmp_path / FILE_NAME).close()
    code = (
        "import sys\n"
        "from solrecd.cli.solrecctl import main\n"
        f"sys.argv = ['', '{command}', '-s', '/missing', '--dir', '{tmp_path}']\n"
        "main()\n"
        "print(*sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert set(done.stdout.split()) & HEAVY == set()


def test_the_paths_are_those_of_the_configuration() -> None:
    daemon = DaemonConfig()

    assert DEFAULT_CONFIG == DEFAULT_PATH
    assert {key: getattr(daemon, key) for key in DEFAULT_PATHS} == DEFAULT_PATHS


def test_a_reader_who_leaves_ends_the_command_quietly() -> None:
    code = (
        "import sys, types\n"
        "from solrecd.cli.program import Command, Program, run\n"
        "module = sys.modules['flood'] = types.ModuleType('flood')\n"
        "module.add_arguments = lambda parser: None\n"
        "module.main = lambda args: [print('x' * 1000) for _ in range(1000)] and 0\n"
        "commands = [Command('flood', 'flood', 'flood')]\n"
        "program = Program('p', '', commands, lambda parser: None, {}, '')\n"
        "sys.exit(run(program, ['flood']))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.readline()
        child.stdout.close()
        complaint = child.stderr.read()

    assert (child.returncode, complaint) == (program.PIPE_CLOSED, b"")
