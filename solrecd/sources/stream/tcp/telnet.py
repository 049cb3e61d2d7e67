"""A TCP connection on which telnet is spoken, with or without RFC 2217.

Of a connection that speaks telnet, fewer bytes are recorded than taken, so that two
numbers are needed to tell, after a kill, whether what waits was recorded already: where
in the connection a chunk ends, and where in the console's stream. They are kept where
only the kernel can lose them, with the socket, as the time-out of a `recv` that blocks
(``SO_RCVTIMEO``, socket(7)): this socket never blocks, and a time-out means nothing to
it. The options in effect are kept as its other time-out.

What is incomplete (the codec's word) stays in the kernel's buffer, and ``SO_RCVLOWAT``
has the kernel wake us when there is more.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

import trio

from solrecd.events.gaps import Gap, GapReason
from solrecd.sources.base import Recorder
from solrecd.sources.findings import Finding, ok, warn
from solrecd.sources.stream.connection import (
    CHUNK,
    SocketConnection,
    is_closed,
    taken,
)
from solrecd.sources.stream.tcp import com_port
from solrecd.sources.stream.tcp.codec import (
    BREAK,
    NOP,
    Command,
    Decoded,
    Negotiation,
    Option,
    decode,
    encode,
)
from solrecd.sources.stream.tcp.com_port import ComPort, LineState
from solrecd.sources.stream.tcp.options import Options, Side, State
from solrecd.sources.stream.tcp.place import TcpOptions, TcpProtocol
from solrecd.sources.stream.way import Say

BREAK_LENGTH: Final = 0.3
"""Seconds; firmware and kernels want a quarter of one."""

TELNET: Final = "t"
"""What the descriptor of such a connection is called."""

_THEIRS: Final = (Option.BINARY, Option.ECHO, Option.SUPPRESS_GO_AHEAD)
_OURS: Final = (Option.BINARY, Option.SUPPRESS_GO_AHEAD)
_SPAN: Final = 1 << 24
"""Both numbers of a note are kept modulo this: many times more than one chunk."""
_NOTED: Final = _SPAN * _SPAN
"""Added to a note, so that none is 0."""
_TIME: Final = struct.Struct("@ll")
"""``struct timeval``."""


class TelnetConnection(SocketConnection):
    """Fits `Connection`.

    Args:
        connected: does not block.
        options: of the console.
        recorder: of the console; learns where the other end lost bytes.
    """

    def __init__(
        self, connected: socket.socket, options: TcpOptions, recorder: Recorder
    ) -> None:
        super().__init__(connected, options.place)
        self._config = options
        self._recorder = recorder
        ours = (*_OURS, Option.COM_PORT) if self._sets_port else _OURS
        packed = _kept(connected, socket.SO_SNDTIMEO)
        self._options = Options(ours, _THEIRS, packed % _NOTED)
        self._port = ComPort()
        self._decoded = Decoded(b"", 0)
        self._taken = taken(connected)
        self._say: Say | None = None
        self._is_due = True
        """The port's settings have not been sent yet."""
        self.send_break = self._send_break

    @property
    def _sets_port(self) -> bool:
        return self._config.protocol is TcpProtocol.RFC2217

    @property
    def descriptors(self) -> Mapping[str, int]:
        """See `Connection`."""
        return {TELNET: self.socket.fileno()}

    # What comes.

    def resume(self, offset: int) -> None:
        """See `Connection`."""
        note = _kept(self.socket, socket.SO_RCVTIMEO)
        if note:
            end, recorded = divmod(note % _NOTED, _SPAN)
            left = (end - self._taken) % _SPAN
            if recorded == offset % _SPAN and left <= CHUNK:
                self._take(left)
                self._taken += left

    def look(self) -> bytes | None:
        """See `Connection`."""
        raw = self.socket.recv(CHUNK, socket.MSG_PEEK)
        if not raw:
            return None
        self._decoded = self._decode(raw)
        if not self._decoded.used:
            if is_closed(self.socket):
                # The rest will not come: a CR is all that it may have been of ours.
                self._decoded = Decoded(raw[: raw[0] == 0x0D], len(raw))
                return self._decoded.data
            self._wake_at(len(raw) + 1)
            raise BlockingIOError
        return self._decoded.data

    def _decode(self, raw: bytes) -> Decoded:
        return decode(raw, binary=self._options.is_on(Side.THEIRS, Option.BINARY))

    def _wake_at(self, size: int) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)

    def recording(self, offset: int, size: int) -> None:
        """See `Connection`."""
        end = (self._taken + self._decoded.used) % _SPAN
        _keep(self.socket, socket.SO_RCVTIMEO, end * _SPAN + (offset + size) % _SPAN)

    def take(self) -> None:
        """See `Connection`."""
        done, self._decoded = self._decoded, Decoded(b"", 0)
        self._take(done.used)
        self._taken += done.used
        self._wake_at(1)
        if done.commands:
            for command in done.commands:
                self._obey(command)
            _keep(self.socket, socket.SO_SNDTIMEO, self._options.packed)

    def _obey(self, command: Command) -> None:
        if isinstance(command, Negotiation):
            self._answer(self._options.receive(command))
            if command.option == Option.COM_PORT:
                self._set_port()
        elif command.option == Option.COM_PORT and self._sets_port:
            self._port = self._port.after(command.data)
            if self._port.line & LineState.OVERRUN:
                text = f"{self._place}: the serial port overran; output is missing"
                self._recorder.mark_loss(Gap(GapReason.OVERRUN, text))

    def _set_port(self) -> None:
        if self._is_due and self._options.is_on(Side.OURS, Option.COM_PORT):
            self._is_due = False
            self._answer(com_port.settings(self._config.baud, self._config.flow))

    def _answer(self, data: bytes) -> None:
        if self._say is not None:
            self._say(data)

    # What is sent.

    async def tend(self, say: Say) -> None:
        """See `Connection`."""
        self._say = say
        say(self._options.ask())
        _keep(self.socket, socket.SO_SNDTIMEO, self._options.packed)
        self._set_port()
        if self._config.telnet_keepalive is not None:
            while True:
                await trio.sleep(self._config.telnet_keepalive)
                say(NOP)

    def encoded(self, typed: bytes) -> bytes:
        """See `Connection`."""
        return encode(typed, binary=self._options.is_on(Side.OURS, Option.BINARY))

    async def _send_break(self) -> None:
        if not self._options.is_on(Side.OURS, Option.COM_PORT):
            await self._send_all(BREAK)
            return
        await self._send_all(com_port.BREAK_ON)
        await trio.sleep(BREAK_LENGTH)
        await self._send_all(com_port.BREAK_OFF)

    async def _send_all(self, data: bytes) -> None:
        while data:
            await self.wait_sendable()
            data = data[self.send(data) :]

    # What is told.

    def details(self) -> Mapping[str, Any]:
        """See `Connection`."""
        on = [
            option.name.lower()
            for option in Option
            if any(self._options.is_on(side, option) for side in Side)
        ]
        port, told = self._port, {"telnet_options": on}
        known = {
            "signature": port.signature or None,
            "baud": port.baud,
            "flow": None if port.flow is None else port.flow.value,
            "modem": None if port.modem is None else _names(port.modem),
        }
        return told | {key: value for key, value in known.items() if value is not None}

    def findings(self) -> Sequence[Finding]:
        """See `Connection`."""
        return (self._negotiated(), *([self._set()] if self._sets_port else []))

    def _negotiated(self) -> Finding:
        on = ", ".join(self.details()["telnet_options"])
        if self._options.has_answer:
            return ok("negotiate", f"telnet, with {on or 'no options'}")
        return warn(
            "negotiate",
            "the other end answers no telnet option",
            'if the port is raw, set protocol = "raw", or typed bytes arrive wrongly',
        )

    def _set(self) -> Finding:
        port, state = self._port, self._options.state(Side.OURS, Option.COM_PORT)
        if state is not State.ON:
            said = "refuses" if state is State.REFUSED else "does not answer to"
            cure = 'switch it on there, or set protocol = "telnet"'
            return warn("serial", f"the other end {said} RFC 2217", cure)
        told = ", ".join(
            [
                port.signature or "no signature",
                "speed unknown" if port.baud is None else f"{port.baud} bit/s",
                *([] if port.modem is None else [f"modem {_names(port.modem)}"]),
            ]
        )
        wanted = self._config.baud
        if wanted is not None and port.baud not in {None, wanted}:
            cure = "set a rate that the server's port can do"
            return warn("serial", f"{told}; {wanted} was asked for", cure)
        return ok("serial", told)


def _names(state: com_port.ModemState) -> str:
    return " ".join(one.name.lower() for one in state if one.name) or "no signals"


def _keep(connected: socket.socket, option: int, number: int) -> None:
    """Keep a number of 48 bits with a socket, as one of its time-outs."""
    value = _TIME.pack(_NOTED + number, 0)
    connected.setsockopt(socket.SOL_SOCKET, option, value)


def _kept(connected: socket.socket, option: int) -> int:
    """Return what was kept, with `_NOTED`; 0: nothing was."""
    value = connected.getsockopt(socket.SOL_SOCKET, option, _TIME.size)
    (number, _) = _TIME.unpack(value)
    return int(number)
