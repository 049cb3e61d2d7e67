"""What both programs share: the command table, parsing, errors, exit status."""

from __future__ import annotations

import argparse
import enum
import importlib
import io
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from solrecd.process.build import version_text

INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 + SIGINT, as shells have it."""

PIPE_CLOSED = 141
"""Exit status when the reader of our output left: 128 + SIGPIPE, as git has it."""


_COLUMNS = 80
"""Of help that is shown on no terminal."""


class Exit(enum.IntEnum):
    """Exit status of every command."""

    DONE = 0
    NO = 1
    """Nothing matched, or the answer is negative."""
    USAGE = 2
    """Usage or configuration."""
    UNREACHABLE = 3
    """The daemon does not answer."""
    TIMED_OUT = 4


class CommandError(Exception):
    """A command cannot go on; the message is one line that names the remedy."""

    def __init__(self, message: str, status: Exit = Exit.USAGE) -> None:
        super().__init__(message)
        self.status = status


class Command(NamedTuple):
    """A line of a COMMANDS table."""

    name: str
    module: str
    help: str
    """One line; stands here so that listing the commands imports none of them."""


def command(name: str, help_: str, file: str = "") -> Command:
    """Return the line of a command that is a file in `solrecd.cli.commands`.

    Args:
        name: as people type it.
        help_: one line.
        file: the module, where it cannot have the same name (``import``).
    """
    return Command(name, f"solrecd.cli.commands.{file or name}", help_)


class Program(NamedTuple):
    """One of the two programs."""

    name: str
    description: str
    commands: Sequence[Command]
    add_common: Callable[[argparse.ArgumentParser], None]
    """Adds the options that stand before the command as well as after it."""
    defaults: Mapping[str, object]
    """Values of these options where they are not given."""
    epilog: str
    prepare: Callable[[str, argparse.Namespace], None] = lambda *_: None
    """Does what a command's common options want of the process.

    Raises CommandError where one of them would do nothing.
    """
    short: str = ""
    """The command that is meant by a word that is none, if it names a console."""

    @property
    def table(self) -> Mapping[str, Command]:
        """The commands by name."""
        return {command.name: command for command in self.commands}


def run(program: Program, arguments: Sequence[str] | None = None) -> int:
    """Run a program's command; return the exit status.

    Args:
        program: which.
        arguments: without the program's name; None for the process's own.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that is not in UTF-8 shows what it can.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status = _dispatch(program, sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except CommandError as error:
        print(f"{program.name}: {error}", file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Python flushes stdout once more at exit and would complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    return status


def _dispatch(program: Program, arguments: Sequence[str]) -> int:
    top = top_parser(program)
    known = top.parse_args(arguments, argparse.Namespace(**program.defaults))
    if known.command is None:
        top.print_help()
        return Exit.USAGE
    word = known.command
    rest = _with_dashes(known.rest, arguments)
    del known.command, known.rest
    if word in program.table:
        return _perform(program, program.table[word], rest, known)
    if not program.short or not all(each.startswith("-") for each in rest):
        raise CommandError(_unknown(program, word))
    try:
        command = program.table[program.short]
        return _perform(program, command, [word, *rest], known)
    except CommandError as error:
        # It names no console, or there is no daemon to ask.
        if _close(program, word):
            raise CommandError(_unknown(program, word)) from None
        text = f"there is no command {word!r}; {error}"
        raise CommandError(text, error.status) from None


def _perform(
    program: Program,
    command: Command,
    words: Sequence[str],
    known: argparse.Namespace,
) -> int:
    module = importlib.import_module(command.module)
    # A command that has changed its options still reads the old ones.
    words = getattr(module, "renewed", list)(words)
    args = _parse(command_parser(program, command, module), words, known)
    program.prepare(command.name, args)
    status: int = module.main(args)
    return status


def _with_dashes(rest: Sequence[str], arguments: Sequence[str]) -> Sequence[str]:
    """Return a command's words with the ``--`` before them, if there was one.

    argparse counts it among the command's own and drops it: ``grep -- -x`` would look
    for an option -x.
    """
    before = arguments[: len(arguments) - len(rest)]
    return ["--", *rest] if before[-1] == "--" else rest


def _parse(
    parser: argparse.ArgumentParser, words: Sequence[str], known: argparse.Namespace
) -> argparse.Namespace:
    """Parse a command's words; options may stand between names.

    As in ``grep PATTERN --failed NAMES``, which argparse takes only when asked for it,
    and then says of names that may be left out that they are required.
    """
    plain = argparse.Namespace(**vars(known))
    parsed, left = parser.parse_known_args(words, plain)
    return parser.parse_intermixed_args(words, known) if left else parsed


def command_parser(
    program: Program, command: Command, module: Any
) -> argparse.ArgumentParser:
    """Return the parser of what stands behind a command's name.

    Args:
        program: the command's.
        command: which.
        module: the one that the command's line names, imported.
    """
    parser = _Parser(prog=f"{program.name} {command.name}", description=command.help)
    program.add_common(parser)
    module.add_arguments(parser)
    return parser


def top_parser(program: Program) -> argparse.ArgumentParser:
    """Return the parser of what stands before a command; its help lists them all."""
    parser = _Parser(
        prog=program.name,
        usage=f"{program.name} [OPTIONS] COMMAND ...",
        description=program.description,
        epilog=_command_list(program),
    )
    parser.add_argument("--version", action="version", version=version_text())
    program.add_common(parser)
    parser.add_argument("command", nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def full_parser(program: Program) -> argparse.ArgumentParser:
    """Return one parser that knows every command, for completions and manual pages.

    It imports every command, which the programs themselves never do.
    """
    parser = _Parser(prog=program.name, description=program.description)
    parser.add_argument("--version", action="version", version=version_text())
    program.add_common(parser)
    choices = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, module, text in program.commands:
        subparser = choices.add_parser(name, help=text, description=text)
        program.add_common(subparser)
        importlib.import_module(module).add_arguments(subparser)
    return parser


class _Parser(argparse.ArgumentParser):
    """A parser that keeps our line breaks and takes no half options."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            formatter_class=_formatter,
            allow_abbrev=False,
            # A command may explain a common option in words of its own.
            conflict_handler="resolve",
            **options,
        )
        # -1h after --since, as -1 after --boot, is not an option.
        self._negative_number_matcher = re.compile(r"-\d")

    def format_help(self) -> str:
        """Return the help, with examples where the command has some."""
        # Imported here: only help needs it.
        from solrecd.cli.examples import help_text  # noqa: PLC0415

        return super().format_help() + help_text(self.prog)

    def error(self, message: str) -> NoReturn:
        """Tell a mistake in one line; the usage of a command is longer than that."""
        hint = self._suggestion(message)
        self.exit(Exit.USAGE, f"{self.prog}: {message}; {hint}\n")

    def _suggestion(self, message: str) -> str:
        """Return where help is; first for an option that is none the one like it."""
        help_ = f"see {self.prog} --help"
        unknown = re.search(r"unrecognized arguments:.*?(--[\w-]+)", message)
        if unknown is None:
            return help_
        import difflib  # noqa: PLC0415 - only a mistake needs it

        known = [w[2:] for w in self._option_string_actions if w[:2] == "--"]
        close = difflib.get_close_matches(unknown[1][2:], known, n=1)
        return f"did you mean --{close[0]}?" if close else help_


def renamed(old: str, new: str) -> type[argparse.Action]:
    """Return an action that stores a value under an old option, and tells the new one.

    Args:
        old: as people still write it.
        new: as they should.
    """

    class Renamed(argparse.Action):
        def __call__(
            self,
            parser: argparse.ArgumentParser,
            namespace: argparse.Namespace,
            values: object,
            _option: str | None = None,
        ) -> None:
            print(f"{parser.prog}: {old} is now {new}", file=sys.stderr)
            setattr(namespace, self.dest, values)

    return Renamed


def _formatter(prog: str) -> argparse.HelpFormatter:
    """Return what lays out help.

    argparse makes one for every option that is added, and without a width each asks
    `shutil`, whose import takes 5 of the 80 ms that `solrecctl` has to start.
    """
    return argparse.RawDescriptionHelpFormatter(prog, width=_width())


def _width() -> int:
    """Return the columns of the terminal, less argparse's margin."""
    try:
        columns = int(os.environ.get("COLUMNS") or os.get_terminal_size().columns)
    except (OSError, ValueError):
        columns = 0
    return (columns or _COLUMNS) - 2


def _command_list(program: Program) -> str:
    width = max(len(command.name) for command in program.commands)
    lines = [f"  {name:{width}}  {text}" for name, _, text in program.commands]
    return "\n".join(["commands:", *lines, "", program.epilog])


def _unknown(program: Program, word: str) -> str:
    close = _close(program, word)
    hint = f"did you mean {' or '.join(close)}?" if close else "see --help"
    return f"there is no command {word!r}; {hint}"


def _close(program: Program, word: str) -> Sequence[str]:
    # Imported here: only a mistake needs it.
    import difflib  # noqa: PLC0415

    return difflib.get_close_matches(word, program.table, n=2)
