"""Telnet's bytes to the console's bytes and commands, and back (RFC 854, 855). Pure.

Nothing is remembered between two calls: what is not complete yet is left, to be given
again with what follows it. So a connection can leave it in the kernel's buffer, where
it outlives this process.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

IAC: Final = 0xFF
_SE: Final = 0xF0
_SB: Final = 0xFA
_FIRST_COMMAND: Final = 0xEC
"""EOF, SUSP, ABORT and EOR (RFC 885, 1184) come before SE."""

NOP: Final = bytes([IAC, 0xF1])
BREAK: Final = bytes([IAC, 0xF3])

LONGEST_SUBNEGOTIATION: Final = 512
"""Bytes up to which one may be incomplete. What is longer is none: a port that speaks
no telnet prints ``\\xff\\xfa``."""

_CR: Final = 0x0D
_LF: Final = 0x0A
_NUL: Final = 0x00


class Verb(enum.IntEnum):
    """What is said of an option."""

    WILL = 251
    """I want to use it, or do."""
    WONT = 252
    DO = 253
    """Use it."""
    DONT = 254

    @property
    def answer(self) -> tuple[Verb, Verb]:
        """What agrees to it, and what refuses."""
        if self in {Verb.WILL, Verb.WONT}:
            return Verb.DO, Verb.DONT
        return Verb.WILL, Verb.WONT


class Option(enum.IntEnum):
    """Options that are agreed to (RFC 856, 857, 858, 2217)."""

    BINARY = 0
    ECHO = 1
    SUPPRESS_GO_AHEAD = 3
    COM_PORT = 44


class Negotiation(NamedTuple):
    """The other end said something of an option."""

    verb: Verb
    option: int


class Subnegotiation(NamedTuple):
    """The other end sent an option's data."""

    option: int
    data: bytes


Command = Negotiation | Subnegotiation


@dataclass(frozen=True, slots=True)
class Decoded:
    """What was read."""

    data: bytes
    """The console's."""
    used: int
    """Bytes that were read; the others are to be given again."""
    commands: Sequence[Command] = ()
    """In their order."""


def decode(raw: bytes, *, binary: bool) -> Decoded:
    """Read what is complete, up to a change of the mode.

    Args:
        raw: what came, beginning where the last call ended.
        binary: no byte but IAC means anything; else a CR is followed by LF or NUL.
    """
    if IAC not in raw and (binary or _CR not in raw):
        return Decoded(raw, len(raw))
    reader = _Reader(raw, binary=binary)
    reader.read()
    return Decoded(bytes(reader.data), reader.at, tuple(reader.commands))


def encode(data: bytes, *, binary: bool) -> bytes:
    """Return what is to be sent for bytes that were typed."""
    if not binary:
        data = data.replace(b"\r", b"\r\0").replace(b"\r\0\n", b"\r\n")
    return data.replace(b"\xff", b"\xff\xff")


def negotiation(verb: Verb, option: int) -> bytes:
    """Return the command that says something of an option."""
    return bytes([IAC, verb, option])


def subnegotiation(option: int, data: bytes) -> bytes:
    """Return the command that sends an option's data."""
    body = data.replace(b"\xff", b"\xff\xff")
    return bytes([IAC, _SB, option]) + body + bytes([IAC, _SE])


class _Reader:
    def __init__(self, raw: bytes, *, binary: bool) -> None:
        self.data = bytearray()
        self.at = 0
        self.commands: list[Command] = []
        self._raw = raw
        self._binary = binary

    def read(self) -> None:
        raw = self._raw
        while self.at < len(raw):
            at = self._next_special()
            self.data += raw[self.at : at]
            self.at = at
            if at == len(raw):
                return
            size = self._command() if raw[at] == IAC else self._carriage_return()
            self.at += size
            if not size or self._changes_mode():
                return

    def _next_special(self) -> int:
        places = [self._raw.find(IAC, self.at)]
        if not self._binary:
            places.append(self._raw.find(_CR, self.at))
        return min((at for at in places if at >= 0), default=len(self._raw))

    def _changes_mode(self) -> bool:
        last = self.commands[-1] if self.commands else None
        return isinstance(last, Negotiation) and last.option == Option.BINARY

    def _carriage_return(self) -> int:
        """Read a CR; return how long it is, 0 where that is not known yet."""
        after = self._raw[self.at + 1 : self.at + 2]
        if not after:
            return 0
        self.data.append(_CR)
        return 2 if after[0] == _NUL else 1

    def _command(self) -> int:
        """Read what begins with IAC; return its length, 0 where it is incomplete."""
        head = self._raw[self.at + 1 : self.at + 3]
        if not head:
            return 0
        code = head[0]
        if code == IAC:
            self.data.append(IAC)
            return 2
        if code == _SB:
            return self._subnegotiation()
        if code < Verb.WILL:
            if code < _FIRST_COMMAND:
                # No telnet: what was printed is kept as it is.
                self.data += bytes([IAC, code])
            return 2
        if len(head) < 2:
            return 0
        self.commands.append(Negotiation(Verb(code), head[1]))
        return 3

    def _subnegotiation(self) -> int:
        begin = at = self.at + 2
        while (at := self._raw.find(IAC, at)) >= 0 and at + 1 < len(self._raw):
            if self._raw[at + 1] == _SE:
                return self._take_subnegotiation(begin, at)
            at += 2
        if len(self._raw) - begin < LONGEST_SUBNEGOTIATION:
            return 0
        self.data += bytes([IAC, _SB])
        return 2

    def _take_subnegotiation(self, begin: int, end: int) -> int:
        body = self._raw[begin:end].replace(b"\xff\xff", b"\xff")
        if body:
            self.commands.append(Subnegotiation(body[0], body[1:]))
        return end + 2 - self.at
