"""Runs in the daemon's place and spoils what is in systemd's descriptor store.

    python poison.py KIND

As the unit's main process it may change the store: it hands back to systemd, under the
daemon's names, something else than it got. Then it waits to be replaced.
"""

import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping

Store = dict[str, int]


def main(kind: str) -> None:
    """Spoil the store in one of the ways of `POISONS`."""
    names = os.environ["LISTEN_FDNAMES"].split(":")
    kept = dict(zip(names, range(3, 3 + len(names)), strict=True))
    spoiled = dict(kept)
    POISONS[kind](spoiled)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.connect(os.environ["NOTIFY_SOCKET"])
        for name in kept:
            manager.send(f"FDSTOREREMOVE=1\nFDNAME={name}".encode())
        for name, fd in spoiled.items():
            message = f"FDSTORE=1\nFDNAME={name}\nFDPOLL=0".encode()
            socket.send_fds(manager, [message], [fd])
        manager.send(b"READY=1")
        signal.pause()


def _overwrite(offset: int, size: int) -> Callable[[Store], None]:
    def spoil(store: Store) -> None:
        os.pwrite(store["sessions"], b"\xff" * size, offset)

    return spoil


def _swap(store: Store) -> None:
    store["sessions"], store["sock0"] = store["sock0"], store["sessions"]


def _replace(name: str, make: Callable[[], int]) -> Callable[[Store], None]:
    def spoil(store: Store) -> None:
        store[name] = make()

    return spoil


def _pipe() -> int:
    return os.pipe()[0]


def _stream() -> int:
    return socket.socketpair()[0].detach()


def _empty_memory() -> int:
    return os.memfd_create("solrecd-sessions")


def _forget_sessions(store: Store) -> None:
    del store["sessions"]


POISONS: Mapping[str, Callable[[Store], None]] = {
    "header-overwritten": _overwrite(0, 64),
    "records-overwritten": _overwrite(4096, 64 * 1024),
    "swapped": _swap,
    "memory-is-a-pipe": _replace("sessions", _pipe),
    "memory-is-empty": _replace("sessions", _empty_memory),
    "socket-is-a-stream": _replace("sock0", _stream),
    "no-memory": _forget_sessions,
}
"""Ways to spoil a store, by name."""


if __name__ == "__main__":
    main(sys.argv[1])
