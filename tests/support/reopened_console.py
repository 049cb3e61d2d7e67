"""A console over a real journal and archive, opened as a start after a crash does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from solrecd.analysis.boot.pace import Pace
from solrecd.analysis.interpreter import Interpreter
from solrecd.console import (
    Console,
    ConsoleContext,
    ConsoleHistory,
    Interpretation,
    Sinks,
)
from solrecd.events.boots import Boot
from solrecd.metrics import Metrics
from solrecd.storage.archive.lane import INSPECTION
from solrecd.storage.archive.sink import ArchiveOptions, ArchiveSink
from solrecd.storage.journal import SLAB_SIZE, Journal
from tests.support.configs import bmc_console
from tests.support.golden import RULES
from tests.support.unguarded import Unguarded
from tests.support.virtual_site import EPOCH, NoAlerts, Stream, Tellers

NAME = "n1"
CONFIG = bmc_console(NAME)


class ReopenedConsole:
    """One console; `start` and `die` may follow each other any number of times."""

    def __init__(
        self, folder: Path, limits: Mapping[str, float] = MappingProxyType({})
    ) -> None:
        self.log_dir = folder / "log"
        self.journal_path = folder / "journal"
        self.now = EPOCH
        self.limits = limits
        self.start()

    def start(self) -> None:
        """Open everything, as a daemon does."""
        self.journal = Journal.open(self.journal_path, 32 * SLAB_SIZE)
        self.archive = ArchiveSink(
            ArchiveOptions(self.log_dir),
            self.journal,
            on_loss=lambda loss: self.console.mark_loss(loss.gap),
        )
        self.archive.prepare()
        self.told = Tellers(Stream())
        self.metrics = Metrics(RULES.failure_names, version="0").console(NAME, {})
        opened = self.archive.open_console(NAME)
        boot = Boot(NAME, opened.boot, opened.started or 0)
        self.console = Console(
            CONFIG,
            opened,
            ConsoleHistory(boot if opened.continues else None, Pace(()), (), 0),
            self.metrics,
            ConsoleContext(
                Sinks(self.archive, self.told, self.told, NoAlerts()),  # type: ignore[arg-type]
                Interpretation(self._interpreter, lambda: self.limits),
                lambda: self.now,
                lambda _console: None,
            ),
            Unguarded(),
        )

    def _interpreter(
        self, console: str, boot: Boot | None, *, first_boot: int, offset: int
    ) -> Interpreter:
        return Interpreter(
            RULES, console=console, boot=boot, first_boot=first_boot, offset=offset
        )

    def say(self, data: bytes) -> None:
        """Record a packet."""
        self.now += 1000
        assert self.console.record(data)

    def drain(self) -> None:
        """Have everything understood and written."""
        self.console.interpret()
        self.archive.drain()

    def inspect(self) -> None:
        """Let the archive look at its files, and tell what it finds."""
        self.archive.drain(INSPECTION)
        self.archive._tell_news()

    def die(self) -> None:
        """End without a drain: what a kill -9 leaves behind."""
        self.journal.close()

    def finish(self) -> None:
        """Write what is left and close."""
        self.console.finish()
        self.drain()
        self.journal.close()

    def logs(self) -> str:
        """Return the text of all segments."""
        paths = sorted((self.log_dir / NAME).glob("2*.log"))
        return "".join(path.read_text() for path in paths)

    def raw(self) -> bytes:
        """Return the bytes of all segments."""
        paths = sorted((self.log_dir / NAME).glob("2*.raw"))
        return b"".join(path.read_bytes() for path in paths)

    def slabs(self) -> Iterator[int]:
        """Yield the position in the file of each slab that is in use."""
        data = self.journal_path.read_bytes()
        for start in range(4096, len(data), SLAB_SIZE):
            if data[start : start + 4] == b"SLAB":
                yield start

    def damage(self, position: int, data: bytes) -> None:
        """Write over the journal, which nothing has open."""
        with self.journal_path.open("r+b") as file:
            file.seek(position)
            file.write(data)
