"""What markers mean for a console: boots that begin and end, stages, reports. Pure.

`boot` has the parts, each with one question: `BootMachine` where a boot is, `Reporter`
what belongs to a failure, `LoopWatch` whether boots go round in circles. Here a marker
becomes questions to them, and their answers become a `Reading`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from solrecd.analysis.boot.detector import Marker
from solrecd.analysis.boot.ignored import Listener, Why
from solrecd.analysis.boot.incidents import Reporter
from solrecd.analysis.boot.machine import INITRD, Motion
from solrecd.analysis.boot.noise import noise_event
from solrecd.analysis.boot.progress import DUMPS
from solrecd.analysis.boot.rules import Frames, Role
from solrecd.analysis.interpreter.boots import Boots
from solrecd.analysis.interpreter.copies import Copies
from solrecd.analysis.interpreter.explaining import Explanations
from solrecd.analysis.interpreter.held import Held, HeldMarker, HeldReset, unannounced
from solrecd.analysis.interpreter.lines import LineCount
from solrecd.analysis.interpreter.shown import VIEWER, Shown
from solrecd.events.boots import Boot
from solrecd.events.lines import Line
from solrecd.events.reading import Reading
from solrecd.events.stages import Stage

COUNTDOWN: Final = "countdown"
"""The note of a menu that goes on by itself."""

_SHOWN: Final = "a command showed it, and the shell's prompt came back"


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
        "_console", "_copies", "_explanations", "_held", "_lines", "_noisy",
        "_reporter", "_shown", "boots", "machine",
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
        self.boots = Boots(
            console, boot, timeouts, offset=offset, first_boot=first_boot, lines=lines
        )
        self.machine = self.boots.machine
        self._console = console
        self._reporter = Reporter(console, frames)
        self._copies = Copies()
        self._lines = lines
        self._explanations = Explanations(lines)
        self._held = Held()
        self._shown = Shown()
        # The boot that noise was told of.
        self._noisy: int | None = None

    def explain(self, ignored: Listener) -> None:
        """Tell of each line that looks like an event and is none."""
        self._explanations.listener = self._reporter.ignored = ignored

    # Markers.

    def take(self, reading: Reading, marker: Marker, line: Line) -> None:
        """Act on the marker of a finished line."""
        role = marker.rule.role
        say = self._explanations.say
        if not marker.rule.is_meant(self.machine.stage):
            said = f"means nothing in stage {self.machine.stage}"
            say(marker, line, Why.ELSEWHERE, said)
            return
        if self._is_shown(reading, marker, line):
            return
        self._resolve(reading, marker)
        if role is Role.SUPPRESS:
            say(marker, line, Why.HARMLESS, "looks like a failure but is not")
        elif role is Role.FAILURE:
            self._failure(reading, marker, line)
        elif role is Role.STAGE:
            self._stage(reading, marker, line)
        elif role is Role.ENDING:
            self.machine.announce(marker, line.at)
            self.boots.touch()
        elif marker.rule.name == "console_replay":
            self._reporter.retract()
        else:
            self.machine.learn(marker)
            self.boots.touch()

    def prompt(self, reading: Reading, marker: Marker, tail: Line) -> None:
        """Act on the marker of the unfinished line."""
        self._resolve(reading, marker)
        where = self._lines.number(self._lines.size, tail)
        role = marker.rule.role
        if role is Role.STAGE and self.machine.judge(marker) is Motion.FORWARD:
            self._move(reading, marker, where, tail.at)
            self.boots.touch()
        elif role is Role.FAILURE:
            self.machine.fail(marker)
            begun = self._reporter.begin(marker, where, tail.at, self.boots.number)
            self.boots.add(reading, begun)

    def _resolve(self, reading: Reading, marker: Marker) -> None:
        """Decide, by what comes next, on what was waiting for it."""
        if marker.rule.role is Role.NOTE and marker.rule.name != COUNTDOWN:
            return
        self._held.question = None
        if marker.rule.detail == INITRD:
            self._held.stage = None
        else:
            self._enter_held(reading)

    def ask(self, reading: Reading) -> None:
        """The console is quiet: what stands on its screen waits for a person."""
        question = self._held.asked(self._lines.absolute(self._lines.size))
        if question is not None:
            self.machine.fail(question.marker)
            self._begin(reading, question)

    def _failure(self, reading: Reading, marker: Marker, line: Line) -> None:
        if self._copies.is_old(marker.message):
            self._explanations.origin(marker, line)
            return
        found = self._kept(marker, line)
        if marker.rule.quiet:
            self._held.question = found
        else:
            self._fail(reading, found)

    def _kept(self, marker: Marker, line: Line) -> HeldMarker:
        """Return a marker with all that is to be known of its line."""
        where = self._lines.number(marker.line, line)
        return HeldMarker(self._lines.absolute(marker.line), marker, line, where)

    def _begin(self, reading: Reading, found: HeldMarker) -> None:
        """Begin the report of a failure."""
        marker, at, where = found.marker, found.line.at, found.where
        self.boots.add(
            reading, self._reporter.begin(marker, where, at, self.boots.number)
        )

    def _fail(self, reading: Reading, found: HeldMarker) -> None:
        """A failure has happened."""
        marker = found.marker
        if marker.rule.name == "kdump_started":
            self._held.reset = None
            self._capture(reading, found.where, found.line.at)
        self.machine.fail(marker)
        self.machine.learn(marker)
        self.boots.touch()
        self._begin(reading, found)
        if marker.rule.name in DUMPS:
            self.boots.note_dump(reading, DUMPS[marker.rule.name])

    def _capture(self, reading: Reading, where: int, at: int) -> None:
        event = self.machine.capture(where, at)
        self.boots.add(reading, [] if event is None else [event])

    def _stage(self, reading: Reading, marker: Marker, line: Line) -> None:
        motion = self.machine.judge(marker)
        if motion is Motion.NONE:
            self._explanations.stage(marker, line, self.machine.stage)
            self.machine.learn(marker)
            self.boots.touch()
            return
        if motion is Motion.NEW_BOOT:
            self._hold_reset(reading, marker, line)
            self._next(reading, marker, line)
        elif self.machine.stage is Stage.OFF:
            self._next(reading, marker, line)
        found = self._kept(marker, line)
        stage = Stage(marker.rule.name)
        if marker.rule.reveals and self.machine.stage.rank < stage.rank:
            self._held.stage = found
        elif not self._move(reading, marker, found.where, line.at):
            self._explanations.stage(marker, line, self.machine.stage)

    def _next(self, reading: Reading, marker: Marker, line: Line) -> None:
        """Begin a boot with a marker's line."""
        self.close_reports(reading)
        self.boots.cut(reading, line, marker.line, marker.rule.name)

    def _enter_held(self, reading: Reading) -> None:
        """Nothing spoke against the stage."""
        held, self._held.stage = self._held.stage, None
        if held is not None:
            self._move(reading, held.marker, held.where, held.line.at)
            self.boots.touch()

    def _move(self, reading: Reading, marker: Marker, where: int, at: int) -> bool:
        """Enter a stage; return whether that is news."""
        event = self.machine.move(marker, where, at)
        self.boots.add(reading, [] if event is None else [event])
        return event is not None

    # What is only shown.

    def _is_shown(self, reading: Reading, marker: Marker, line: Line) -> bool:
        """Whether a marker is text that a command shows, as far as is known yet."""
        if self._shown.is_prompt(line.text):
            self._withdraw()
        if marker.rule.name == VIEWER:
            self.close_reports(reading)
            self._shown.begin(marker)
            return True
        role = marker.rule.role
        if not self._shown.is_on or role in (Role.NOTE, Role.SUPPRESS):
            return False
        if role is Role.FAILURE:
            if self._copies.is_old(marker.message):
                self._explanations.origin(marker, line)
            else:
                self._shown.keep(self._kept(marker, line))
            return True
        if self._shown.has(marker):
            self._explanations.say(marker, line, Why.ECHO, _SHOWN)
            return True
        self.release_shown(reading)
        return False

    def _withdraw(self) -> None:
        """The prompt came again: nothing of it has happened."""
        for kept in self._shown.end():
            if isinstance(kept, HeldMarker):
                self._explanations.say(kept.marker, kept.line, Why.ECHO, _SHOWN)

    def release_shown(self, reading: Reading, tail: Line | None = None) -> None:
        """No prompt came, unless it is the unfinished line: it has happened."""
        if tail is not None and self._shown.is_prompt(tail.text):
            self._withdraw()
        for kept in self._shown.end():
            if isinstance(kept, HeldMarker):
                self._fail(reading, kept)
            else:
                self.follow(reading, kept)

    # Reports.

    @property
    def in_report(self) -> bool:
        """Whether the next lines may be a report's, or a prompt is awaited."""
        return self._reporter.is_open or self._shown.is_on

    def hear_noise(self, reading: Reading, index: int) -> None:
        """Tell once per boot that the console is unreadable."""
        if self._noisy == self.boots.number:
            return
        self._noisy = self.boots.number
        line = reading.lines[index]
        where = self._lines.number(index, line)
        noise = noise_event(self._console, self.boots.number, where, line.at)
        self.boots.add(reading, [noise])

    def follow(self, reading: Reading, texts: Sequence[str]) -> None:
        """Give lines without a marker to the reports that they may belong to."""
        if self._shown.prompts(texts):
            self._withdraw()
        elif not self._shown.follow(texts):
            self.boots.add(reading, self._reporter.follow(texts))

    def close_reports(self, reading: Reading) -> None:
        """End all reports: nothing more will be added to them."""
        self.boots.add(reading, self._reporter.close())

    # Resets.

    def _hold_reset(self, reading: Reading, marker: Marker, line: Line) -> None:
        """Hold an event back for a reset that nothing announced."""
        self.close_reports(reading)
        machine = self.machine
        early = Stage.OFF.rank <= machine.stage.rank < Stage.KERNEL.rank
        if machine.number is None or machine.expects_reset or early:
            return
        where = self._lines.number(marker.line, line)
        event = unannounced(machine, line.at, where)
        machine.record(event)
        machine.lost(line.at)
        self.release(reading)
        self._held.reset = HeldReset(self._lines.absolute(marker.line), event)

    @property
    def release_at(self) -> int | None:
        """The line at which to give up waiting for what would explain what is held."""
        end = self._held.release_at
        return None if end is None else end - self._lines.absolute(0)

    def release(self, reading: Reading) -> None:
        """Nothing spoke for kdump: it was a reset; nor for an initramfs."""
        reset, self._held.reset = self._held.reset, None
        self.boots.add(reading, [] if reset is None else [reset.event])
        self._enter_held(reading)
