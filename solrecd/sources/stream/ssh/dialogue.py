"""From a login to the console: commands typed at prompts, and what came of it. Pure."""

from __future__ import annotations

import enum
import re
from typing import Final

from solrecd.sources.stream.printed import ESCAPES, lines
from solrecd.storage.journal import LONGEST_RECORD

ROOM: Final = LONGEST_RECORD
"""Bytes of output that are looked at: what does not fit is the console's."""

_LINE: Final = 300
"""Bytes of a line that may be a prompt."""


class Progress(enum.Enum):
    """How far it is."""

    AT_LOGIN = enum.auto()
    """The prompt has to come."""
    TYPED = enum.auto()
    """The last command is typed, and may be refused."""
    ENTERED = enum.auto()
    REFUSED = enum.auto()
    """The prompt came back."""


class Prompt:
    """What stands in front of a command.

    Args:
        spelling: the whole line, ``*`` stands for anything.
    """

    def __init__(self, spelling: str) -> None:
        parts = (re.escape(part) for part in spelling.strip().encode().split(b"*"))
        self._pattern = re.compile(b".*".join(parts))

    def ends(self, output: bytes) -> bool:
        """Tell whether output ends with it: the other end waits for a command."""
        line = output[-_LINE:].replace(b"\r", b"\n").rpartition(b"\n")[2]
        return bool(self._pattern.fullmatch(ESCAPES.sub(b"", line).strip(b" \0")))


class Dialogue:
    """Enters one console.

    Args:
        prompt: at which commands are typed.
        commands: at least one.
        greeting: part of the last line before the console's own; may be empty.
    """

    def __init__(
        self, prompt: Prompt, commands: tuple[str, ...], greeting: str
    ) -> None:
        self._prompt = prompt
        self._left = list(commands)
        self._typed = b""
        self._greeting = greeting.encode()
        self._seen = b""
        self.progress = Progress.AT_LOGIN

    @property
    def room(self) -> int:
        """Bytes of output that it takes now."""
        return ROOM - len(self._seen)

    def feed(self, output: bytes) -> bytes:
        """Take output, at most `room`; return what is to be typed now."""
        self._seen += output
        if self.progress is Progress.AT_LOGIN:
            return self._at_login()
        if self.progress is Progress.TYPED:
            self._judge()
        return b""

    def settle(self) -> None:
        """Nothing has refused the last command for long enough: it is the console."""
        if self.progress is Progress.TYPED:
            self.progress = Progress.ENTERED

    def _at_login(self) -> bytes:
        if not self._prompt.ends(self._seen):
            self._seen = self._seen[-ROOM // 2 :]
            return b""
        self._seen, self._typed = b"", self._left.pop(0).encode()
        if not self._left:
            self.progress = Progress.TYPED
        return self._typed + b"\r"

    def _judge(self) -> None:
        at = self._seen.find(self._greeting) if self._greeting else -1
        if at >= 0 and b"\n" in self._seen[at:]:
            self.progress = Progress.ENTERED
        elif b"\n" in self._seen and self._prompt.ends(self._seen):
            self.progress = Progress.REFUSED
        elif not self.room:
            self.progress = Progress.ENTERED

    @property
    def console(self) -> bytes:
        """What the console has printed since it was entered."""
        output = self._seen
        if self._greeting and (at := output.find(self._greeting)) >= 0:
            return output[at:].partition(b"\n")[2]
        first, end, rest = output.partition(b"\n")
        return rest if end and self._typed in first else output

    @property
    def said(self) -> str:
        """What was printed last, in one line that is safe to show."""
        shown = [line for line in lines(self._seen) if line]
        if self.progress is Progress.REFUSED:
            typed = self._typed.decode()
            shown = [line for line in shown[:-1] if line != typed]
        return " / ".join(shown[-3:])[-_LINE:]
