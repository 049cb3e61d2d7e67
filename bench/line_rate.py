"""``python -m bench.line_rate PORT``: a TCP port that prints as a serial line does.

Each connection gets log lines at 115200 baud, 11.5 kB/s, a piece every 20 ms.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

RATE = 11_520
"""Bytes a second of each connection."""

_EVERY = 0.02
_LINES = b"".join(
    b"[%5d.%06d] device eth%d: link state event %08x, queue %d of 16 restarted\r\n"
    % (n, n * 7919 % 1_000_000, n % 8, n * 2654435761 % (1 << 32), n % 16)
    for n in range(2000)
)


def main() -> None:
    """Serve until killed."""
    with socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=512) as server:
        server.setblocking(False)
        _serve(server)


def _serve(server: socket.socket) -> None:
    connected: list[socket.socket] = []
    pieces = _pieces()
    due = time.monotonic()
    while True:
        with suppress(BlockingIOError):
            while True:
                connected.append(server.accept()[0])
                connected[-1].setblocking(False)
        piece = next(pieces)
        connected = [one for one in connected if _sent(one, piece)]
        due = max(due + _EVERY, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))


def _pieces() -> Iterator[bytes]:
    size, at = round(RATE * _EVERY), 0
    while True:
        yield (_LINES[at : at + size] + _LINES)[:size]
        at = (at + size) % len(_LINES)


def _sent(connection: socket.socket, piece: bytes) -> bool:
    """Send what fits; return whether the connection is still there."""
    try:
        connection.send(piece)
    except BlockingIOError:
        return True
    except OSError:
        connection.close()
        return False
    return True


if __name__ == "__main__":
    main()
