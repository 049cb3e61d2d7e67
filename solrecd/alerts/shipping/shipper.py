"""The task that ships: batches of all consoles, one push at a time, until it is taken.

One push under way keeps every stream in order without any bookkeeping. What a receiver
refuses as bad (400 and the like) would always be refused: it is counted and passed
over. Everything else, a wrong password too, is tried again: the lines wait where they
are, in the archive, for as long as its retention keeps them.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import structlog
import trio

from solrecd.alerts.senders.http_sender import server_of
from solrecd.alerts.shipping import positions as saved
from solrecd.alerts.shipping.reading import Piece, Position, Reader
from solrecd.alerts.shipping.receiver import Answer, Receiver, Stream
from solrecd.process.backoff import Backoff
from solrecd.process.threads import Job, in_thread

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 60.0
"""Seconds before another try, doubled each time; up to half is left to chance."""

SAVE_EVERY: Final = 5.0
"""Seconds between two savings of the positions: what a crash may send again."""

STAGES_KNOWN: Final = 16
"""Stages remembered per console, for lines that are shipped a little later."""

_AT_REST: Final = 10.0
"""Seconds since its last change after which a file is not looked into again."""

_LAST_SAVE: Final = 2.0
"""Seconds in which the positions are saved in the end."""

_AGAIN: Final = "the next start sends again what came after the last save"
_READ_POSITIONS: Final = Job("the positions of logs", _AGAIN)
_SAVE: Final = Job("the saving of the positions of logs", _AGAIN)
_READ: Final = Job("the archive, for receivers of logs", "the next start reads it")
_ENCODE: Final = Job("lines for receivers of logs", "the next start sends them")

log = structlog.get_logger()


Post = Callable[[str, bytes, Mapping[str, str]], Awaitable[Answer]]
"""Posts a body with headers to an URL; a failure of any kind is an answer."""


class ShipperContext(NamedTuple):
    """What the shipper asks of the daemon."""

    consoles: Callable[[], Mapping[str, Mapping[str, str]]]
    """Names of all consoles, with their labels."""
    stage: Callable[[str], tuple[int, str]]
    """When a console entered its stage, and which; a stamp of 0: unknown."""
    wall_clock: Callable[[], int]
    """Stamp of now."""
    counted: Callable[[str, int], None]
    """Told how many lines were ``sent`` or ``refused``."""
    delayed: Callable[[float], None]
    """Told of each line how many seconds after it began it was taken."""


@dataclass(slots=True)
class _Batch:
    streams: list[Stream] = field(default_factory=list)
    pieces: dict[str, Piece] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return sum(len(stream.entries) for stream in self.streams)


class Shipper:
    """Ships the text of all consoles.

    Args:
        archive: the folder of all consoles.
        state: the folder of the positions.
        receiver: where to, and in which form.
        context: what it asks of the daemon.
        rng: for pauses.
    """

    def __init__(
        self,
        archive: Path,
        state: Path,
        receiver: Receiver,
        context: ShipperContext,
        rng: random.Random,
    ) -> None:
        self._reader = Reader(archive)
        self._path = state / saved.file_name(receiver.name)
        self._receiver = receiver
        self._log = log.bind(receiver=receiver.name)
        self._daemon = context
        self._rng = rng
        self._positions: dict[str, Position] = {}
        self._looked: dict[str, tuple[int, int, int, int] | None] = {}
        self._stages: dict[str, deque[tuple[int, str]]] = {}
        self._turn = 0
        self._save_at = 0.0
        self._problem = ""
        self._saver = trio.CapacityLimiter(1)

    async def run(self, post: Post) -> None:
        """Ship until cancelled.

        Returns: never.
        Resources: one thread at a time; the positions are saved when it ends.
        Errors: none of the receiver's or of the disk's; they are logged.
        """
        await in_thread(_READ_POSITIONS, self._load, self._daemon.consoles())
        try:
            while True:
                batch = await self._gather()
                if batch.count:
                    await self._push(post, batch)
                self._take(batch)
                await self._save_sometimes()
                if not batch.count:
                    await trio.sleep(self._receiver.batch_wait)
        finally:
            # What was taken must not be sent again by the next daemon.
            with trio.move_on_after(_LAST_SAVE, shield=True):
                await in_thread(_SAVE, self._save, limiter=self._saver)

    async def _gather(self) -> _Batch:
        consoles = self._daemon.consoles()
        for name in consoles:
            self._note_stage(name)
        return await in_thread(_READ, self._read, consoles)

    def _note_stage(self, name: str) -> None:
        known = self._stages.setdefault(name, deque(maxlen=STAGES_KNOWN))
        entered = self._daemon.stage(name)
        if entered[0] and (not known or known[-1] != entered):
            known.append(entered)

    def _read(self, consoles: Mapping[str, Mapping[str, str]]) -> _Batch:
        """Read until the batch is full; another console begins each time."""
        batch, room = _Batch(), self._receiver.batch_size
        names = list(consoles)
        self._turn = (self._turn + 1) % len(names) if names else 0
        now = self._daemon.wall_clock() / 1e6
        for name in names[self._turn :] + names[: self._turn]:
            if room <= 0:
                break
            piece = self._look(name, room, now)
            if piece is None:
                continue
            batch.pieces[name] = piece
            room -= sum(len(entry.text) for entry in piece.entries)
            if piece.entries:
                stages = tuple(self._stages.get(name, ()))
                stream = Stream(name, consoles[name], piece.entries, stages)
                batch.streams.append(stream)
        return batch

    def _look(self, name: str, room: int, now: float) -> Piece | None:
        """Return what a console has; None where nothing changed since the last look."""
        change = self._reader.change(name)
        if change is not None and change == self._looked.get(name):
            return None
        start = self._positions.get(name, Position())
        piece = self._reader.read(name, start, room, now)
        is_at_rest = change is None or now - change[3] / 1e9 > _AT_REST
        if not piece.entries and is_at_rest:
            self._looked[name] = change
        return piece

    def _take(self, batch: _Batch) -> None:
        for name, piece in batch.pieces.items():
            self._positions[name] = piece.position

    # Pushing.

    async def _push(self, post: Post, batch: _Batch) -> None:
        """Push until it is taken, or refused for good."""
        to = self._receiver
        body = await in_thread(_ENCODE, to.encode, batch.streams)
        backoff = Backoff(self._rng, FIRST_PAUSE, LONGEST_PAUSE)
        while True:
            answer = await post(to.url, body, to.headers)
            if answer.ok:
                self._tell("")
                self._count(batch, answer, to.rejected(answer))
                return
            if to.is_final(answer.status):
                self._count(batch, answer, batch.count)
                return
            self._tell(str(answer))
            asked = min(answer.retry_after or 0.0, LONGEST_PAUSE)
            await trio.sleep(max(asked, backoff.next()))

    def _count(self, batch: _Batch, answer: Answer, refused: int) -> None:
        """Count what was taken, and what never will be."""
        refused = min(max(refused, 0), batch.count)
        if refused:
            self._log.error("shipping.refused", lines=refused, answer=str(answer))
            self._daemon.counted("refused", refused)
        if refused == batch.count:
            return
        self._daemon.counted("sent", batch.count - refused)
        now = self._daemon.wall_clock() * 1000
        for stream in batch.streams:
            for entry in stream.entries:
                self._daemon.delayed(max(now - entry.ns, 0) / 1e9)

    def _tell(self, problem: str) -> None:
        if bool(problem) == bool(self._problem):
            return
        self._problem = problem
        server = server_of(self._receiver.url)
        if problem:
            self._log.error("shipping.failing", url=server, answer=problem)
        else:
            self._log.info("shipping.works_again", url=server)

    # Positions.

    def _load(self, consoles: Iterable[str]) -> None:
        """Read where every console stands; the first time, at its newest segment."""
        try:
            self._positions = saved.load(self._path)
        except (ValueError, OSError) as error:
            self._log.error("shipping.positions_lost", reason=str(error))
        if not self._positions:
            self._positions = {name: self._reader.newest(name) for name in consoles}

    async def _save_sometimes(self) -> None:
        if trio.current_time() >= self._save_at:
            await in_thread(_SAVE, self._save, limiter=self._saver)
            self._save_at = trio.current_time() + SAVE_EVERY

    def _save(self) -> None:
        try:
            saved.save(self._path, self._positions)
        except OSError as error:
            self._log.error("shipping.positions_not_saved", reason=str(error))
