"""What markers mean for a console: boots that begin and end, stages, reports. Pure.

`boot` has the parts, each with one question: `BootMachine` where a boot is, `Reporter`
what belongs to a failure, `LoopWatch` whether boots go round in circles. Here a marker
becomes questions to them, and their answers become a `Reading`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from solrecd.analysis.boot.detector import Marker
from solrecd.analysis.boot.ignored import Ignored, Listener, Why
from solrecd.analysis.boot.incidents import Reporter
from solrecd.analysis.boot.loops import LoopWatch
from solrecd.analysis.boot.machine import BootMachine, Motion
from solrecd.analysis.boot.noise import noise_event
from solrecd.analysis.boot.prefix import Origin
from solrecd.analysis.boot.rules import Frames, Role
from solrecd.analysis.interpreter.copies import Copies
from solrecd.analysis.interpreter.lines import LineCount
from solrecd.events import (
    Boot,
    Cut,
    Event,
    Kind,
    Line,
    Reading,
    Severity,
    Stage,
)  # fmt: skip

CRASH_KERNEL_LINES: Final = 8
"""A crash kernel shows its command line within these; until then a reset without a
shutdown may still turn out to be kdump at work."""


class Story:
    """The boots of one console, as markers tell them.

    Args:
        console: name that events and boots carry.
        frames: which functions are never at fault.
        boot: the boot that goes on, None for a new console.
        offset: stream offset of the first byte.
        first_boot: number of the boot that the first byte begins.
        lines: numbers the lines of the readings that come.
    """

    __slots__ = (
        "_boot_offset", "_console", "_copies", "_first_boot", "_held", "_ignored",
        "_lines", "_loops", "_noisy", "_reporter", "_touched", "machine",
    )  # fmt: skip

    def __init__(
        self,
        console: str,
        frames: Frames,
        boot: Boot | None,
        timeouts: Mapping[str, float],
        *,
        offset: int,
        first_boot: int,
        lines: LineCount,
    ) -> None:
        self.machine = BootMachine(console, boot, timeouts)
        self._ignored: Listener | None = None
        self._console = console
        self._reporter = Reporter(console, frames)
        self._loops = LoopWatch()
        self._copies = Copies()
        self._lines = lines
        self._first_boot = first_boot
        self._boot_offset = offset
        # A reset without a shutdown, until it is known not to be kdump, and the line
        # that it was seen in (`LineCount.absolute`).
        self._held: tuple[int, Event] | None = None
        # The boot that noise was told of.
        self._noisy: int | None = None
        self._touched = False

    @property
    def number(self) -> int:
        """Number of the current boot, or of the one that will be the first."""
        return self.machine.number or self._first_boot

    def boot(self, offset: int) -> Boot | None:
        """Return the current boot as it is known at a stream offset."""
        return self.machine.snapshot(offset - self._boot_offset)

    def remember(self, boots: Iterable[Boot]) -> None:
        """Take over how earlier boots ended."""
        self._loops.remember(boots)

    def recall(self, boot: Boot, first: int | None) -> None:
        """Take over what was known of the boot (see `Interpreter.recall`)."""
        self.machine.recall(boot)
        if first is not None:
            self.machine.recount()
            self._boot_offset = first

    def explain(self, ignored: Listener) -> None:
        """Tell of each line that looks like an event and is none."""
        self._ignored = self._reporter.ignored = ignored

    # Markers.

    def take(self, reading: Reading, marker: Marker, line: Line) -> None:
        """Act on the marker of a finished line."""
        role = marker.rule.role
        if role is Role.SUPPRESS:
            self._ignore(marker, line, Why.HARMLESS, "looks like a failure and is none")
        elif role is Role.FAILURE:
            self._failure(reading, marker, line)
        elif role is Role.STAGE:
            self._stage(reading, marker, line)
        elif role is Role.ENDING:
            self.machine.announce(marker, line.at)
            self._touched = True
        elif marker.rule.name == "console_replay":
            self._reporter.retract()
        else:
            self.machine.learn(marker)
            self._touched = True

    def prompt(self, reading: Reading, marker: Marker, tail: Line) -> None:
        """Act on the marker of the unfinished line."""
        where = self._lines.number(self._lines.size, tail)
        role = marker.rule.role
        if role is Role.STAGE and self.machine.judge(marker) is Motion.FORWARD:
            self._move(reading, marker, where, tail.at)
            self._touched = True
        elif role is Role.FAILURE:
            self.machine.fail(marker)
            begun = self._reporter.begin(marker, where, tail.at, self.number)
            self.add(reading, begun)

    def _failure(self, reading: Reading, marker: Marker, line: Line) -> None:
        if self._copies.is_old(marker.message):
            self._ignore_origin(marker, line)
            return
        if marker.rule.name == "kdump_started":
            self._held = None
        where = self._lines.number(marker.line, line)
        self.machine.fail(marker)
        self.machine.learn(marker)
        self._touched = True
        self.add(reading, self._reporter.begin(marker, where, line.at, self.number))

    def _stage(self, reading: Reading, marker: Marker, line: Line) -> None:
        motion = self.machine.judge(marker)
        if motion is Motion.NONE:
            self._ignore_stage(marker, line)
            self.machine.learn(marker)
            self._touched = True
            return
        if motion is Motion.NEW_BOOT:
            self._hold_reset(reading, marker, line)
            self._next(reading, marker, line)
        elif self.machine.stage is Stage.OFF:
            self._next(reading, marker, line)
        where = self._lines.number(marker.line, line)
        if not self._move(reading, marker, where, line.at):
            self._ignore_stage(marker, line)

    def _move(self, reading: Reading, marker: Marker, where: int, at: int) -> bool:
        """Enter a stage; return whether that is news."""
        event = self.machine.move(marker, where, at)
        self.add(reading, [] if event is None else [event])
        return event is not None

    def _ignore_stage(self, marker: Marker, line: Line) -> None:
        if marker.message.origin is not Origin.LIVE:
            self._ignore_origin(marker, line)
        else:
            said = f"the boot is at {self.machine.stage} already"
            self._ignore(marker, line, Why.KNOWN, said)

    def _ignore_origin(self, marker: Marker, line: Line) -> None:
        """Explain a message that is not the kernel's own, or not the first time."""
        if marker.message.origin is Origin.COPY:
            said = "syslog's copy of what was printed before"
            self._ignore(marker, line, Why.COPY, said)
        else:
            said = "somebody typed it, or looks at old messages"
            self._ignore(marker, line, Why.ECHO, said)

    def _ignore(self, marker: Marker, line: Line, why: Why, explanation: str) -> None:
        if self._ignored is not None:
            number = self._lines.number(marker.line, line)
            text = marker.message.text
            self._ignored(Ignored(number, marker.rule.id, why, explanation, text))

    # Reports.

    @property
    def in_report(self) -> bool:
        """Whether the next lines may be a report's."""
        return self._reporter.is_open

    def hear_noise(self, reading: Reading, index: int) -> None:
        """Tell once per boot that the console is unreadable."""
        if self._noisy == self.number:
            return
        self._noisy = self.number
        line = reading.lines[index]
        where = self._lines.number(index, line)
        noise = noise_event(self._console, self.number, where, line.at)
        self.add(reading, [noise])

    def follow(self, reading: Reading, texts: Sequence[str]) -> None:
        """Give lines without a marker to the reports that they may belong to."""
        self.add(reading, self._reporter.follow(texts))

    def close_reports(self, reading: Reading) -> None:
        """End all reports: nothing more will be added to them."""
        self.add(reading, self._reporter.close())

    # Resets.

    def _hold_reset(self, reading: Reading, marker: Marker, line: Line) -> None:
        """Hold an event back for a reset that nothing announced."""
        self.close_reports(reading)
        machine = self.machine
        early = Stage.OFF.rank <= machine.stage.rank < Stage.KERNEL.rank
        if machine.number is None or machine.expects_reset or early:
            return
        last = machine.kernel_time
        title = "Reset without a shutdown"
        event = Event(
            line.at, self._console, Kind.FAILURE, "reboot", Severity.CRITICAL,
            title if last is None else f"{title}, last kernel message at {last:.6f} s",
            machine.number, self._lines.number(marker.line, line),
        )  # fmt: skip
        machine.record(event)
        machine.lost(line.at)
        self.release(reading)
        self._held = (self._lines.absolute(marker.line), event)

    @property
    def release_at(self) -> int | None:
        """The line at which to give up waiting for a crash kernel's command line."""
        if self._held is None:
            return None
        return self._held[0] + CRASH_KERNEL_LINES - self._lines.absolute(0)

    def release(self, reading: Reading) -> None:
        """Nothing spoke for kdump: it was a reset."""
        if self._held is not None:
            self.add(reading, [self._held[1]])
            self._held = None

    # Boots.

    def begin(self, reading: Reading, at: int, offset: int) -> None:
        """Begin the first boot if there is none, in mid-stream as far as is known."""
        if self.machine.number is None:
            self.machine.start(self._first_boot, at, "attach")
            self._touched = True
            reading.cuts.append(Cut(at, offset, 0, self._first_boot))

    def _next(self, reading: Reading, marker: Marker, line: Line) -> None:
        """Begin a boot with a marker's line."""
        self._new_boot(reading, line, marker.line, marker.rule.name)

    def _new_boot(self, reading: Reading, line: Line, index: int, cause: str) -> None:
        """End the boot, if there is one, and begin the next one at a line."""
        self.close_reports(reading)
        number = self._first_boot
        if self.machine.number is not None:
            self.machine.end(line.at)
            number = self.machine.number + 1
            self._count_lap(reading, line, index)
            ended = self.boot(line.offset)
            reading.boots.extend([] if ended is None else [ended])
        self.machine.start(number, line.at, cause)
        self._boot_offset = line.offset
        self._lines.cut(index)
        self._touched = True
        reading.cuts.append(Cut(line.at, line.offset, index, number))

    def _count_lap(self, reading: Reading, line: Line, index: int) -> None:
        """Tell, in the boot that ended, that it was one of too many."""
        boot = self.boot(line.offset)
        if boot is not None:
            number = self._lines.number(index, line)
            loop = self._loops.lap(boot, line.at, number)
            self.add(reading, [] if loop is None else [loop])

    # Power, gaps, time.

    def power_off(self, at: int) -> None:
        """The boot ends with the power."""
        self.machine.power_off(at)
        self._touched = True

    def power_on(self, reading: Reading, line: Line) -> None:
        """A boot begins with the power, after the lines of `reading`."""
        self._new_boot(reading, line, self._lines.size, "power")
        self.add(reading, [self.machine.powered_on(line.at)])

    def powered(self) -> None:
        """The boot that goes on was begun by the power."""
        self.machine.powered()
        self._touched = True

    def gap(self) -> None:
        """Output is missing here."""
        self.machine.gap()
        self._touched = True

    def wait(self, reading: Reading, at: int) -> None:
        """Look at the clock: is the boot stuck?"""
        stuck = self.machine.stuck(at)
        self.add(reading, [] if stuck is None else [stuck])

    # Readings.

    def add(self, reading: Reading, events: Sequence[Event]) -> None:
        """Take events into a reading, and into what is known of the boot."""
        for event in events:
            self.machine.record(event)
            self._touched = True
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
