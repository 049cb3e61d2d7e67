"""What the bytes of one console mean: one interpreter, and the sinks that are told.

Whatever the interpreter returns goes to the archive first and then to the others. A
bug in it costs the meaning and never the bytes: the archive has them without lines,
and a fresh interpreter reads what comes next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from solrecd.analysis.boot.pace import Pace
from solrecd.analysis.interpreter import Interpreter
from solrecd.console.event_fanout import EventFanout
from solrecd.console.turns import size_of
from solrecd.events.boots import Boot
from solrecd.events.lines import Chunk, Line
from solrecd.events.reading import Reading
from solrecd.events.stages import Stage
from solrecd.sources.guard import Guard, Part
from solrecd.storage.archive.sink import OpenedConsole


class InterpreterFactory(Protocol):
    """Makes the interpreter of a console."""

    def __call__(
        self, console: str, boot: Boot | None, *, first_boot: int, offset: int
    ) -> Interpreter:
        """Return one for a boot that goes on, or that begins with the next byte.

        Args:
            console: its name.
            boot: the boot that goes on; None: the next byte begins one.
            first_boot: that one's number.
            offset: stream offset of the next byte.
        """


@dataclass(frozen=True, slots=True)
class Interpretation:
    """How the consoles of a daemon are interpreted."""

    interpreter: InterpreterFactory
    limits: Callable[[], Mapping[str, float]]
    """Seconds in a stage before a boot counts as stuck, as configured now."""


@dataclass(frozen=True, slots=True)
class ConsoleHistory:
    """What is known of a console before this daemon."""

    boot: Boot | None
    """The boot that goes on; None: the next byte begins one."""
    pace: Pace
    """How long its stages take normally."""
    newest: Sequence[Boot]
    """Its last boots, oldest first: do they go round in circles?"""
    told: int
    """Stamp of the newest event that was read in its output."""


class Understanding:
    """Interprets what one console prints, and tells the sinks.

    Args:
        how: makes the interpreter, and limits its stages.
        opened: where the console's archive goes on.
        history: what is known of the console.
        fanout: is given what was read.
        guard: contains the console's bugs.
    """

    __slots__ = (
        "_fanout",
        "_guard",
        "_how",
        "_interpreter",
        "_is_behind",
        "_pace",
        "_position",
        "_unarchived",
    )

    def __init__(
        self,
        how: Interpretation,
        opened: OpenedConsole,
        history: ConsoleHistory,
        fanout: EventFanout,
        guard: Guard,
    ) -> None:
        self._how = how
        self._fanout = fanout
        self._guard = guard
        self._position = opened.stream.offset - size_of(opened.pending)
        """Stream offset of what is fed next."""
        self._pace = history.pace
        self._interpreter = self._new_interpreter(
            history.boot, first_boot=opened.boot + 1, offset=opened.offset
        )
        self._unarchived: list[Chunk] = []
        """What the archive should have been given when a bug was met."""
        self._is_behind = False
        """The interpreter has not read what came last, because of a bug."""

    def _new_interpreter(
        self, boot: Boot | None, *, first_boot: int, offset: int
    ) -> Interpreter:
        interpreter = self._how.interpreter(
            self._fanout.console, boot, first_boot=first_boot, offset=offset
        )
        interpreter.limit(self._pace.limits(self._how.limits()))
        return interpreter

    # What happens.

    def restore(self, opened: OpenedConsole, history: ConsoleHistory, now: int) -> None:
        """Read the boot's archived end again.

        Args:
            opened: has it.
            history: what was known of the boot, and what was told of it.
            now: stamp.
        """
        self._understand((), lambda: self._read_again(opened, history, now))
        boot = history.boot
        if boot is not None and (at := boot.ended) is not None:
            # It ended with the power, of which its bytes say nothing.
            self._understand((), lambda: self._end_with_power(at))

    def _read_again(
        self, opened: OpenedConsole, history: ConsoleHistory, now: int
    ) -> Reading:
        self._interpreter.remember(history.newest)
        reading = self._interpreter.feed(opened.restored)
        boot = history.boot
        if boot is not None:
            self._interpreter.recall(boot, opened.boot_offset)
            reading.boots = [self._interpreter.boot or boot]
        reading.events += self._interpreter.idle(now).events
        reading.events = [each for each in reading.events if each.time > history.told]
        return reading

    def _end_with_power(self, at: int) -> Reading:
        """End a boot again, and its last line, of which the index knows all else."""
        reading = self._interpreter.power(on=False, at=at)
        return Reading(lines=reading.lines, is_broken_off=reading.is_broken_off)

    def feed(self, chunks: Sequence[Chunk]) -> None:
        """Interpret what came."""
        self._understand(chunks, lambda: self._interpreter.feed(chunks))
        self._position += size_of(chunks)

    def idle(self, at: int) -> None:
        """Let the unfinished line count, and the time since it came."""
        self._understand((), lambda: self._interpreter.idle(at))

    @property
    def waits_for_time(self) -> bool:
        """Whether a stage may last too long, a shell be left, a machine be silent.

        Each of them begins with something that is understood, so that until then
        nothing has to be looked at.
        """
        interpreter = self._interpreter
        return (
            interpreter.deadline is not None
            or interpreter.is_on_its_way
            or interpreter.shell is not None
        )

    def check(self, at: int) -> None:
        """Look whether a stage lasts too long."""
        deadline = self._interpreter.deadline
        if deadline is not None and deadline <= at:
            self.idle(at)

    def gap(self) -> None:
        """End the line: what follows is not the rest of it."""
        self._understand((), lambda: self._interpreter.gap())  # noqa: PLW0108

    def power(self, *, on: bool, at: int) -> None:
        """Let the boot end or begin with the power."""
        self._understand((), lambda: self._interpreter.power(on=on, at=at))

    def expect(self, ending: str | None, at: int, beginning: str | None) -> None:
        """Learn what a user asked of the machine's power; see `Console.expect`."""
        self._interpreter.expect(ending, at, beginning)

    def limit_stages(self) -> None:
        """Take the configured limits of stages again, and what this machine needs."""
        self._interpreter.limit(self._pace.limits(self._how.limits()))

    # How it is told.

    def retry(self) -> None:
        """Give the archive what a bug kept from it."""
        if self._unarchived:
            self._tell((), Reading())

    def _understand(
        self, chunks: Sequence[Chunk], interpret: Callable[[], Reading]
    ) -> None:
        """Interpret, then tell the sinks; a bug costs the meaning, never the bytes."""
        reading = self._guard.call(Part.ANALYSIS, lambda: self._read(interpret), None)
        if reading is None:
            self._is_behind = True
            reading = Reading()
        self._tell(chunks, reading)

    def _read(self, interpret: Callable[[], Reading]) -> Reading:
        if self._is_behind:
            boot = self.boot
            self._interpreter = self._new_interpreter(
                boot,
                first_boot=1 if boot is None else boot.boot,
                offset=self._position,
            )
            self._is_behind = False
        return interpret()

    def _tell(self, chunks: Sequence[Chunk], reading: Reading) -> None:
        """Give it to the archive, or keep it for the next call; then to the others."""
        if self._unarchived:
            chunks = [*self._unarchived, *chunks]
        self._unarchived = list(chunks)
        self._fanout.record(chunks, reading)
        self._unarchived = []
        self._guard.call(Part.EVENTS, lambda: self._fanout.tell(chunks, reading), None)
        if any(boot.ended is not None for boot in reading.boots):
            self._guard.call(
                Part.ANALYSIS, lambda: self._learn_pace(reading.boots), None
            )

    def _learn_pace(self, boots: Sequence[Boot]) -> None:
        for boot in boots:
            if boot.ended is not None:
                self._pace.add(boot)
        self.limit_stages()

    # What is known now.

    @property
    def boot(self) -> Boot | None:
        """The boot that goes on, or has ended last."""
        return self._interpreter.boot

    @property
    def stage(self) -> Stage:
        """Of that boot."""
        return self._interpreter.stage

    @property
    def stage_since(self) -> int | None:
        """Stamp of that."""
        return self._interpreter.stage_since

    @property
    def is_on_its_way(self) -> bool:
        """Whether the machine should be printing; see `Interpreter`."""
        return self._interpreter.is_on_its_way

    @property
    def shell(self) -> Line | None:
        """The prompt of a shell that waits for input."""
        return self._interpreter.shell
