"""The serial line between a machine and its BMC, which remembers what was said on it.

QEMU's UART (or a test, through `Wire.emit`) writes at one end; the BMC's serial side
reads at the other. Everything is kept in a file before it is passed on: what left the
UART is the truth that a recording is compared with.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

_READ_SIZE = 4096


class Wire:
    """A serial line whose two ends are sockets that listen from the start.

    ``bmc_address`` is a TCP address (the BMC dials it), ``machine_path`` a unix socket
    (the machine dials it). A slow BMC holds the machine up, as flow control would.
    Output while no BMC is connected is kept in `sent` and lost otherwise.
    """

    def __init__(self, directory: Path) -> None:
        """Listen at both ends; the folder is created and gets ``uart.raw``."""
        directory.mkdir(parents=True, exist_ok=True)
        self.machine_path = directory / "uart.sock"
        self._truth_path = directory / "uart.raw"
        self._truth = self._truth_path.open("ab", buffering=0)
        self._typed = bytearray()
        self._lock = threading.Lock()
        self._bmc: socket.socket | None = None
        self._bmc_attached = threading.Event()
        self._machine: socket.socket | None = None
        self._bmc_listener = socket.create_server(("127.0.0.1", 0))
        self._machine_listener = socket.socket(socket.AF_UNIX)
        self._machine_listener.bind(str(self.machine_path))
        self._machine_listener.listen()
        self.bmc_address: tuple[str, int] = self._bmc_listener.getsockname()
        self._threads = [
            threading.Thread(target=self._serve_bmc),
            threading.Thread(target=self._serve_machine),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def sent(self) -> bytes:
        """Every byte that left the UART so far."""
        return self._truth_path.read_bytes()

    @property
    def typed(self) -> bytes:
        """Every byte that came from the BMC so far."""
        return bytes(self._typed)

    def wait_bmc(self, seconds: float = 60) -> None:
        """Return once a BMC holds its end.

        Raises:
            TimeoutError: none came.
        """
        if not self._bmc_attached.wait(seconds):
            raise TimeoutError(f"no BMC on the serial line within {seconds} s")

    def emit(self, data: bytes) -> None:
        """Print ``data`` as the machine would."""
        with self._lock:
            self._truth.write(data)
            bmc = self._bmc
        if bmc is not None:
            with contextlib.suppress(OSError):
                bmc.sendall(data)

    def close(self) -> None:
        """Hang up both ends and wait for the threads."""
        listeners = (self._bmc_listener, self._machine_listener)
        for end in (*listeners, self._bmc, self._machine):
            if end is not None:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for listener in listeners:
            listener.close()
        self._truth.close()
        self.machine_path.unlink()

    def _serve_bmc(self) -> None:
        for connection in _accepted(self._bmc_listener):
            self._bmc = connection
            self._bmc_attached.set()
            _read_all(connection, self._type)
            self._bmc_attached.clear()
            self._bmc = None

    def _serve_machine(self) -> None:
        for connection in _accepted(self._machine_listener):
            self._machine = connection
            _read_all(connection, self.emit)
            self._machine = None

    def _type(self, data: bytes) -> None:
        self._typed += data
        machine = self._machine
        if machine is not None:
            with contextlib.suppress(OSError):
                machine.sendall(data)


def _accepted(listener: socket.socket) -> Iterator[socket.socket]:
    """Yield connections one after the other until the listener is shut down."""
    while True:
        try:
            connection, _address = listener.accept()
        except OSError:
            return
        with connection:
            yield connection


def _read_all(connection: socket.socket, take: Callable[[bytes], None]) -> None:
    with contextlib.suppress(OSError):
        while data := connection.recv(_READ_SIZE):
            take(data)
