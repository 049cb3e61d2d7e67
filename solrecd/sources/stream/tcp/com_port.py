"""The serial port at the other end of a telnet connection (RFC 2217). Pure."""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from solrecd.sources.stream.serial_line import Flow
from solrecd.sources.stream.tcp.codec import Option, subnegotiation

_ANSWER: Final = 100
"""What is added to a command's number in what the server says."""
_EIGHT_BITS: Final = 8
_NO_PARITY: Final = 1
_ONE_STOP_BIT: Final = 1
_SIGNATURE_SIZE: Final = 80
"""Characters of a signature that are kept."""


class _Do(enum.IntEnum):
    """Commands (RFC 2217, "Com Port Option Commands")."""

    SIGNATURE = 0
    SET_BAUDRATE = 1
    SET_DATASIZE = 2
    SET_PARITY = 3
    SET_STOPSIZE = 4
    SET_CONTROL = 5
    NOTIFY_LINESTATE = 6
    NOTIFY_MODEMSTATE = 7
    SET_LINESTATE_MASK = 10
    SET_MODEMSTATE_MASK = 11


class LineState(enum.IntFlag):
    """What happened on the line (RFC 2217, NOTIFY-LINESTATE)."""

    OVERRUN = 2
    """Bytes came faster than the server took them."""
    PARITY = 4
    FRAMING = 8
    BREAK = 16


class ModemState(enum.IntFlag):
    """How the machine's wires are (RFC 2217, NOTIFY-MODEMSTATE)."""

    CTS = 16
    DSR = 32
    RING = 64
    CARRIER = 128


_FLOWS: Final[Mapping[Flow, int]] = MappingProxyType(
    {Flow.NONE: 1, Flow.XONXOFF: 2, Flow.RTSCTS: 3}
)
_FLOW_OF: Final = MappingProxyType({number: flow for flow, number in _FLOWS.items()})
_BREAK_ON: Final = 5
_BREAK_OFF: Final = 6


def _command(do: _Do, value: bytes) -> bytes:
    return subnegotiation(Option.COM_PORT, bytes([do]) + value)


BREAK_ON: Final = _command(_Do.SET_CONTROL, bytes([_BREAK_ON]))
BREAK_OFF: Final = _command(_Do.SET_CONTROL, bytes([_BREAK_OFF]))


def settings(baud: int | None, flow: Flow | None) -> bytes:
    """Return the commands that set the port, and ask what it is.

    Args:
        baud: bit/s; with it come 8 data bits, no parity and one stop bit. None: they
            stay as they are.
        flow: control; None: it stays as it is.
    """
    return b"".join(_settings(baud, flow))


def _settings(baud: int | None, flow: Flow | None) -> Iterator[bytes]:
    yield _command(_Do.SIGNATURE, b"")
    # 0 asks for what is set.
    yield _command(_Do.SET_BAUDRATE, struct.pack(">I", baud or 0))
    if baud is not None:
        yield _command(_Do.SET_DATASIZE, bytes([_EIGHT_BITS]))
        yield _command(_Do.SET_PARITY, bytes([_NO_PARITY]))
        yield _command(_Do.SET_STOPSIZE, bytes([_ONE_STOP_BIT]))
    if flow is not None:
        yield _command(_Do.SET_CONTROL, bytes([_FLOWS[flow]]))
    yield _command(_Do.SET_LINESTATE_MASK, bytes([LineState.OVERRUN]))
    yield _command(_Do.SET_MODEMSTATE_MASK, bytes([sum(ModemState)]))


@dataclass(frozen=True, slots=True)
class ComPort:
    """What the server has said of the port."""

    signature: str = ""
    baud: int | None = None
    flow: Flow | None = None
    modem: ModemState | None = None
    line: LineState = field(default=LineState(0))
    """What happened by the last command alone."""

    def after(self, command: bytes) -> ComPort:
        """Return what is known after one more command; nonsense changes nothing."""
        if not command or command[0] < _ANSWER:
            return self
        what, value = command[0] - _ANSWER, command[1:]
        known = replace(self, line=LineState(0))
        if what == _Do.SIGNATURE:
            return replace(known, signature=_text(value))
        if what == _Do.SET_BAUDRATE and len(value) == 4:
            return replace(known, baud=int.from_bytes(value, "big"))
        return known if len(value) != 1 else _after_byte(known, what, value[0])


def _after_byte(known: ComPort, what: int, value: int) -> ComPort:
    if what == _Do.SET_CONTROL and value in _FLOW_OF:
        return replace(known, flow=_FLOW_OF[value])
    if what == _Do.NOTIFY_MODEMSTATE:
        return replace(known, modem=ModemState(value & sum(ModemState)))
    if what == _Do.NOTIFY_LINESTATE:
        return replace(known, line=LineState(value & sum(LineState)))
    return known


def _text(value: bytes) -> str:
    text = value.decode("ascii", "replace")[:_SIGNATURE_SIZE]
    return "".join(c for c in text if c.isprintable()).strip()
