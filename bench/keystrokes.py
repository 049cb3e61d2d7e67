"""From a key to its echo: through the daemon, and by the bare engine to such a BMC.

Two BMCs of one process echo what is typed. One belongs to the daemon, whose attach
WebSocket we type into; to the other we talk ourselves, in one datagram each way. Turn
about, so that whatever else this machine does meets both. What the daemon adds is the
difference; it is measured while one and while a thousand other consoles print.
"""

from __future__ import annotations

import secrets
import select
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.figures import Figure
from bench.recording import recording
from solrecd.api.client import Client
from solrecd.cli.attach.line import Line
from solrecd.sources.ipmi.protocol.events import LoggedIn, SolActivated, SolData
from solrecd.sources.ipmi.protocol.options import SessionOptions
from solrecd.sources.ipmi.protocol.session import Session
from tests.support.recorder import Recorder
from tests.support.simulators import PASSWORD, USERNAME, BmcFleet

LOADS = (1, 1000)
"""Consoles that print meanwhile."""

_RATE = 1.0
"""Bursts a second of each of them."""

_AT_ONCE, _SLOW = 1, 96
"""Bytes of output that make a BMC send it at once; less than that waits for 60 ms, as
real ones have it: an echo is one byte."""

_KEYS = 400
_PAUSE_SECONDS = 0.02
"""Between two keys: a very fast typist, or a key that repeats."""

_WARM_UP = 20

_SETTLE_SECONDS = 10.0
"""After the last login: files are begun, memory is warm."""

_ECHO_PORT = 7623
_PATIENCE_SECONDS = 120.0
_MOST_ADDED = 5.0
"""Milliseconds that the daemon may add to the BMC's own delay, p99."""

_Type = Callable[[bytes], None]
"""Types a key and returns when its echo is there."""


def measure(directory: Path) -> Iterable[Figure]:
    """Yield the figures; takes about two minutes."""
    for load in LOADS:
        for threshold in sorted({_AT_ONCE, _SLOW}):
            folder = directory / f"{load}-{threshold}"
            yield from _measure(folder, load, threshold)


def _measure(directory: Path, load: int, threshold: int) -> Iterable[Figure]:
    with ExitStack() as stack:
        printing = stack.enter_context(BmcFleet(load, rate=_RATE))
        echoing = stack.enter_context(BmcFleet(2, port=_ECHO_PORT, threshold=threshold))
        ours, bare = echoing.addresses.values()
        addresses = {**printing.addresses, "typed": ours}
        recorder = stack.enter_context(recording(directory, addresses, _SETTINGS))
        _wait_until_up(recorder, load + 1)
        time.sleep(_SETTLE_SECONDS)
        through = stack.enter_context(_attached(recorder))
        direct = stack.enter_context(_logged_in(bare))
        taken = _take_turns({"solrecd": through, "bare engine": direct})
    bmc = "at once" if threshold == _AT_ONCE else "60 ms"
    what = f"key to echo, {load} printing, BMC {bmc}"
    yield from _figures(what, taken["solrecd"], taken["bare engine"])


_SETTINGS = "login_concurrency = 200\n"


def _figures(what: str, ours: list[float], bare: list[float]) -> Iterator[Figure]:
    for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0)):
        mine, theirs = _quantile(ours, share), _quantile(bare, share)
        goal = _MOST_ADDED if name == "p99" else None
        yield Figure(f"{what}: solrecd {name}", mine, "ms")
        yield Figure(f"{what}: bare engine {name}", theirs, "ms")
        yield Figure(f"{what}: added {name}", mine - theirs, "ms", goal=goal)


def _quantile(seconds: Sequence[float], share: float) -> float:
    """Return a quantile in milliseconds."""
    ordered = sorted(seconds)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000


def _take_turns(typists: Mapping[str, _Type]) -> dict[str, list[float]]:
    """Return how long each key took each of them."""
    taken: dict[str, list[float]] = {name: [] for name in typists}
    for number in range(_WARM_UP + _KEYS):
        for name, press in typists.items():
            time.sleep(_PAUSE_SECONDS)
            begun = time.perf_counter()
            press(b"abcdefghij"[number % 10 : number % 10 + 1])
            taken[name].append(time.perf_counter() - begun)
    return {name: seconds[_WARM_UP:] for name, seconds in taken.items()}


def _wait_until_up(recorder: Recorder, count: int) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while recorder.total("solrecd_sol_session_up") < count:
        if time.monotonic() > until:
            raise TimeoutError(f"not all of {count} sessions are up")
        time.sleep(0.1)


@contextmanager
def _attached(recorder: Recorder) -> Iterator[_Type]:
    """Attach as `solrecctl attach` does; yield what types."""
    client = Client(str(recorder.directory / "control.sock"))
    with client.dial() as connection:
        line = Line(connection, "/v1/consoles/typed/attach?mode=rw&claim=ask")
        while not list(_received(line)):
            pass  # the handshake

        def press(key: bytes) -> None:
            line.type(key)
            seen = False
            while not seen:
                seen = any(item == key for item in _received(line))

        yield press


def _received(line: Line) -> Iterator[object]:
    """Wait for the daemon, and yield what it says."""
    select.select([line], [], [])
    yield from line.receive()


class _Bare:
    """A session of our own on a socket of our own."""

    def __init__(self, connection: socket.socket) -> None:
        options = SessionOptions(
            username=USERNAME.encode(), password=PASSWORD.encode(), cipher_suites=(3,)
        )
        self._socket = connection
        self._session = Session(
            options, token_bytes=secrets.token_bytes, session_id=0x7A5E0020
        )

    def log_in(self) -> None:
        """Come as far as the payload."""
        self._session.open(time.monotonic())
        self._until(lambda event: isinstance(event, LoggedIn))
        self._session.activate(time.monotonic())
        self._until(lambda event: isinstance(event, SolActivated))

    def press(self, key: bytes) -> None:
        """Type a key; return when its echo is here."""
        self._session.write(key, time.monotonic())
        self._until(lambda event: isinstance(event, SolData) and event.data == key)

    def _until(self, is_it: Callable[[object], bool]) -> None:
        found = False
        while not found:
            self._send()
            now = time.monotonic()
            for event in self._session.receive(self._socket.recv(4096), now):
                if isinstance(event, SolData):
                    self._session.acknowledge()
                found = found or is_it(event)
        self._send()

    def _send(self) -> None:
        for datagram in self._session.datagrams():
            self._socket.send(datagram)


@contextmanager
def _logged_in(address: str) -> Iterator[_Type]:
    """Log in to a BMC by the bare engine; yield what types."""
    host, _, port = address.rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.settimeout(_PATIENCE_SECONDS)
        connection.connect((host, int(port)))
        bare = _Bare(connection)
        bare.log_in()
        yield bare.press
