"""The whole product as users run it: ``solrecd run`` and ``solrecctl``, processes."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import zstandard

from solrecd.storage.formats.names import SegmentName, parse_file_name
from tests.support.ports import free_port

T = TypeVar("T")

_POLL_SECONDS = 0.05
_PATIENCE = 120.0
"""Seconds for what takes a few, on a host that is busy with other tests."""
_SHOWN = 2000
"""Characters of the daemon's messages in a failure's text."""
_BIN = Path(sys.executable).parent

CONFIGURATION = """\
[daemon]
log_dir = "{directory}/log"
state_dir = "{directory}/state"
control = "{directory}/control.sock"
journal_size = "16MiB"
metrics = "127.0.0.1:{metrics_port}"
log_format = "json"
"""


class Recorder:
    """A daemon with all of its files in one folder; a context manager that ends it."""

    def __init__(self, directory: Path) -> None:
        """Make the folder; `configure` and `start` come next."""
        directory.mkdir(parents=True, exist_ok=True)
        for name in ("log", "state"):
            (directory / name).mkdir(exist_ok=True)
        self.directory = directory
        self.journal = directory / "journal"
        """Where the configuration puts it."""
        self.program: Sequence[str | Path] = (_BIN / "solrecd",)
        """What is run instead, if anything; its arguments follow."""
        self.environment: dict[str, str] = {}
        """Added to ours."""
        self.metrics_port = free_port()
        self.prefix: Sequence[str] = ()
        """A command that runs the daemon, as ``nice`` does."""
        self._process: subprocess.Popen[bytes] | None = None
        self._notifications = _Notifications(directory / "notify.sock")

    def __enter__(self) -> Self:
        """Return itself; nothing runs before `start`."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the daemon, politely if nothing went wrong."""
        try:
            if self._process is not None and kind is None:
                self.stop()
        finally:
            self.kill()
            self._notifications.close()

    @property
    def configuration(self) -> Path:
        """The daemon's configuration file."""
        return self.directory / "solrecd.toml"

    @property
    def archive(self) -> Path:
        """The folder with one folder per console."""
        return self.directory / "log"

    @property
    def pid(self) -> int:
        """The daemon's process."""
        assert self._process is not None
        return self._process.pid

    @property
    def recorded(self) -> int:
        """Bytes in the open and not yet compressed .raw files, over all consoles."""
        return sum(path.stat().st_size for path in self.archive.glob("*/*Z.boot-*.raw"))

    @property
    def messages(self) -> str:
        """What the daemon wrote to its standard error so far."""
        return (self.directory / "stderr").read_text()

    def configure(self, consoles: str) -> None:
        """Write the configuration: our folders, then ``consoles`` (TOML) as is."""
        head = CONFIGURATION.format(
            directory=self.directory, metrics_port=self.metrics_port
        )
        self.configuration.touch(mode=0o600)
        self.configuration.write_text(head + consoles)

    def start(self) -> None:
        """Run the daemon and return once it says that it is ready."""
        self._notifications.clear()
        self.launch()
        self._wait_notification(b"READY=1")

    def launch(self) -> None:
        """Run the daemon and return at once."""
        assert self._process is None, "the daemon of this folder runs already"
        notify = {"NOTIFY_SOCKET": str(self._notifications.path)}
        environment = {**os.environ, **notify, **self.environment}
        with (self.directory / "stderr").open("ab") as log:
            self._process = subprocess.Popen(
                [*self.prefix, *self.program, "run", "-c", self.configuration],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
            )

    def terminate(self) -> None:
        """Ask the daemon to end, and return at once."""
        self._signal(signal.SIGTERM)

    def stop(self, seconds: float = 15) -> int:
        """Ask the daemon to end, and return its exit status."""
        self._signal(signal.SIGTERM)
        return self.wait(seconds)

    def wait(self, seconds: float = _PATIENCE) -> int:
        """Return the exit status of a daemon that ends by itself."""
        assert self._process is not None
        status = self._process.wait(seconds)
        self._process = None
        return status

    def kill(self) -> None:
        """End the daemon as the kernel's out-of-memory killer would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def has_ended(self) -> bool:
        """Whether the daemon does not run (any more)."""
        return self._process is None or self._process.poll() is not None

    def reload(self) -> None:
        """Send SIGHUP and return once the daemon has taken the new configuration."""
        self._notifications.clear()
        self._signal(signal.SIGHUP)
        self._wait_notification(b"RELOADING=1")
        self._wait_notification(b"READY=1")

    def solrecctl(self, *arguments: str) -> list[dict[str, Any]]:
        """Run ``solrecctl ... --json -c FILE`` and return its objects."""
        command, *rest = arguments
        done = subprocess.run(
            [_BIN / "solrecctl", command, "--json", "-c", self.configuration, *rest],
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=_PATIENCE,
        )
        # 1: nothing matched; an empty list says the same.
        assert done.returncode in {0, 1}, f"{arguments}: {done.stderr}"
        return [json.loads(line) for line in done.stdout.splitlines()]

    def session(self, console: str) -> Mapping[str, Any]:
        """Return what ``solrecctl ls`` says about one console."""
        (row,) = self.solrecctl("ls", console)
        return row

    def wait_session(
        self, console: str, *states: str, seconds: float = _PATIENCE
    ) -> Mapping[str, Any]:
        """Return the console's row once its session is in one of ``states``."""
        return wait_until(
            lambda: self.session(console),
            lambda row: row["session"] in states,
            seconds=seconds,
        )

    def boots(self, console: str) -> list[dict[str, Any]]:
        """Return the console's boots, oldest first, as the index has them."""
        rows = self.solrecctl("boots", console)
        return sorted(rows, key=lambda row: int(row["boot"]))

    def replayed_boots(self, console: str) -> list[dict[str, Any]]:
        """Return the same, read again from the bytes in the archive."""
        rows = self.solrecctl("boots", "--dir", str(self.archive), console)
        return sorted(rows, key=lambda row: int(row["boot"]))

    def raw(self, console: str) -> bytes:
        """Return every byte recorded, over all segments."""
        names = (self.archive / console).glob("*Z.boot-*.raw*")
        return b"".join(_content(path) for path in _ordered(names))

    def log(self, console: str) -> str:
        """Return the text of all segments."""
        names = (self.archive / console).glob("*Z.boot-*.log*")
        content = b"".join(_content(path) for path in _ordered(names))
        return content.decode()

    def wait_raw(self, console: str, expected: Callable[[], bytes]) -> None:
        """Return once the recorded bytes are the expected ones.

        Raises:
            AssertionError: they differ; the text says where.
        """
        recorded = wait_until(
            lambda: self.raw(console),
            lambda data: data == expected(),
            seconds=_PATIENCE,
        )
        assert recorded == expected(), _difference(recorded, expected())

    def metric(self, family: str, console: str, /, **labels: str) -> float | None:
        """Return one sample from the daemon's metrics, or None when there is none."""
        wanted = {"console": console, **labels}
        samples = self._samples(family)
        return next((value for found, value in samples if found == wanted), None)

    def total(self, name: str) -> float:
        """Return the sum of a metric over all of its samples."""
        return sum(value for _labels, value in self._samples(name))

    def _samples(self, name: str) -> Iterator[tuple[dict[str, str], float]]:
        pattern = rf"(?m)^{name}{{(?P<labels>.*)}} (?P<value>\S+)$"
        for sample in re.finditer(pattern, self._scrape()):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', sample["labels"]))
            yield labels, float(sample["value"])

    def _scrape(self) -> str:
        connection = HTTPConnection("127.0.0.1", self.metrics_port, timeout=_PATIENCE)
        with closing(connection):
            connection.request("GET", "/metrics")
            return connection.getresponse().read().decode()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _wait_notification(self, line: bytes) -> None:
        wait_until(
            lambda: line in self._notifications.lines() or self.has_ended,
            bool,
            seconds=_PATIENCE,
        )
        assert line in self._notifications.lines(), (
            f"no {line!r}: {self.messages[-_SHOWN:]}"
        )


class _Notifications:
    """The service manager's end of ``NOTIFY_SOCKET``: keeps what the daemon says."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines: list[bytes] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        # A daemon: a test that fails without closing must not keep pytest.
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    def lines(self) -> Sequence[bytes]:
        return tuple(self._lines)

    def clear(self) -> None:
        self._lines.clear()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _collect(self) -> None:
        while datagram := self._socket.recv(4096):
            self._lines += datagram.split(b"\n")


def wait_until(
    look: Callable[[], T], is_right: Callable[[T], bool], *, seconds: float
) -> T:
    """Look again and again until what is seen is right; return it.

    After ``seconds`` what was seen last is returned too: the caller asserts, and the
    failure shows the difference.
    """
    deadline = time.monotonic() + seconds
    while not is_right(seen := look()) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return seen


def _ordered(paths: Iterable[Path]) -> list[Path]:
    """Return segments in the stream's order, whatever the clock said.

    Files that are no segment's, as damage makes them, are passed over.
    """
    found: list[tuple[SegmentName, Path]] = []
    for path in paths:
        file = parse_file_name(path.name)
        if file is not None:
            found.append((file.segment, path))
    return [path for _, path in sorted(found)]


def _content(path: Path) -> bytes:
    if path.suffix != ".zst":
        return path.read_bytes()
    reader = zstandard.ZstdDecompressor().stream_reader
    with path.open("rb") as file, reader(file, read_across_frames=True) as content:
        return content.read()


def _difference(recorded: bytes, expected: bytes) -> str:
    pairs = enumerate(zip(recorded, expected, strict=False))
    shorter = min(len(recorded), len(expected))
    same = next((at for at, (one, other) in pairs if one != other), shorter)
    around = slice(max(0, same - 40), same + 80)
    return (
        f"{len(recorded)} bytes recorded, {len(expected)} expected, the same up to"
        f" {same}: {recorded[around]!r} instead of {expected[around]!r}"
    )
