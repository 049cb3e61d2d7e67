"""The boots of one console: where each begins and ends, what is known of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from solrecd.analysis.boot.loops import LoopWatch
from solrecd.analysis.boot.machine import BootMachine
from solrecd.analysis.interpreter.last_words import LastWords, unexplained
from solrecd.analysis.interpreter.lines import LineCount
from solrecd.events.boots import Boot
from solrecd.events.event import Event
from solrecd.events.lines import Line
from solrecd.events.reading import Cut, Reading


class Boots:
    """Cuts a console's lines into boots.

    Args:
        console: name that events and boots carry.
        boot: the boot that goes on, None for a new console.
        timeouts: seconds that a boot may stay in a stage, by stage name.
        offset: stream offset of the first byte.
        first_boot: number of the boot that the first byte begins.
        lines: numbers the lines of the readings that come.
    """

    __slots__ = (
        "_before", "_first", "_lines", "_loops", "_offset", "_touched", "machine",
    )  # fmt: skip

    def __init__(
        self,
        console: str,
        boot: Boot | None,
        timeouts: Mapping[str, float],
        *,
        offset: int,
        first_boot: int,
        lines: LineCount,
    ) -> None:
        self.machine = BootMachine(console, boot, timeouts)
        self._loops = LoopWatch()
        self._lines = lines
        self._first = first_boot
        self._offset = offset
        # The boot before this one, as it ended.
        self._before: Boot | None = None
        self._touched = False

    @property
    def number(self) -> int:
        """Number of the current boot, or of the one that will be the first."""
        return self.machine.number or self._first

    def boot(self, offset: int) -> Boot | None:
        """Return the current boot as it is known at a stream offset."""
        return self.machine.snapshot(offset - self._offset)

    def remember(self, boots: Iterable[Boot]) -> None:
        """Take over how earlier boots ended."""
        self._loops.remember(boots)

    def recall(self, boot: Boot, first: int | None) -> None:
        """Take over what was known of the boot (see `Interpreter.recall`)."""
        self.machine.recall(boot)
        if first is not None:
            self.machine.recount()
            self._offset = first

    # Beginnings and ends.

    def begin(self, reading: Reading, at: int, offset: int) -> None:
        """Begin the first boot if there is none, in mid-stream as far as is known."""
        if self.machine.number is None:
            self.machine.start(self._first, at, "attach")
            self.touch()
            reading.cuts.append(Cut(at, offset, 0, self._first))

    def cut(self, reading: Reading, line: Line, index: int, cause: str) -> None:
        """End the boot, if there is one, and begin the next one at a line."""
        number = self._first
        if self.machine.number is not None:
            self.machine.end(line.at)
            number = self.machine.number + 1
            self._count_lap(reading, line, index)
            self._before = ended = self.boot(line.offset)
            reading.boots.extend([] if ended is None else [ended])
        self.machine.start(number, line.at, cause)
        self._offset = line.offset
        self._lines.cut(index)
        self.touch()
        reading.cuts.append(Cut(line.at, line.offset, index, number))

    def _count_lap(self, reading: Reading, line: Line, index: int) -> None:
        """Tell, in the boot that ended, that it was one of too many."""
        boot = self.boot(line.offset)
        if boot is not None:
            number = self._lines.number(index, line)
            loop = self._loops.lap(boot, line.at, number)
            self.add(reading, [] if loop is None else [loop])

    def note_dump(self, reading: Reading, state: str) -> None:
        """Tell the boot that crashed what became of its memory image."""
        before = self._before
        if before is not None and self.machine.is_capture:
            self._before = replace(before, facts={**before.facts, "dump": state})
            numbers = [boot.boot for boot in reading.boots]
            place = numbers.index(before.boot) if before.boot in numbers else 0
            known = before.boot in numbers
            reading.boots[place : place + known] = [self._before]

    # Power, gaps, time.

    def power_off(self, at: int) -> None:
        """The boot ends with the power."""
        self.machine.power_off(at)
        self.touch()

    def power_on(self, reading: Reading, line: Line) -> None:
        """A boot begins with the power, after the lines of `reading`."""
        self.cut(reading, line, self._lines.size, "power")
        self.add(reading, [self.machine.powered_on(line.at)])

    def powered(self) -> None:
        """The boot that goes on was begun by the power."""
        self.machine.powered()
        self.touch()

    def gap(self) -> None:
        """Output is missing here."""
        self.machine.gap()
        self.touch()

    def wait(self, reading: Reading, at: int, last: LastWords | None) -> None:
        """Look at the clock: is the boot stuck?

        Args:
            reading: gets what there is to say.
            at: stamp.
            last: what was printed last.
        """
        puzzle = self.machine.puzzle(at)
        if puzzle is not None and last is not None:
            self.add(reading, [unexplained(puzzle, last, at)])
        stuck = self.machine.stuck(at)
        self.add(reading, [] if stuck is None else [stuck])

    # Readings.

    def touch(self) -> None:
        """Something about the boot has changed."""
        self._touched = True

    def add(self, reading: Reading, events: Sequence[Event]) -> None:
        """Take events into a reading, and into what is known of the boot."""
        for event in events:
            self.machine.record(event)
            self.touch()
        reading.events.extend(events)

    def settle(self, reading: Reading, offset: int) -> None:
        """End a reading: add the boot's snapshot when something about it changed.

        Args:
            reading: what is to be told.
            offset: stream offset of the next byte.
        """
        boot = self.boot(offset) if self._touched else None
        if boot is not None:
            reading.boots.append(boot)
        self._touched = False
