"""Where a console of kind ``exec`` is, and what helps where there is none. Pure."""

from __future__ import annotations

import errno
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final

from solrecd.config.console_kinds import Values
from solrecd.config.names import expand_known
from solrecd.config.values import refusal
from solrecd.sources.troubles import Trouble

_MOST_WORDS: Final = 200
_LONGEST: Final = 4096
"""Bytes of a word."""

TROUBLES: Final[Mapping[int, Trouble]] = MappingProxyType(
    {
        errno.ENOENT: Trouble(
            "no such program", "install it, or correct `command` (its path)"
        ),
        errno.ENOTDIR: Trouble("no such program", "correct `command` (its path)"),
        errno.EACCES: Trouble(
            "the daemon's user may not run it", "correct its mode, or `command`"
        ),
        errno.ENOEXEC: Trouble(
            "no program", "begin a script with a line such as #!/bin/sh"
        ),
        errno.EAGAIN: Trouble("too many processes", "raise TasksMax= of the service"),
        errno.ETIMEDOUT: Trouble(
            "its file system does not answer", "see whether it is mounted"
        ),
    }
)
"""What errors mean here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecOptions:
    """A program that shows the console on its terminal."""

    live: ClassVar[frozenset[str]] = frozenset()
    keeps_output: ClassVar[bool] = True
    command: tuple[str, ...]

    @property
    def place(self) -> str:
        """As people write it."""
        return shlex.join(self.command)

    @property
    def line(self) -> str:
        """See `solrecd.config.model.Options`."""
        return self.place

    def details(self) -> Mapping[str, Any]:
        """What ``status`` shows."""
        return {"command": list(self.command)}


def command(value: object) -> tuple[str, ...]:
    """Return the words of a command.

    Raises:
        ValueError: they are none.
    """
    if not isinstance(value, list) or not 0 < len(value) <= _MOST_WORDS:
        raise refusal(value, 'a list of text, ["virsh", "console", "{name}"]')
    for word in value:
        if not _is_word(word):
            allowed = f"in this list, text of at most {_LONGEST} bytes"
            raise refusal(word, allowed)
    if not value[0]:
        raise refusal(value[0], "a program as the first word")
    return tuple(value)


def _is_word(word: object) -> bool:
    return isinstance(word, str) and "\0" not in word and len(word.encode()) <= _LONGEST


def exec_options(values: Values) -> ExecOptions | None:
    """Return what a console of kind ``exec`` says."""
    words: Sequence[str] | None = values.plain.get("command")
    if words is None:
        return None

    def expanded(name: str) -> ExecOptions:
        return ExecOptions(command=tuple(expand_known(word, name) for word in words))

    return values.made("command", expanded)
