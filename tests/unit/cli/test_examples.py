"""Examples of every command, in its help and its manual page."""

import importlib
import shlex

import pytest

from solrecd.cli import solrecctl, solrecd
from solrecd.cli.examples import EXAMPLES
from solrecd.cli.program import Program, command_parser, top_parser
from tools.manpages import ESCAPE_SETS, pages

PROGRAMS = {each.name: each for each in (solrecctl.PROGRAM, solrecd.PROGRAM)}
COMMANDS = [
    (program, command.name)
    for program in PROGRAMS.values()
    for command in program.commands
]
WIDTH = 80


def test_every_command_has_examples() -> None:
    assert EXAMPLES.keys() == {f"{one.name} {name}" for one, name in COMMANDS}


@pytest.mark.parametrize(("program", "name"), COMMANDS)
def test_a_commands_help_and_page_show_its_examples(
    program: Program, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    examples = EXAMPLES[f"{program.name} {name}"]
    module = importlib.import_module(program.table[name].module)

    help_ = command_parser(program, program.table[name], module).format_help()

    assert all(line in help_ for line, _ in examples)
    assert max(map(len, help_.splitlines())) <= WIDTH


@pytest.mark.parametrize("program", PROGRAMS.values())
def test_the_list_of_commands_fits_the_terminal(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))

    assert max(map(len, top_parser(program).format_help().splitlines())) <= WIDTH


@pytest.mark.parametrize(
    "line", [example.line for found in EXAMPLES.values() for example in found]
)
def test_an_example_is_a_command_line_that_is_understood(line: str) -> None:
    words = shlex.split(line.replace("(", " ( ").replace(";", " ; "), comments=True)
    if line.startswith("eval"):
        words = shlex.split(shlex.split(line)[1].strip("$()"))
    begin = next(at for at, word in enumerate(words) if word in PROGRAMS)
    program, name, *rest = words[begin:]
    ends = [at for at, word in enumerate(rest) if word in {">", "|"}]
    command = PROGRAMS[program].table[name]
    module = importlib.import_module(command.module)

    parser = command_parser(PROGRAMS[program], command, module)

    parser.parse_intermixed_args(rest[: ends[0]] if ends else rest)


def test_the_page_of_attach_has_all_sets_of_escapes() -> None:
    page = dict(pages())["solrecctl-attach.1"]

    assert ".SH ESCAPES" in page
    assert page.count(".SS ") == len(ESCAPE_SETS)
    assert ".B &.\n" in page
    assert ".B ^Ec.\n" in page
