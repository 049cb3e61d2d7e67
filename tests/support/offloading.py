"""Copies small archives into real stores, as the daemon does."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from solrecd.config.offload import OffloadConfig
from solrecd.events.boots import Boot, Outcome
from solrecd.events.event import Event, Kind, Severity
from solrecd.events.stages import Stage
from solrecd.process.stamps import SECOND, parse_stamp
from solrecd.storage.archive.vocabulary_file import rewrite
from solrecd.storage.history.search import learn
from solrecd.storage.history.segments import Archive
from solrecd.storage.index import FILE_NAME, Batch, Index
from solrecd.storage.offload.copying import Copying
from solrecd.storage.offload.ledger import Ledger
from solrecd.storage.offload.service import Clocks, Offload, Rules
from solrecd.storage.offload.store import Store
from tests.support.archives import Printed, write_segment

NOON = parse_stamp("2026-11-22T12:00:00.000000Z")
HOUR = 3600 * SECOND
WORDS = ("apples", "pears", "plums", "quinces")
"""What each boot of a console prints, and no other boot."""


@dataclass
class Told:
    """Fits `Counts`, and takes events."""

    offload_queue_bytes: int = 0
    offload_queue_segments: int = 0
    offload_last_success: int = 0
    copied: int = 0
    failures: int = 0
    events: list[str] = field(default_factory=list)

    def offloaded(self, size: int) -> None:
        """Count."""
        assert size > 0
        self.copied += 1

    def offload_failed(self) -> None:
        """Count."""
        self.failures += 1

    def tell(self, name: str, _severity: Severity, _title: str) -> None:
        """Take an event."""
        self.events.append(name)


@dataclass
class Site:
    """A recorder's folders, and what copies them."""

    root: Path
    config: OffloadConfig
    now: int = NOON + 100 * HOUR
    retention: int | None = None
    told: Told = field(default_factory=Told)

    @property
    def log_dir(self) -> Path:
        return self.root / "log"

    @property
    def index(self) -> Path:
        return self.root / FILE_NAME

    def write(self, console: str, boots: int = 4) -> None:
        """Write boots an hour apart, each with a gap and a word of its own."""
        for boot in range(1, boots + 1):
            start = NOON + boot * HOUR
            word = WORDS[boot - 1]
            printed = [
                Printed(start, "Linux version 6.1.0"),
                Printed(start + SECOND, f"{console} eats {word}"),
            ]
            write_segment(
                self.log_dir, console, printed, boot=boot, closed=boot < boots
            )
        known = [learn(one) for one in Archive(self.log_dir).segments(console)]
        rewrite(self.log_dir / console, [one for one in known if one is not None])
        with closing(Index.create(self.index)) as index:
            index.write(
                Batch(
                    [_boot(console, boot) for boot in range(1, boots + 1)],
                    [_gap(console, boot) for boot in range(1, boots + 1)],
                )
            )

    def offload(self, *, state: str = "state", member: str = "rec1") -> Offload:
        """Return what copies; another state folder is that of a new machine."""
        ledger = Ledger(self.root / state / "offload", member)
        return Offload(
            self.log_dir,
            ledger,
            self.opening(ledger),
            Rules(retention=self.retention),
            counts=self.told,
            tell=self.told.tell,
            clocks=Clocks(lambda: self.now, lambda: 1e9),
        )

    def opening(self, ledger: Ledger) -> Callable[[], Copying]:
        """Return what opens the store."""
        return lambda: Copying(self.log_dir, self.index, Store(self.config), ledger)

    def closed_files(self, console: str) -> dict[str, bytes]:
        """Return the files of closed segments."""
        found = sorted((self.log_dir / console).glob("*.zst"))
        return {f"{console}/{path.name}": path.read_bytes() for path in found}


def _boot(console: str, boot: int) -> Boot:
    start = NOON + boot * HOUR
    return Boot(
        console=console,
        boot=boot,
        started=start,
        ended=start + HOUR,
        cause="reset",
        outcome=Outcome.OK,
        last_stage=Stage.LOGIN,
        stages={},
        kernel="6.1.0",
        cmdline=None,
        title=None,
        failures=0,
        gaps=1,
        bytes=50,
    )


def _gap(console: str, boot: int) -> Event:
    return Event(
        NOON + boot * HOUR + 1800 * SECOND,
        console,
        Kind.GAP,
        "session",
        Severity.WARNING,
        "36 s without a session",
        boot,
        fields={"seconds": 36.0},
    )
