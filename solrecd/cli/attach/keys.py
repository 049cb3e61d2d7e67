"""What is typed on an attached terminal: characters, and escapes that are for us.

Three sets of escapes are in people's fingers: ConMan's ``&`` letters, conserver's
``^Ec`` and ipmitool's ``~``, which counts at the beginning of a line only. The first
characters of an escape are never sent while it is unknown what they become.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple


class Action(enum.Enum):
    """What an escape asks for; the values are what the help says."""

    HELP = "show this help"
    QUIT = "detach"
    BREAK = "send a serial break; then a letter is a SysRq"
    FORCE = "take over: users who write become read-only"
    JOIN = "write together with other users"
    MONITOR = "read only"
    REPLAY = "show the last lines again"
    INFO = "show the console's status"
    WHO = "list attached users"
    RECONNECT = "end the session with the BMC and begin a new one"
    RESET = "reset the machine, after asking"
    POWER = "switch the machine's power, after asking"
    NOTE = "write a line into the console's log"
    QUIET = "show or hide solrecd's own messages"
    ECHO = "show or hide what is typed"
    SUSPEND = "suspend this program"


class Typed(NamedTuple):
    """Characters for the console."""

    data: bytes


class Unknown(NamedTuple):
    """An unknown escape; nothing of it was sent."""

    keys: bytes


Item = Typed | Action | Unknown


@dataclass(frozen=True, slots=True)
class Dialect:
    """A set of escapes.

    Attributes:
        prefix: begins each of them.
        meanings: of what follows the prefix: an action, or characters to send.
        at_line_start: whether they count behind an Enter only.
    """

    prefix: bytes
    meanings: Mapping[bytes, Action | Typed]
    at_line_start: bool = False
    _beginnings: frozenset[bytes] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        whole = [self.prefix + keys for keys in self.meanings]
        beginnings = {keys[:size] for keys in whole for size in range(1, len(keys))}
        object.__setattr__(self, "_beginnings", frozenset(beginnings))

    def is_begun_by(self, keys: bytes) -> bool:
        """Whether more keys could make an escape of these."""
        return keys in self._beginnings

    def meaning(self, keys: bytes) -> Action | Typed | None:
        """Return what a whole escape means."""
        if not keys.startswith(self.prefix):
            return None
        return self.meanings.get(keys[len(self.prefix) :])

    def help(self) -> Sequence[tuple[str, str]]:
        """Return what to type, and what it does."""
        lines = [
            (shown(self.prefix + keys), meaning.value)
            for keys, meaning in self.meanings.items()
            if isinstance(meaning, Action)
        ]
        return [*lines, (shown(self.prefix * 2), f"send {shown(self.prefix)} itself")]


_CONMAN: Final[Mapping[bytes, Action]] = MappingProxyType(
    {
        b"?": Action.HELP,
        b".": Action.QUIT,
        b"B": Action.BREAK,
        b"F": Action.FORCE,
        b"J": Action.JOIN,
        b"M": Action.MONITOR,
        b"L": Action.REPLAY,
        b"I": Action.INFO,
        b"w": Action.WHO,
        b"o": Action.RECONNECT,
        b"R": Action.RESET,
        b"p": Action.POWER,
        b"N": Action.NOTE,
        b"Q": Action.QUIET,
        b"E": Action.ECHO,
        b"Z": Action.SUSPEND,
    }
)
_CONSERVER: Final[Mapping[bytes, Action]] = MappingProxyType(
    {
        b"?": Action.HELP,
        b".": Action.QUIT,
        b"l0": Action.BREAK,
        b"f": Action.FORCE,
        b"a": Action.JOIN,
        b"s": Action.MONITOR,
        b"r": Action.REPLAY,
        b"i": Action.INFO,
        b"w": Action.WHO,
        b"o": Action.RECONNECT,
        b"z": Action.SUSPEND,
        # Letters that conserver leaves to its tasks.
        b"!r": Action.RESET,
        b"!p": Action.POWER,
        b"!n": Action.NOTE,
    }
)
_IPMITOOL: Final[Mapping[bytes, Action]] = MappingProxyType(
    {
        b"?": Action.HELP,
        b".": Action.QUIT,
        b"B": Action.BREAK,
        b"\x1a": Action.SUSPEND,
        **{keys: action for keys, action in _CONMAN.items() if keys not in b"?.BZ"},
    }
)
_OCTAL: Final = MappingProxyType(
    {b"\\%03o" % code: Typed(bytes((code,))) for code in range(256)}
)
"""conserver's way to type any character: ``^Ec\\ooo``."""

DEFAULT_ESCAPE: Final = "&"
_CONTROL = re.compile(r"\^([@-_a-z?])")
_CONTROL_MASK: Final = 0x1F
_DELETE: Final = 0x7F


def dialect_of(escape: str) -> Dialect:
    """Return the escapes for what a person gave as ``-e``.

    Two characters choose conserver's letters, ``~`` ipmitool's, any other ConMan's.

    Args:
        escape: a character or two, ``^E`` for a control character.

    Raises:
        ValueError: neither one character nor two.
    """
    prefix = _CONTROL.sub(_control, escape).encode("utf-8")
    match len(prefix):
        case 1 if prefix == b"~":
            return Dialect(prefix, {**_IPMITOOL, prefix: Typed(prefix)}, True)
        case 1:
            return Dialect(prefix, {**_CONMAN, prefix: Typed(prefix)})
        case 2:
            ignore = {b"\r": Typed(b""), prefix: Typed(prefix)}
            return Dialect(prefix, {**_CONSERVER, **_OCTAL, **ignore})
        case _:
            raise ValueError(
                f"found escape {escape!r}; allowed: one character or two, as in"
                " '&', '^]', '^Ec'"
            )


def _control(match: re.Match[str]) -> str:
    code = ord(match[1].upper())
    return chr(_DELETE if match[1] == "?" else code & _CONTROL_MASK)


def shown(keys: bytes) -> str:
    """Return keys as they are written: control characters as ``^X``."""
    return "".join(
        f"^{chr(code ^ 0x40)}" if code < 0x20 or code == _DELETE else chr(code)
        for code in keys
    )


class KeyScanner:
    """Tells characters from escapes, however they are cut into pieces."""

    def __init__(self, dialect: Dialect) -> None:
        """Begin at the start of a line."""
        self._dialect = dialect
        self._held = b""
        """The beginning of what may become an escape."""
        self._at_line_start = True

    def feed(self, data: bytes) -> list[Item]:
        """Return what these keys are, in order."""
        items: list[Item] = []
        for item in self._read(data):
            if isinstance(item, Typed) and items and isinstance(items[-1], Typed):
                items[-1] = Typed(items[-1].data + item.data)
            elif item != Typed(b""):
                items.append(item)
        return items

    def _read(self, data: bytes) -> Iterator[Item]:
        for code in data:
            key = bytes((code,))
            if self._held:
                yield from self._go_on(key)
            else:
                yield from self._begin(key)

    def _begin(self, key: bytes) -> Iterator[Item]:
        may_escape = self._at_line_start or not self._dialect.at_line_start
        if may_escape and self._dialect.is_begun_by(key):
            self._held = key
        else:
            yield self._typed(key)

    def _go_on(self, key: bytes) -> Iterator[Item]:
        keys = self._held + key
        if self._dialect.is_begun_by(keys):
            self._held = keys
            return
        self._held = b""
        meaning = self._dialect.meaning(keys)
        if isinstance(meaning, Typed):
            yield self._typed(meaning.data)
        elif meaning is not None:
            yield meaning
        elif not keys.startswith(self._dialect.prefix):
            # Only half of the prefix, as in ^E for "end of line".
            yield self._typed(keys[:-1])
            yield from self._begin(key)
        else:
            yield Unknown(keys)

    def _typed(self, data: bytes) -> Typed:
        if data:
            self._at_line_start = data[-1:] in b"\r\n"
        return Typed(data)
