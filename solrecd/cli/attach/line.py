"""The line from a terminal to the daemon: a WebSocket over a socket that is connected.

wsproto knows the protocol; here it gets a socket and no event loop.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    BytesMessage,
    CloseConnection,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)

_READ: Final = 64 * 1024
"""Bytes per read."""

PIECE: Final = 4096
"""Bytes per message: a paste is many, and a Ctrl-C may come between."""


class LineClosedError(Exception):
    """The daemon ended it; the message says why, in one line."""


class LineLostError(LineClosedError):
    """The daemon went away without a word: it may come back."""


class Line:
    """One attached console, as the client has it."""

    def __init__(
        self,
        connection: socket.socket,
        target: str,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        """Ask for the WebSocket; `receive` raises when that is refused.

        Args:
            connection: connected and blocking.
            target: path and query.
            headers: what else is said, such as who we are.
        """
        self._socket = connection
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self._refusal = b""
        self._text = ""
        self._send(Request(host="solrecd", target=target, extra_headers=list(headers)))

    def fileno(self) -> int:
        """Return the socket's descriptor, for a selector."""
        return self._socket.fileno()

    def type(self, data: bytes) -> None:
        """Send what was typed."""
        for start in range(0, len(data), PIECE):
            self._send(BytesMessage(data=data[start : start + PIECE]))

    def request(self, what: str, **fields: str) -> None:
        """Ask for something; see `solrecd.api.operate`."""
        self._send(TextMessage(data=json.dumps({"do": what, **fields})))

    def close(self) -> None:
        """Leave."""
        self._send(CloseConnection(code=1000))

    def receive(self) -> Iterator[bytes | Mapping[str, Any]]:
        """Wait for what the daemon sends: console bytes, or an object.

        Raises:
            LineClosedError: it is over.
            LineLostError: the same, without a reason.
        """
        for data in self._arrived():
            self._protocol.receive_data(data)
            for event in self._protocol.events():
                yield from self._read(event)

    def _arrived(self) -> Iterator[bytes]:
        """Yield all that has come: TLS keeps some where no selector sees it."""
        while True:
            data = self._receive()
            if data == b"":
                raise LineLostError("solrecd closed the connection")
            if data is not None:
                yield data
            if not getattr(self._socket, "pending", int)():
                return

    def _receive(self) -> bytes | None:
        """Read once; None where TLS had something to say, and the console not."""
        self._socket.settimeout(0)
        try:
            return self._socket.recv(_READ)
        except ConnectionError:
            return b""
        except OSError as error:
            if isinstance(error, BlockingIOError) or _wants_more(error):
                return None
            raise
        finally:
            self._socket.settimeout(None)

    def _read(self, event: object) -> Iterator[bytes | Mapping[str, Any]]:
        match event:
            case BytesMessage(data=data):
                yield bytes(data)
            case TextMessage(data=text, message_finished=is_whole):
                self._text += text
                if is_whole:
                    whole, self._text = self._text, ""
                    yield json.loads(whole)
            case Ping():
                self._send(event.response())
            case CloseConnection(reason=reason):
                raise LineClosedError(reason or "solrecd ended it")
            case RejectConnection() | RejectData():
                self._note_refusal(event)
            case _:
                pass

    def _note_refusal(self, event: RejectConnection | RejectData) -> None:
        if isinstance(event, RejectData):
            self._refusal += event.data
            is_whole = event.body_finished
        else:
            is_whole = not event.has_body
        if is_whole:
            raise LineClosedError(_reason_in(self._refusal))

    def _send(self, event: Any) -> None:
        try:
            self._socket.sendall(self._protocol.send(event))
        except ConnectionError:
            raise LineLostError("solrecd closed the connection") from None


def _wants_more(error: OSError) -> bool:
    """Tell without importing ssl, which a unix socket does not need."""
    return type(error).__name__ in {"SSLWantReadError", "SSLWantWriteError"}


def _reason_in(refusal: bytes) -> str:
    """Return the one line of a refusal, which is the API's object."""
    try:
        return str(json.loads(refusal)["error"])
    except (ValueError, KeyError, TypeError):
        return "refused"
