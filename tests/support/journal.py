"""The journal's end of its native protocol, written from its description."""

import fcntl
import mmap
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_WANTED_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def decode(data: bytes) -> dict[str, str]:
    """Return the fields of an entry, as systemd documents the form."""
    fields: dict[str, str] = {}
    while data:
        head, _, data = data.partition(b"\n")
        name, equals, value = head.partition(b"=")
        if not equals:
            length = int.from_bytes(data[:8], "little")
            value, end, data = (
                data[8 : 8 + length],
                data[8 + length : 9 + length],
                data[9 + length :],
            )
            assert end == b"\n"
        fields[name.decode()] = value.decode()
    return fields


class FakeJournal:
    """A socket where entries arrive, in datagrams or in sealed files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)
        self.in_files = 0

    def read(self) -> list[dict[str, str]]:
        """Return the entries that have arrived."""
        return [decode(one) for one in self._datagrams()]

    def _datagrams(self) -> Iterator[bytes]:
        while True:
            try:
                data, fds, _, _ = socket.recv_fds(self._socket, 1 << 20, 1)
            except BlockingIOError:
                return
            yield self._content(fds[0]) if fds else data

    def _content(self, file: int) -> bytes:
        self.in_files += 1
        try:
            seals = fcntl.fcntl(file, fcntl.F_GET_SEALS)
            # As the journal does: it believes no file that can still change.
            assert seals & _WANTED_SEALS == _WANTED_SEALS
            with mmap.mmap(file, 0, prot=mmap.PROT_READ) as content:
                return content[:]
        finally:
            os.close(file)

    def close(self) -> None:
        """Stop to listen, and leave the path as a journal does that is restarted."""
        self._socket.close()


@contextmanager
def fake_journal(folder: Path) -> Iterator[FakeJournal]:
    """Have a journal for a while."""
    journal = FakeJournal(folder / "journal.socket")
    try:
        yield journal
    finally:
        journal.close()
