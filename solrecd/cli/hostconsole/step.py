"""One thing that a serial console needs."""

from __future__ import annotations

import enum
import shlex
from dataclasses import dataclass
from pathlib import PurePosixPath


class State(enum.StrEnum):
    """How a step stands."""

    OK = "ok"
    MISSING = "missing"
    ADVICE = "advice"
    """Works without; better with."""


@dataclass(frozen=True, slots=True)
class FileText:
    """A text that a file is to have.

    Attributes:
        path: absolute.
        text: what it is to hold.
        appended: whether the text goes behind what is there.
    """

    path: str
    text: str
    appended: bool = False

    @property
    def shell(self) -> str:
        """A here document that writes it."""
        path = shlex.quote(self.path)
        if self.appended:
            return f"cat >> {path} <<'EOF'\n{self.text}EOF"
        folder = shlex.quote(str(PurePosixPath(self.path).parent))
        return f"mkdir -p {folder}\ncat > {path} <<'EOF'\n{self.text}EOF"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing, how it stands, and what brings it about.

    Attributes:
        title: what it is.
        state: how it stands.
        detail: what was found, or why it matters.
        file: what to write first.
        commands: what to run then, in this order.
    """

    title: str
    state: State
    detail: str
    file: FileText | None = None
    commands: tuple[tuple[str, ...], ...] = ()

    @property
    def shell(self) -> str:
        """The lines to paste; empty where a person has to do it."""
        lines = [self.file.shell] if self.file else []
        return "\n".join(lines + [shlex.join(command) for command in self.commands])
