"""Bytes in, understanding out: the composition of text and boot. Pure.

The same object reads a live console, an archive on recovery and the input of
``solrecctl scan``, so all three say the same. It never reads a clock: stamps come with
the bytes, and `Interpreter.idle` tells it that time has passed without any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Final

from solrecd.boot.detector import Detector, Marker
from solrecd.boot.incidents import Reporter
from solrecd.boot.loops import LoopWatch
from solrecd.boot.machine import BootMachine, Motion
from solrecd.boot.noise import is_noise, noise_event
from solrecd.boot.prefix import STAMP, Origin
from solrecd.boot.rules import Role, Rule, RuleSet, load_rules
from solrecd.events import (
    Boot,
    Chunk,
    Cut,
    Event,
    Kind,
    Line,
    Reading,
    Severity,
    Stage,
)  # fmt: skip
from solrecd.text import LINE_LIMIT, Assembler

OVERLAP: Final = 256
"""Characters of a line cut at its limit that are looked at again with the next one,
so that a marker across the cut is seen."""

COPIES: Final = 64
"""Failures remembered, to know their copies when syslog prints them again."""

CRASH_KERNEL_LINES: Final = 8
"""A crash kernel shows its command line within these; until then a reset without a
shutdown may still turn out to be kdump at work."""

__all__ = ["Interpreter", "load_rules"]

_text_of: Final = attrgetter("text")


class Interpreter:
    """Understands one console.

    Args:
        rules: what to look for.
        console: name that events and boots carry.
        boot: the boot that goes on after a restart, None for a new console: then the
            first byte begins boot `first_boot`.
        offset: stream offset of the first byte.
        timeouts: seconds in a stage before a boot counts as stuck, by stage name.
        first_boot: number of the boot that the first byte begins.
        locate: maps a stream offset to a line number; for input that has line numbers
            of its own. Without it events count the boot's lines.
    """

    __slots__ = (
        "_boot_offset", "_carry", "_console", "_dark", "_detector", "_first_boot",
        "_ignored", "_lines_before", "_lines_seen", "_locate", "_loops", "_machine",
        "_noisy", "_pending", "_prompted", "_reporter", "_seen", "_shell", "_stamped",
        "_text", "_touched",
    )  # fmt: skip

    def __init__(
        self,
        rules: RuleSet,
        *,
        console: str,
        boot: Boot | None = None,
        offset: int = 0,
        timeouts: Mapping[str, float] | None = None,
        first_boot: int = 1,
        locate: Callable[[int], int] | None = None,
    ) -> None:
        self._console = console
        self._text = Assembler(offset)
        # The boot that noise was told of.
        self._noisy: int | None = None
        self._detector = Detector(rules)
        self._reporter = Reporter(console, rules.frames)
        self._loops = LoopWatch()
        self._machine = BootMachine(console, boot, timeouts or {})
        self._first_boot = first_boot
        self._locate = locate
        self._ignored: Callable[[int, str], None] | None = None
        self._boot_offset = offset
        # Lines of this boot in earlier readings, and the end of a line that was cut.
        self._lines_before = 0
        # Lines of all boots.
        self._lines_seen = 0
        self._carry = ""
        # Lines of this reading whose kernel time stamps are known.
        self._stamped = 0
        self._prompted: tuple[int, str] | None = None
        # Whether that was a shell's prompt.
        self._shell = False
        # A reset without a shutdown, held back until it is known not to be kdump.
        # Failures that a syslog copy may repeat.
        self._seen: tuple[tuple[float | None, str], ...] = ()
        self._pending: tuple[int, Event] | None = None
        self._touched = False
        # The chassis was off when it was last asked.
        self._dark = False

    @property
    def boot(self) -> Boot | None:
        """The current boot as far as it is known."""
        return self._machine.snapshot(self._text.offset - self._boot_offset)

    @property
    def stage(self) -> Stage:
        """Where the current boot is."""
        return self._machine.stage

    @property
    def stage_since(self) -> int | None:
        """Stamp of the entry into that stage."""
        return self._machine.stage_since

    @property
    def deadline(self) -> int | None:
        """Stamp at which `idle` would call the boot stuck."""
        return self._machine.deadline

    @property
    def shell(self) -> Line | None:
        """The unfinished line when it is a shell's prompt: somebody is logged in."""
        tail = self._text.tail if self._shell else None
        if tail is None or (tail.offset, tail.text) != self._prompted:
            return None
        return tail

    def feed(self, chunks: Sequence[Chunk]) -> Reading:
        """Understand bytes as they arrived."""
        reading = Reading()
        if not chunks:
            return reading
        if self._machine.number is None:
            self._begin(reading, chunks[0].at)
        reading.lines = self._text.feed(chunks)
        self._read(reading)
        reading.tail = self._text.tail
        self._settle(reading)
        return reading

    def idle(self, at: int) -> Reading:
        """Understand silence: a prompt, a report that has ended, a stuck boot."""
        reading = Reading(tail=self._text.tail)
        self._prompt(reading)
        self._add(reading, self._reporter.close())
        self._release(reading)
        stuck = self._machine.stuck(at)
        if stuck is not None:
            self._add(reading, [stuck])
        self._settle(reading)
        return reading

    def power(self, *, on: bool, at: int) -> Reading:
        """The chassis was switched on or off.

        Output may be quicker than the news: a boot that began while the chassis was
        believed to be off is the one that power began.
        """
        reading = Reading(tail=self._text.tail)
        if not on:
            if self._machine.stage is not Stage.OFF:
                reading = self._broken_off()
                self._machine.power_off(at)
                self._touched = True
        elif self._machine.stage is Stage.OFF or self._machine.number is None:
            reading = self._broken_off()
            line = Line(at, self._text.offset, "")
            self._new_boot(reading, line, len(reading.lines), "power")
            self._add(reading, [self._machine.powered_on(at)])
        elif self._dark:
            self._machine.powered()
            self._touched = True
        self._dark = not on
        self._settle(reading)
        return reading

    def _broken_off(self) -> Reading:
        """Take the unfinished line as it is: nothing will be added to it."""
        reading = Reading()
        reading.lines = self._text.flush()
        self._read(reading)
        self._add(reading, self._reporter.close())
        return reading

    def explain(self, ignored: Callable[[int, str], None]) -> None:
        """Tell the number of each line that looked like an event, and why it is none.

        For people who ask why nothing was said.
        """
        self._ignored = ignored

    def going_down(self) -> None:
        """Somebody is about to switch the machine off or to reset it, on purpose."""
        self._machine.going_down()

    def gap(self) -> Reading:
        """Output is missing here: the boot has one more gap."""
        reading = Reading(tail=self._text.tail)
        self._machine.gap()
        self._touched = True
        self._settle(reading)
        return reading

    def limit(self, timeouts: Mapping[str, float]) -> None:
        """Take other seconds in a stage before a boot counts as stuck, by stage."""
        self._machine.limit(timeouts)

    def recall(self, boot: Boot, first: int | None = None) -> None:
        """Take over what was known of the boot that goes on, after its replay.

        A replay begins somewhere in the boot: only its end is read again.

        Args:
            boot: as it was known.
            first: stream offset of its first byte, where that is known: what was
                printed since the boot was noted last counts as well then.
        """
        self._machine.recall(boot)
        if first is not None:
            self._machine.recount()
            self._boot_offset = first

    def finish(self) -> Reading:
        """End the stream: what is unfinished is taken as it is."""
        reading = Reading()
        self._prompt(reading)
        reading.lines = self._text.flush()
        self._read(reading)
        self._add(reading, self._reporter.close())
        self._release(reading)
        self._settle(reading)
        return reading

    def _read(self, reading: Reading) -> None:
        """Look at the lines of a reading, marker by marker, in order."""
        lines = reading.lines
        if not lines:
            return
        texts = self._joined(lines)
        self._stamped = done = 0
        for marker in self._detector.scan(texts):
            self._release_after(reading, self._lines_seen + marker.line)
            self._follow(reading, texts, done, marker.line)
            done = marker.line
            self._take(reading, marker, texts)
            if marker.rule.role is Role.FAILURE:
                done += 1
        self._follow(reading, texts, done, len(texts))
        self._listen(reading, texts)
        self._note_stamp(reading, texts, len(texts))
        cut = reading.cuts[-1].line if reading.cuts else 0
        self._lines_before += len(lines) - cut
        self._lines_seen += len(lines)
        self._release_after(reading, self._lines_seen)

    def _listen(self, reading: Reading, texts: Sequence[str]) -> None:
        """Tell once per boot that the console is unreadable."""
        number = self._machine.number
        whole = "".join(texts)
        if self._noisy == number or ("\ufffd" not in whole and "\\x" not in whole):
            return
        for index, text in enumerate(texts):
            if ("\ufffd" in text or "\\x" in text) and is_noise(text):
                line = reading.lines[index]
                self._noisy = number
                where = self._number(reading, index, line)
                event = noise_event(self._console, number, where, line.at)
                self._add(reading, [event])
                return

    def _joined(self, lines: Sequence[Line]) -> list[str]:
        """Return the lines' texts, each cut line's end repeated before its rest."""
        texts = [*map(_text_of, lines)]
        carry = self._carry
        self._carry = ""
        if carry:
            texts[0] = carry + texts[0]
        if max(map(len, texts)) < LINE_LIMIT:
            return texts
        for index, line in enumerate(lines):
            if len(line.text) < LINE_LIMIT:
                continue
            end = line.text[-OVERLAP:]
            if index + 1 < len(texts):
                texts[index + 1] = end + texts[index + 1]
            else:
                self._carry = end
        return texts

    def _follow(self, reading: Reading, texts: list[str], begin: int, end: int) -> None:
        if begin < end and self._reporter.is_open:
            self._add(reading, self._reporter.follow(texts[begin:end]))

    def _take(self, reading: Reading, marker: Marker, texts: list[str]) -> None:
        """Act on one marker."""
        role = marker.rule.role
        line = reading.lines[marker.line]
        if role is Role.SUPPRESS:
            self._explain(reading, marker, f"rule {marker.rule.id}: no failure")
        elif role is Role.FAILURE:
            self._failure(reading, marker, line)
        elif role is Role.STAGE:
            self._note_stamp(reading, texts, marker.line)
            self._stage(reading, marker, line)
        elif role is Role.ENDING:
            self._machine.announce(marker)
            self._touched = True
        else:
            self._machine.learn(marker)
            self._touched = True

    def _failure(self, reading: Reading, marker: Marker, line: Line) -> None:
        if self._is_old(marker):
            why = f"rule {marker.rule.id}: {marker.message.origin.name.lower()} of"
            self._explain(reading, marker, f"{why} what was printed before")
            return
        if marker.rule.name == "kdump_started":
            self._pending = None
        number = self._machine.number or self._first_boot
        where = self._number(reading, marker.line, line)
        self._machine.fail(marker.rule)
        self._machine.learn(marker)
        self._touched = True
        self._add(reading, self._reporter.begin(marker, where, line.at, number))

    def _explain(self, reading: Reading, marker: Marker, why: str) -> None:
        if self._ignored is not None:
            line = reading.lines[marker.line]
            self._ignored(self._number(reading, marker.line, line), why)

    def _is_old(self, marker: Marker) -> bool:
        """Whether a failure was reported before, or is only looked at."""
        message = marker.message
        known = (message.stamp, message.text)
        if message.origin is Origin.ECHO:
            return True
        if message.origin is Origin.COPY:
            return known in self._seen or (None, message.text) in self._seen
        self._seen = (*self._seen, known)[-COPIES:]
        return False

    def _stage(self, reading: Reading, marker: Marker, line: Line) -> None:
        motion = self._machine.judge(marker)
        if motion is Motion.NONE:
            why = f"rule {marker.rule.id}: no way back to {marker.rule.name} from here"
            self._explain(reading, marker, why)
            self._machine.learn(marker)
            return
        if motion is Motion.NEW_BOOT:
            self._reset(reading, marker, line)
            self._new_boot(reading, line, marker.line, marker.rule.name)
        elif self._machine.stage is Stage.OFF:
            self._new_boot(reading, line, marker.line, marker.rule.name)
        where = self._number(reading, marker.line, line)
        event = self._machine.move(marker, where, line.at)
        if event is not None:
            self._add(reading, [event])
            self._touched = True

    def _reset(self, reading: Reading, marker: Marker, line: Line) -> None:
        """Hold an event back for a reset that nothing announced."""
        self._add(reading, self._reporter.close())
        boot = self.boot
        machine = self._machine
        early = Stage.OFF.rank <= machine.stage.rank < Stage.KERNEL.rank
        if boot is None or machine.expects_reset or early:
            return
        last = machine.kernel_time
        title = "Reset without a shutdown"
        event = Event(
            line.at, boot.console, Kind.FAILURE, "reboot", Severity.CRITICAL,
            title if last is None else f"{title}, last kernel message at {last:.6f} s",
            boot.boot, self._number(reading, marker.line, line),
        )  # fmt: skip
        self._machine.record(event)
        self._machine.lost(line.at)
        self._release(reading)
        self._pending = (self._lines_seen + marker.line, event)

    def _release_after(self, reading: Reading, line: int) -> None:
        """Give up waiting for a crash kernel's command line at a line."""
        if self._pending and line - self._pending[0] >= CRASH_KERNEL_LINES:
            self._release(reading)

    def _release(self, reading: Reading) -> None:
        """Nothing spoke for kdump: it was a reset."""
        if self._pending is not None:
            self._add(reading, [self._pending[1]])
            self._pending = None

    def _begin(self, reading: Reading, at: int) -> None:
        self._machine.start(self._first_boot, at, "attach")
        self._touched = True
        reading.cuts.append(Cut(at, self._text.offset, 0, self._first_boot))

    def _new_boot(self, reading: Reading, line: Line, index: int, cause: str) -> None:
        """End the boot, if there is one, and begin the next one at a line."""
        self._add(reading, self._reporter.close())
        number = self._first_boot
        if self._machine.number is not None:
            self._machine.end(line.at)
            number = self._machine.number + 1
            self._count_lap(reading, line, index)
            ended = self._machine.snapshot(line.offset - self._boot_offset)
            reading.boots.extend([] if ended is None else [ended])
        self._machine.start(number, line.at, cause)
        self._boot_offset = line.offset
        self._lines_before = 0
        self._touched = True
        reading.cuts.append(Cut(line.at, line.offset, index, number))

    def _count_lap(self, reading: Reading, line: Line, index: int) -> None:
        """Tell, in the boot that ended, that it was one of too many."""
        boot = self.boot
        if boot is not None:
            loop = self._loops.lap(boot, line.at, self._number(reading, index, line))
            self._add(reading, [] if loop is None else [loop])

    def _prompt(self, reading: Reading) -> None:
        """Look at the unfinished line, once."""
        tail = reading.tail or self._text.tail
        if tail is None or self._prompted == (tail.offset, tail.text):
            return
        self._prompted = (tail.offset, tail.text)
        marker = self._detector.prompt(tail.text)
        self._shell = marker is not None and self._is_shell(marker.rule)
        if marker is None:
            return
        where = self._number(reading, len(reading.lines), tail)
        if marker.rule.role is Role.STAGE:
            if self._machine.judge(marker) is Motion.FORWARD:
                event = self._machine.move(marker, where, tail.at)
                self._add(reading, [] if event is None else [event])
                self._touched = True
        elif marker.rule.role is Role.FAILURE:
            number = self._machine.number or self._first_boot
            self._machine.fail(marker.rule)
            self._add(reading, self._reporter.begin(marker, where, tail.at, number))

    def _is_shell(self, rule: Rule) -> bool:
        if rule.role is not Role.NOTE or rule.name != "shell":
            return False
        return rule.detail != "bare" or self._machine.stage is Stage.LOGIN

    def _number(self, reading: Reading, index: int, line: Line) -> int:
        """Return the 1-based number of a line of this reading."""
        if self._locate is not None:
            return self._locate(line.offset)
        cut = reading.cuts[-1].line if reading.cuts else 0
        return self._lines_before + index - cut + 1

    def _note_stamp(self, reading: Reading, texts: Sequence[str], before: int) -> None:
        """Remember the last kernel time stamp of this boot's lines before an index."""
        first = max(self._stamped, reading.cuts[-1].line if reading.cuts else 0)
        self._stamped = before
        for index in range(before - 1, first - 1, -1):
            # Most lines of other sources are told apart by their first character.
            if texts[index].startswith(("[", "<")):
                stamp = STAMP.match(texts[index])
                if stamp is not None:
                    self._machine.note_kernel_time(float(stamp["stamp"]))
                    return

    def _add(self, reading: Reading, events: Sequence[Event]) -> None:
        for event in events:
            self._machine.record(event)
            self._touched = True
        reading.events.extend(events)

    def _settle(self, reading: Reading) -> None:
        """Add the boot's snapshot when something about it changed."""
        boot = self.boot if self._touched else None
        if boot is not None:
            reading.boots.append(boot)
        self._touched = False
