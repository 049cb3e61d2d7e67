"""Consoles that are a stream of bytes: a unix socket, or TCP as it is.

QEMU and libvirt offer a serial port as a unix socket, obmc-console does on the BMC
itself; console servers, ser2net and socat offer raw TCP. Nothing is spoken but the
console's bytes, so there is no break, no power, and no session to share.

Bytes are looked at in the kernel's buffer, recorded, and only then taken out of it:
where the journal has no room they stay there, the buffer fills, and the other end is
held up. A process that is killed between the two records the last few bytes twice; the
other order would lose them.

The descriptor store keeps connections through a restart: what the machine prints
meanwhile waits in the kernel.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol
from zlib import crc32

import structlog
import trio

from solrecd.config import ConsoleConfig, ConsoleKind
from solrecd.config.console_kinds import Values
from solrecd.config.keys import Key
from solrecd.config.values import absolute_path, address, refusal, text
from solrecd.events import Lost, LostReason, SessionState
from solrecd.process.backoff import Backoff
from solrecd.sources.base import Driver, Recorder, Services, SourceKind
from solrecd.sources.limits import UNSENT_LIMIT

CONNECT_TIMEOUT: Final = 10.0
"""Seconds for name look-up and connection together."""

BACKOFF_FIRST: Final = 0.5
BACKOFF_LAST: Final = 30.0
"""Seconds between tries; a virtual machine is back within seconds."""

SETTLED: Final = 10.0
"""Seconds a connection must have lasted for the back-off to begin with its first
wait again."""

CHUNK: Final = 16 * 1024
"""Bytes recorded at once; after each the other consoles have their turn."""

ROOM_EVERY: Final = 0.05
"""Seconds between two looks whether the journal has room again."""

_KEEPALIVE: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
)
"""A peer that lost its power without a word is noticed within a minute; a silent
console is no reason to give up."""

log = structlog.get_logger()


# What is configured.


class Endpoint(Protocol):
    """Where a stream is; the options of its kind."""

    live: ClassVar[frozenset[str]]
    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def place(self) -> str:
        """As people write it."""

    def details(self) -> Mapping[str, Any]:
        """What ``status`` shows."""

    async def connect(self) -> trio.SocketStream:
        """Return a connection.

        Raises:
            OSError: there is none.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class UnixOptions:
    """A unix stream socket that another program listens on."""

    live: ClassVar[frozenset[str]] = frozenset()
    path: str

    @property
    def place(self) -> str:
        """See `Endpoint`."""
        return self.path

    def details(self) -> Mapping[str, Any]:
        """See `Endpoint`."""
        return {"path": self.path}

    async def connect(self) -> trio.SocketStream:
        """See `Endpoint`."""
        return await trio.open_unix_socket(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpOptions:
    """A TCP port that gives and takes the console's bytes and nothing else."""

    live: ClassVar[frozenset[str]] = frozenset()
    host: str
    """Name or address, without port and brackets."""
    port: int

    @property
    def place(self) -> str:
        """See `Endpoint`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def details(self) -> Mapping[str, Any]:
        """See `Endpoint`."""
        return {"address": self.place}

    async def connect(self) -> trio.SocketStream:
        """See `Endpoint`."""
        try:
            stream = await trio.open_tcp_stream(self.host, self.port)
        except OSError as error:
            raise _first_cause(error) from None
        for level, option, value in _KEEPALIVE:
            stream.setsockopt(level, option, value)
        return stream


def _first_cause(error: OSError) -> OSError:
    """Return why the first address of several did not answer: the others say less."""
    cause = error.__cause__
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    return cause if isinstance(cause, OSError) else error


def _unix(values: Values) -> UnixOptions | None:
    path = values.expanded("path", str)
    return None if path is None else UnixOptions(path=path)


def _tcp(values: Values) -> TcpOptions | None:
    place = values.expanded("address", _host_and_port)
    return None if place is None else TcpOptions(host=place[0], port=place[1])


def _host_and_port(text_: str) -> tuple[str, int]:
    host, port = address(text_)
    if port is None:
        raise refusal(text_, '"host:port" or "[2001:db8::7]:port"')
    return host, port


# The sources.


class StreamSource:
    """One console over a stream; fits `solrecd.sources.base.Source`.

    Args:
        endpoint: where it is.
        recorder: takes the console's output.
        driver: what sources of this kind share.
        backoff: how long to wait between tries.
    """

    power = None
    breaks = None
    sharing = None
    examiner = None

    def __init__(
        self,
        endpoint: Endpoint,
        recorder: Recorder,
        driver: StreamDriver,
        backoff: Backoff,
    ) -> None:
        self._endpoint = endpoint
        self._recorder = recorder
        self._driver = driver
        self._backoff = backoff
        self._socket: socket.socket | None = None
        """While it is connected."""
        self._unsent = bytearray()
        self._typed = trio.Event()
        self._wanted = trio.Event()
        self._ended = Lost(LostReason.STOPPED)
        self._living = trio.CancelScope()

    @property
    def peer(self) -> str:
        """See `Source`."""
        return self._endpoint.place

    # Living.

    async def run(self) -> None:
        """See `Source`."""
        left = self._driver.adopt(self._recorder.name, self._endpoint)
        if left is not None:
            self._recorder.mark_restart(None, output_waited=False)
            await self._pause(await self._use(left))
        while True:
            self._recorder.session_changed(SessionState.CONNECTING, None, None)
            await self._pause(await self._attempt())

    async def _pause(self, lost: Lost) -> None:
        """Wait for the next try, unless it is wanted now."""
        wait = 0.0 if lost.reason is LostReason.RECONNECT else self._backoff.next()
        self._recorder.session_changed(SessionState.DOWN, lost, wait)
        with trio.move_on_after(wait):
            await self._wanted.wait()
        self._wanted = trio.Event()

    async def _attempt(self) -> Lost:
        try:
            with trio.fail_after(CONNECT_TIMEOUT):
                stream = await self._endpoint.connect()
        except trio.TooSlowError:
            return Lost(
                LostReason.UNREACHABLE, f"{self.peer}: no answer in {CONNECT_TIMEOUT} s"
            )
        except socket.gaierror as error:
            return Lost(LostReason.NAME_UNRESOLVED, f"{self.peer}: {error.strerror}")
        except OSError as error:
            return Lost(LostReason.UNREACHABLE, f"{self.peer}: {_words(error)}")
        connection = socket.socket(fileno=stream.socket.detach())
        self._driver.keep(self._recorder.name, self._endpoint, connection)
        began = trio.current_time()
        lost = await self._use(connection)
        if trio.current_time() - began >= SETTLED:
            self._backoff.reset()
        return lost

    async def _use(self, connection: socket.socket) -> Lost:
        """Record what comes until the connection ends; return why it did."""
        connection.setblocking(False)
        self._socket = connection
        self._recorder.session_changed(SessionState.UP, None, None)
        lost = self._ended
        try:
            with trio.CancelScope() as self._living:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._send_forever, connection)
                    lost = await self._receive(connection)
                    nursery.cancel_scope.cancel()
        finally:
            self._socket = None
            self._unsent.clear()
            self._driver.release(self._recorder.name, self._endpoint, connection)
        return self._ended if self._living.cancelled_caught else lost

    async def _receive(self, connection: socket.socket) -> Lost:
        while True:
            await trio.lowlevel.wait_readable(connection)
            try:
                data = connection.recv(CHUNK, socket.MSG_PEEK)
                if not data:
                    self._recorder.line_seen(0.0)
                    return Lost(LostReason.CLOSED, f"{self.peer} closed the connection")
                if self._recorder.record(data):
                    _take(connection, len(data))
                else:
                    await trio.sleep(ROOM_EVERY)
            except BlockingIOError:
                continue
            except OSError as error:
                return Lost(LostReason.CLOSED, f"{self.peer}: {_words(error)}")

    async def _send_forever(self, connection: socket.socket) -> None:
        while True:
            await self._typed.wait()
            self._typed = trio.Event()
            while self._unsent:
                await trio.lowlevel.wait_writable(connection)
                try:
                    sent = connection.send(self._unsent[:CHUNK])
                except BlockingIOError:
                    continue
                except OSError:
                    return  # the reading side learns why
                del self._unsent[:sent]

    # What is asked of it.

    def update(self, config: ConsoleConfig) -> None:
        """See `Source`; nothing of a stream changes while it is connected."""

    def details(self) -> Mapping[str, Any]:
        """See `Source`."""
        return self._endpoint.details()

    def write(self, data: bytes) -> bool:
        """See `Source`."""
        if self._socket is None:
            return False
        if len(self._unsent) + len(data) > UNSENT_LIMIT:
            raise BufferError(
                f"{len(self._unsent)} bytes of input wait already,"
                f" {UNSENT_LIMIT} allowed"
            )
        self._unsent += data
        self._typed.set()
        return True

    @property
    def unsent(self) -> int:
        """See `Source`."""
        return len(self._unsent)

    def reconnect(self, why: str) -> None:
        """See `Source`."""
        self._backoff.reset()
        self._ended = Lost(LostReason.RECONNECT, why)
        self._wanted.set()
        self._living.cancel()

    def output_paused(self) -> None:
        """See `Source`; there is nothing to ask."""

    def revive(self, why: str) -> bool:  # noqa: ARG002 - a protocol's
        """See `Source`; a stream that is connected is all there is."""
        return False


def _take(connection: socket.socket, size: int) -> None:
    """Take bytes that were looked at out of the kernel's buffer."""
    while size:
        size -= len(connection.recv(size))


def _words(error: OSError) -> str:
    return error.strerror or str(error)


# What they share.


class StreamDriver:
    """The connections of one kind, and those that an earlier process left.

    Each is stored under a name that says whose it is and where it leads, so that the
    store needs no record beside it.

    Args:
        kind: its name.
        services: of the daemon.
    """

    def __init__(self, kind: str, services: Services) -> None:
        self._prefix = f"{kind}."
        self._services = services
        self._is_handing_over = False
        self._left = {
            name: fd
            for name, fd in services.descriptors.inherited.items()
            if name.startswith(self._prefix)
        }

    def _name(self, console: str, endpoint: Endpoint) -> str:
        """Return the descriptor's name; no colons (sd_pid_notify_with_fds(3))."""
        return f"{self._prefix}{console}.{crc32(endpoint.place.encode()):08x}"

    def adopt(self, console: str, endpoint: Endpoint) -> socket.socket | None:
        """Return the connection that an earlier process left of a console, once."""
        fd = self._left.pop(self._name(console, endpoint), None)
        return None if fd is None else socket.socket(fileno=fd)

    def keep(self, console: str, endpoint: Endpoint, connection: socket.socket) -> None:
        """Leave a connection to our successor, should we be gone."""
        descriptors = self._services.descriptors
        if descriptors.keeps_descriptors:
            descriptors.store(self._name(console, endpoint), connection.fileno())

    def release(
        self, console: str, endpoint: Endpoint, connection: socket.socket
    ) -> None:
        """Close a connection, unless the next process goes on with it."""
        descriptors = self._services.descriptors
        if descriptors.keeps_descriptors and not self._is_handing_over:
            descriptors.unstore(self._name(console, endpoint))
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        connection.close()

    # For the daemon.

    async def run(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """See `Driver`; the sources need nothing but themselves."""
        task_status.started()
        await trio.sleep_forever()

    def source(self, config: ConsoleConfig, recorder: Recorder) -> StreamSource:
        """See `Driver`."""
        if not isinstance(config.options, UnixOptions | TcpOptions):
            raise TypeError(f"{config.name} is of kind {config.kind}")
        backoff = Backoff(self._services.rng, BACKOFF_FIRST, BACKOFF_LAST)
        return StreamSource(config.options, recorder, self, backoff)

    def forget(self, name: str) -> None:
        """See `Driver`; nothing is remembered."""

    def beat(self, now: int) -> None:
        """See `Driver`; the kernel keeps what comes."""

    def settle(self) -> None:
        """See `Driver`: what no console has taken leads nowhere now."""
        while self._left:
            name, fd = self._left.popitem()
            log.info("stream.closed", descriptor=name)
            self._services.descriptors.unstore(name)
            with suppress(OSError):
                os.close(fd)

    def begin_handover(self, now: int) -> None:  # noqa: ARG002 - a protocol's
        """See `Driver`."""
        self._is_handing_over = True

    def rejected(self) -> Mapping[str, int]:
        """See `Driver`; a stream has no packets."""
        return {}


# The kinds.


def _driver(kind: str) -> Callable[[Services], Driver]:
    return lambda services: StreamDriver(kind, services)


UNIX: Final = SourceKind(
    ConsoleKind(
        name="unix",
        help="A unix socket that QEMU, libvirt or obmc-console listens on.",
        keys={
            "path": Key(
                absolute_path,
                "The socket. `{name}` and `{n}` expand in it. Its owner must let the"
                " user `solrecd` connect.",
                example="/run/vms/{name}/serial.sock",
            )
        },
        defaults={},
        build=_unix,
        required=("path",),
    ),
    _driver("unix"),
)

TCP: Final = SourceKind(
    ConsoleKind(
        name="tcp",
        help="A TCP port that carries the console's bytes and nothing else: a console"
        " server's raw port, ser2net, socat, QEMU. Anyone on the way can read and type;"
        " keep it on a network of its own.",
        keys={
            "address": Key(
                text(min_bytes=1, max_bytes=300),
                "Where the port is: `host:port` or `[2001:db8::7]:port`. `{name}` and"
                " `{n}` expand in it.",
                example="ts1.example.net:7001",
            )
        },
        defaults={},
        build=_tcp,
        required=("address",),
    ),
    _driver("tcp"),
)
