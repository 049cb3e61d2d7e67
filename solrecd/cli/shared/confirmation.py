"""Questions before something is changed: asked of a terminal, never of a script."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from solrecd.cli.program import CommandError, Exit
from solrecd.cli.shared.output import safe


def require_terminal(about: str = "") -> None:
    """Refuse to go on where there is no terminal that could be asked.

    Args:
        about: what the question would be about; the message begins with it.

    Raises:
        CommandError: standard input is none; the remedy is ``--yes``.
    """
    if not sys.stdin.isatty():
        prefix = f"{about}: " if about else ""
        raise CommandError(f"{prefix}not a terminal, use --yes")


def is_agreed(question: str, yes: Sequence[str] = ("y", "yes")) -> bool:
    """Ask on standard error; return whether the answer is one that agrees.

    Args:
        question: without what to type.
        yes: the answers that agree, in small letters; the first one is shown.

    Raises:
        CommandError: there is no terminal.
    """
    require_terminal()
    print(f"{question} ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in yes


def confirm(action: str, consoles: Sequence[str]) -> None:
    """Ask before machines are changed; several of them by their number.

    Args:
        action: what is about to happen.
        consoles: the machines it happens to.

    Raises:
        CommandError: the answer is no, or there is no terminal.
    """
    count = len(consoles)
    if count == 1:
        agreed = is_agreed(f"{action}: {safe(consoles[0])}? [y/N]")
    else:
        require_terminal()
        print(f"{action}: {count} machines: {_folded(consoles)}", file=sys.stderr)
        agreed = is_agreed(f"type their number, {count}, to go on:", [str(count)])
    if not agreed:
        raise CommandError("nothing was done", Exit.NO)


def _folded(consoles: Sequence[str]) -> str:
    # Imported here: ClusterShell takes longer than most commands.
    from solrecd.config.names import fold_names  # noqa: PLC0415

    return safe(fold_names(consoles))
