"""Makes the manual pages, from the parsers and the configuration's schema themselves.

``python -m tools.manpages FOLDER`` (``make man``) writes ``solrecctl.1``,
``solrecctl-boots.1``, ``solrecd.8``, ``solrecd.toml.5`` and so on; packages install
them. They are not kept in the repository: a change of an option would have to
remember them.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from solrecd import __version__
from solrecd.cli import solrecctl, solrecd
from solrecd.cli.attach.keys import DEFAULT_ESCAPE, dialect_of
from solrecd.cli.examples import EXAMPLES
from solrecd.cli.program import Command, Program, command_parser
from tools.configuration import CONSOLES, GENERAL, SAMPLE, UNITS
from tools.reference import Entry, reference
from tools.roff import laid_out, marked, plain, prose

SECTIONS = {"solrecctl": 1, "solrecd": 8}
"""User commands, and the administrator's (man-pages(7))."""

PROGRAMS = (solrecctl.PROGRAM, solrecd.PROGRAM)

CONFIGURATION = "solrecd.toml"
"""A page of section 5, file formats."""

FILES = {
    "/etc/solrecd/solrecd.toml, /etc/solrecd/conf.d/*.toml": "the configuration",
    "/var/log/solrecd/NAME/": "the archive: one folder per console",
    "/var/lib/solrecd/index.sqlite": "boots and events; can be rebuilt",
    "/run/solrecd/control.sock": "where the daemon answers",
}

ENVIRONMENT = {
    "SOLRECCTL_CONFIG, SOLRECCTL_SERVER": "as --config and --server, which override"
    " them",
    "SOLRECCTL_TOKEN_FILE, SOLRECCTL_CA, SOLRECCTL_CERTIFICATE, SOLRECCTL_KEY": "how to"
    " log in to a server, in place of client.toml",
    "SOLRECCTL_ESCAPE": "the escape prefix of attach",
    "SOLRECCTL_PAGER, PAGER": "shows what is longer than a screen (default: less);"
    " LESS is FRX unless set",
    "NO_COLOR": "no colours when it is set and not empty",
}

ESCAPE_SETS = {
    DEFAULT_ESCAPE: "As in ConMan: the default, or any other character (-e)",
    "^Ec": "As in conserver: -e ^Ec, or two other characters",
    "~": "As in ipmitool, at the beginning of a line: -e ~",
}
"""The sets of escapes, by what chooses them, with their titles."""

_TITLES = {"positional arguments": "arguments"}

_LAID_OUT = re.compile(r"^ |\S {2,}\S")
"""A line of an epilog that has to stay as it is: an example, or columns."""

_STATUSES = re.compile(r"exit status: (.*?)(?:\n\n|\Z)", re.DOTALL)
_STATUS = re.compile(r",?\s*(\d) (.*?)(?=,\s*\d |\Z)", re.DOTALL)


def main() -> int:
    """Write all pages into the folder that the command line names."""
    if len(sys.argv) != 2:
        print("usage: python -m tools.manpages FOLDER", file=sys.stderr)  # noqa: T201
        return 2
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages():
        (folder / name).write_text(text, "utf-8")
    return 0


def pages() -> Iterator[tuple[str, str]]:
    """Yield the file name and the text of every page."""
    for program in PROGRAMS:
        section = SECTIONS[program.name]
        yield f"{program.name}.{section}", "\n".join(_program_page(program)) + "\n"
        for command in program.commands:
            text = "\n".join(_command_page(program, command)) + "\n"
            yield f"{program.name}-{command.name}.{section}", text
    yield f"{CONFIGURATION}.5", "\n".join(_configuration_page()) + "\n"


def _program_page(program: Program) -> Iterator[str]:
    parser = argparse.ArgumentParser(program.name, add_help=False)
    parser.add_argument("-h", "--help", action="help", help="show the commands")
    parser.add_argument("--version", action="version", help="show the version")
    program.add_common(parser)
    yield from _title(program.name, SECTIONS[program.name])
    yield from _name(program.name, program.description)
    yield f".SH SYNOPSIS\n.B {plain(program.name)}\n[OPTIONS] COMMAND ..."
    yield f".SH DESCRIPTION\n{prose(program.description)}\n.SH COMMANDS"
    for command in program.commands:
        page = f"{program.name}-{command.name}"
        yield f".TP\n.BR {plain(page)} ({SECTIONS[program.name]})"
        yield prose(command.help)
    yield from _options(parser)
    yield from _notes(program.epilog)
    yield from _exit_status(program.epilog)
    yield from _table("ENVIRONMENT", ENVIRONMENT)
    yield from _table("FILES", FILES)
    yield ".SH EXAMPLES"
    for command in program.commands:
        line, meaning = EXAMPLES[f"{program.name} {command.name}"][0]
        yield f".TP\n.B {plain(line)}\n{prose(meaning)}"
    yield from _see_also([each.name for each in PROGRAMS])


def _command_page(program: Program, command: Command) -> Iterator[str]:
    module = importlib.import_module(command.module)
    parser = command_parser(program, command, module)
    page = f"{program.name}-{command.name}"
    yield from _title(page, SECTIONS[program.name])
    yield from _name(page, command.help)
    yield f".SH SYNOPSIS\n{_synopsis(parser)}"
    yield f".SH DESCRIPTION\n{prose(_sentence(command.help))}"
    yield from _epilog_text(_STATUSES.sub("", parser.epilog or ""))
    yield from _options(parser)
    if command.name == "attach":
        yield from _escapes()
    yield from _notes(program.epilog)
    yield from _exit_status(program.epilog, parser.epilog or "")
    yield from _examples(f"{program.name} {command.name}")
    yield from _see_also([program.name])


def _examples(command: str) -> Iterator[str]:
    yield ".SH EXAMPLES"
    for line, meaning in EXAMPLES[command]:
        yield f".TP\n.B {plain(line)}\n{prose(meaning)}"


def _escapes() -> Iterator[str]:
    """Yield what can be typed on an attached terminal, in each set of escapes."""
    yield ".SH ESCAPES"
    for escape, about in ESCAPE_SETS.items():
        yield f".SS {plain(about)}"
        for keys, meaning in dialect_of(escape).help():
            yield f".TP\n.B {plain(keys)}\n{prose(meaning)}"


def _configuration_page() -> Iterator[str]:
    yield from _title(CONFIGURATION, 5)
    yield from _name(CONFIGURATION, "configuration of the console recorder")
    yield f".SH SYNOPSIS\n.I /etc/solrecd/{plain(CONFIGURATION)}\n.br"
    yield ".I /etc/solrecd/conf.d/*.toml"
    yield f".SH DESCRIPTION\n{marked(GENERAL.replace('[TOML](', 'TOML ('))}"
    yield f".PP\n{marked(UNITS)}"
    for table, entries in reference():
        yield f".SH {plain(table.header)}\n{marked(table.help)}"
        for entry in entries:
            yield from _key(entry)
    yield f".SH [console.NAME]\n{marked(CONSOLES)}"
    yield f"The keys are those of \\fB[defaults]\\fR.\n.SH EXAMPLE\n{laid_out(SAMPLE)}"
    yield from _table("FILES", FILES)
    yield from _see_also([each.name for each in PROGRAMS])


def _key(entry: Entry) -> Iterator[str]:
    known = "Default" if entry.default else "Not set; for example"
    yield f".TP\n.B {plain(entry.name)}\n{marked(entry.help)}"
    yield f".br\n{known}: {marked(entry.default or entry.example)}"
    yield f".br\nAllowed: {marked(entry.allowed)}"


def _title(page: str, section: int) -> Iterator[str]:
    yield f'.TH {plain(page.upper())} {section} "" "solrecd {__version__}" "solrecd"'


def _name(page: str, text: str) -> Iterator[str]:
    # whatis(1) wants one line without markup and without a full stop.
    yield f".SH NAME\n{plain(page)} \\- {plain(text.removesuffix('.'))}"


def _synopsis(parser: argparse.ArgumentParser) -> str:
    words = " ".join(parser.format_usage().removeprefix("usage: ").split())
    return f".B {plain(parser.prog)}\n{prose(words.removeprefix(parser.prog).strip())}"


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    # argparse has no public way to ask for them.
    for group in parser._action_groups:  # noqa: SLF001
        shown = [
            action
            for action in group._group_actions  # noqa: SLF001
            if action.help is not argparse.SUPPRESS
        ]
        if shown:
            title = _TITLES.get(group.title or "", group.title or "")
            yield f".SH {plain(title.upper())}"
        for action in shown:
            yield f".TP\n{prose(_invocation(action))}"
            yield prose(_help(parser, action))


def _invocation(action: argparse.Action) -> str:
    value = action.metavar or action.dest.upper()
    if not action.option_strings:
        return str(value)
    takes = "" if action.nargs == 0 else f" [{value}]" if action.nargs == "?" else None
    suffix = f" {value}" if takes is None else takes
    return ", ".join(f"{option}{suffix}" for option in action.option_strings)


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    return (action.help or "") % {**vars(action), "prog": parser.prog}


def _notes(epilog: str) -> Iterator[str]:
    text = " ".join(_STATUSES.sub("", epilog).split())
    if text:
        yield f".SH NOTES\n{prose(text)}"


def _exit_status(*epilogs: str) -> Iterator[str]:
    """Yield what the statuses mean; a later epilog knows better than an earlier one."""
    found = (_STATUSES.search(epilog) for epilog in epilogs)
    rows = [row for it in found if it for row in _STATUS.findall(it[1])]
    if rows:
        yield ".SH EXIT STATUS"
    for number, meaning in sorted(dict(rows).items()):
        yield f".TP\n{number}\n{prose(' '.join(meaning.split()))}"


def _epilog_text(epilog: str) -> Iterator[str]:
    """Yield prose as paragraphs, for any width, and what is laid out as it is."""
    for as_it_is, lines in groupby(epilog.splitlines(), _is_laid_out):
        text = "\n".join(lines)
        if as_it_is:
            yield f".PP\n{laid_out(text)}"
            continue
        for paragraph in text.split("\n\n"):
            if words := paragraph.split():
                yield f".PP\n{prose(' '.join(words))}"


def _is_laid_out(line: str) -> bool:
    return _LAID_OUT.search(line) is not None


def _table(title: str, rows: dict[str, str]) -> Iterator[str]:
    yield f".SH {title}"
    for name, meaning in rows.items():
        yield f".TP\n.I {plain(name)}\n{prose(meaning)}"


def _see_also(names: list[str]) -> Iterator[str]:
    pages = (f".BR {plain(name)} ({SECTIONS[name]})" for name in names)
    yield ".SH SEE ALSO\n" + " ,\n".join(pages)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


if __name__ == "__main__":
    sys.exit(main())
