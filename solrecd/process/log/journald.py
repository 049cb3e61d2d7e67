"""The journal's native protocol: one datagram is one entry with any number of fields.

https://systemd.io/JOURNAL_NATIVE_PROTOCOL/. Never waits: an entry that the journal
does not take at once is dropped and counted, for the loop that logs also sends ACKs.
"""

from __future__ import annotations

import array
import errno
import fcntl
import os
import socket
from collections.abc import Mapping
from pathlib import Path

SOCKET = Path("/run/systemd/journal/socket")

MAX_VALUE = 64 * 1024
"""Bytes of one field; a traceback of 20 frames has 3 KiB, text of a BMC far less."""

_TOO_LARGE = frozenset({errno.EMSGSIZE, errno.ENOBUFS})
"""What the kernel says of a datagram beyond the socket's buffer (about 200 KiB)."""

_SEALS = (
    fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
)
"""The journal maps only a file that can no longer change under its hands."""


def encode(fields: Mapping[str, str]) -> bytes:
    """Return an entry as the journal reads it.

    A value with a line end is sent with its length (64 bits, little-endian), so that
    no value can begin a field of its own.

    Args:
        fields: by name; names are upper-case letters, digits and ``_``.
    """
    return b"".join([_field(name, value) for name, value in fields.items()])


def _field(name: str, value: str) -> bytes:
    data = value.encode("utf-8", "backslashreplace")[:MAX_VALUE]
    if b"\n" not in data:
        return b"%b=%b\n" % (name.encode("ascii"), data)
    length = len(data).to_bytes(8, "little")
    return b"%b\n%b%b\n" % (name.encode("ascii"), length, data)


class Journal:
    """A way to the journal that never waits.

    Args:
        path: of the journal's socket.
    """

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self.dropped = 0
        """Entries that the journal did not take since it took one last."""

    def send(self, entry: bytes) -> bool:
        """Send an entry.

        Returns:
            False when the socket has no listener: another way may work. An entry
            for which a busy journal has no room is dropped and counted instead.
        """
        try:
            self._send(entry)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except OSError:
            self.dropped += 1
        else:
            self.dropped = 0
        return True

    def _send(self, entry: bytes) -> None:
        # Not connected: a journal that was restarted has the same path.
        try:
            self._socket.sendto(entry, self._path)
        except OSError as error:
            if error.errno not in _TOO_LARGE:
                raise
            self._send_in_file(entry)

    def _send_in_file(self, entry: bytes) -> None:
        """Send a descriptor of a sealed file in memory instead of the entry itself."""
        file = os.memfd_create("solrecd-journal", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.write(file, entry)
            fcntl.fcntl(file, fcntl.F_ADD_SEALS, _SEALS)
            rights = array.array("i", [file])
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)]
            self._socket.sendmsg([b""], ancillary, 0, self._path)
        finally:
            os.close(file)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def open_journal(path: Path = SOCKET) -> Journal | None:
    """Return a way to the journal; None on a machine that has none."""
    return Journal(path) if path.exists() else None
