"""`solrecctl completion`: completes commands and console names in a shell."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Final

from solrecd.cli.program import CommandError, Exit, Program, full_parser
from solrecd.cli.shared.output import safe, screen
from solrecd.cli.shared.source import Source

SHELLS: Final = ("bash", "zsh", "fish")

NAMES: Final = "names"
"""Instead of a shell: the names of the consoles, which the scripts ask for."""

_CONSOLES: Final = {
    "bash": "_solrecctl_consoles",
    "zsh": "_solrecctl_consoles",
    "fish": "(_solrecctl_consoles)",
}

# The options that say where consoles are known are handed on.
_PREAMBLE: Final = {
    "bash": """\
_solrecctl_consoles() {
  local where=() place
  for ((place = 1; place < COMP_CWORD - 1; place++)); do
    case ${COMP_WORDS[place]} in
      -c|--config|-s|--server|--dir)
        where+=("${COMP_WORDS[place]}" "${COMP_WORDS[place + 1]}") ;;
    esac
  done
  compgen -W "$(solrecctl completion names "${where[@]}" 2>/dev/null)" -- "$1"
}
""",
    "zsh": """\
_solrecctl_consoles() {
  local -a where names
  local place
  for ((place = 2; place < CURRENT - 1; place++)); do
    case ${words[place]} in
      -c|--config|-s|--server|--dir) where+=("${words[place]}" "${words[place + 1]}") ;;
    esac
  done
  names=(${(f)"$(solrecctl completion names "${where[@]}" 2>/dev/null)"})
  compadd -a names
}
""",
    "fish": """\
function _solrecctl_consoles
  set -l where
  set -l last
  for word in (commandline -opc)
    if contains -- "$last" -c --config -s --server --dir
      set -a where $last $word
    end
    set last $word
  end
  solrecctl completion names $where 2>/dev/null
end
""",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "what",
        metavar="SHELL",
        choices=(*SHELLS, NAMES),
        help=f"{', '.join(SHELLS)}; or {NAMES} to list the consoles, one per line",
    )


def main(args: argparse.Namespace) -> int:
    """Print a script for a shell, or the names of the consoles."""
    if args.what == NAMES:
        for name in _names(Source(args)):
            screen().line(safe(name))
        return Exit.DONE
    # Imported here: it imports every command.
    from solrecd.cli.solrecctl import PROGRAM  # noqa: PLC0415

    screen().line(script(PROGRAM, args.what))
    return Exit.DONE


def _names(source: Source) -> list[str]:
    """Return the consoles that the daemon, or else the archive, knows; or none.

    A shell that completes has no place for an error.
    """
    try:
        if not source.is_folder:
            return source.recorded()
    except CommandError:
        pass
    try:
        return source.archived()
    except CommandError:
        return []


def script(program: Program, shell: str) -> str:
    """Return the script that completes a program's commands, options and names."""
    # Imported here: nothing else needs it.
    import shtab  # noqa: PLC0415

    parser = full_parser(program)
    completions: Mapping[str, object] = {
        "FILE": shtab.FILE,
        "ARCHIVE": shtab.DIRECTORY,
        "DIR": shtab.DIRECTORY,
        "NAME": _CONSOLES,
        "NAMES": _CONSOLES,
    }
    for action in _actions(parser):
        if isinstance(action.choices, dict) and not _has_commands(action):
            # shtab takes any other mapping for one of commands.
            action.choices = tuple(action.choices)
        if action.metavar in completions and not action.choices:
            # What shtab looks for; argparse knows nothing of it.
            vars(action)["complete"] = completions[str(action.metavar)]
    return str(shtab.complete(parser, shell, preamble=_PREAMBLE.get(shell, "")))


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return the actions of a parser's commands.

    `ArgumentParser` has no public way to ask for them (shtab does the same).
    """
    found: list[argparse.Action] = []
    for action in parser._actions:  # noqa: SLF001
        if _has_commands(action):
            for each in dict(action.choices or {}).values():
                found += _actions(each)
        found.append(action)
    return found


def _has_commands(action: argparse.Action) -> bool:
    return isinstance(action, argparse._SubParsersAction)  # noqa: SLF001
