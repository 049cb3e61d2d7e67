"""Makes the manual pages, one per program and command, from the parsers themselves.

``python -m tools.manpages FOLDER`` (``make man``) writes ``solrecctl.1``,
``solrecctl-boots.1``, ``solrecd.8`` and so on; packages install them. They are not
kept in the repository: whoever changes an option would have to remember them.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from solrecd import __version__
from solrecd.cli import solrecctl, solrecd
from solrecd.cli.program import Command, Program, command_parser

SECTIONS = {"solrecctl": 1, "solrecd": 8}
"""Commands for everybody, and for the administrator (man-pages(7))."""

PROGRAMS = (solrecctl.PROGRAM, solrecd.PROGRAM)

FILES = {
    "/etc/solrecd/solrecd.toml, /etc/solrecd/conf.d/*.toml": "the configuration",
    "/var/log/solrecd/NAME/": "the archive: one folder per console",
    "/var/lib/solrecd/index.sqlite": "boots and events; can be built anew",
    "/run/solrecd/control.sock": "where the daemon answers",
}

ENVIRONMENT = {
    "SOLRECCTL_PAGER, PAGER": "shows what is longer than a screen (default: less);"
    " LESS is FRX unless set",
    "NO_COLOR": "no colours when it is set and not empty",
}

_TITLES = {"positional arguments": "arguments"}

_MARKUP = re.compile(r"(?P<option>(?<![\w-])--?[a-z][\w-]*)|(?P<name>\b[A-Z]{2,}\b)")


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


def _program_page(program: Program) -> Iterator[str]:
    parser = argparse.ArgumentParser(program.name, add_help=False)
    parser.add_argument("-h", "--help", action="help", help="show the commands")
    parser.add_argument("--version", action="version", help="show the version")
    program.add_common(parser)
    yield from _title(program, program.name)
    yield from _name(program.name, program.description)
    yield f".SH SYNOPSIS\n.B {_plain(program.name)}\n[OPTIONS] COMMAND ..."
    yield f".SH DESCRIPTION\n{_prose(program.description)}\n.SH COMMANDS"
    for command in program.commands:
        page = f"{program.name}-{command.name}"
        yield f".TP\n.BR {_plain(page)} ({SECTIONS[program.name]})"
        yield _prose(command.help)
    yield from _options(parser)
    yield from _epilog(program.epilog)
    yield from _table("ENVIRONMENT", ENVIRONMENT)
    yield from _table("FILES", FILES)
    yield from _see_also([each.name for each in PROGRAMS])


def _command_page(program: Program, command: Command) -> Iterator[str]:
    module = importlib.import_module(command.module)
    parser = command_parser(program, command, module)
    page = f"{program.name}-{command.name}"
    yield from _title(program, page)
    yield from _name(page, command.help)
    yield f".SH SYNOPSIS\n{_synopsis(parser)}"
    yield f".SH DESCRIPTION\n{_prose(_sentence(command.help))}"
    if parser.epilog:
        yield f".PP\n{_lines(parser.epilog)}"
    yield from _options(parser)
    yield from _epilog(program.epilog)
    yield from _see_also([program.name])


def _title(program: Program, page: str) -> Iterator[str]:
    section = SECTIONS[program.name]
    yield f'.TH {_plain(page.upper())} {section} "" "solrecd {__version__}" "solrecd"'


def _name(page: str, text: str) -> Iterator[str]:
    # whatis(1) wants one line without markup and without a full stop.
    yield f".SH NAME\n{_plain(page)} \\- {_plain(text.removesuffix('.'))}"


def _synopsis(parser: argparse.ArgumentParser) -> str:
    words = " ".join(parser.format_usage().removeprefix("usage: ").split())
    return (
        f".B {_plain(parser.prog)}\n{_prose(words.removeprefix(parser.prog).strip())}"
    )


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
            yield f".SH {_plain(title.upper())}"
        for action in shown:
            yield f".TP\n{_prose(_invocation(action))}"
            yield _prose(_help(parser, action))


def _invocation(action: argparse.Action) -> str:
    value = action.metavar or action.dest.upper()
    if not action.option_strings:
        return str(value)
    takes = "" if action.nargs == 0 else f" [{value}]" if action.nargs == "?" else None
    suffix = f" {value}" if takes is None else takes
    return ", ".join(f"{option}{suffix}" for option in action.option_strings)


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    return (action.help or "") % {**vars(action), "prog": parser.prog}


def _epilog(epilog: str) -> Iterator[str]:
    head, found, statuses = epilog.partition("exit status: ")
    if head.strip():
        yield f".SH NOTES\n{_prose(' '.join(head.split()))}"
    if found:
        yield ".SH EXIT STATUS"
        for status in " ".join(statuses.split()).split(", "):
            number, _, meaning = status.partition(" ")
            yield f".TP\n{number}\n{_prose(meaning)}"


def _table(title: str, rows: dict[str, str]) -> Iterator[str]:
    yield f".SH {title}"
    for name, meaning in rows.items():
        yield f".TP\n.I {_plain(name)}\n{_prose(meaning)}"


def _see_also(names: list[str]) -> Iterator[str]:
    pages = (f".BR {_plain(name)} ({SECTIONS[name]})" for name in names)
    yield ".SH SEE ALSO\n" + " ,\n".join(pages)


# roff(7).


def _plain(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    return f"\\&{escaped}" if escaped[:1] in {".", "'"} else escaped


def _prose(text: str) -> str:
    """Return text with options in bold and placeholders in italics."""
    done: list[str] = []
    place = 0
    for found in _MARKUP.finditer(text):
        font = "B" if found["option"] else "I"
        done.append(_escaped(text[place : found.start()]))
        done.append(f"\\f{font}{_escaped(found[0])}\\fR")
        place = found.end()
    line = "".join([*done, _escaped(text[place:])])
    return f"\\&{line}" if line[:1] in {".", "'"} else line or "\\&"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-").replace("\n", " ")


def _lines(text: str) -> str:
    return "\n.br\n".join(_prose(line.strip()) for line in text.splitlines())


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


if __name__ == "__main__":
    sys.exit(main())
