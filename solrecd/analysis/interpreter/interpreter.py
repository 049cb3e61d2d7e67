"""From bytes to lines, from lines to markers, and on to what they mean. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from solrecd.analysis.boot.detector import Detector
from solrecd.analysis.boot.ignored import Listener, NearMisses
from solrecd.analysis.boot.noise import noisy_lines
from solrecd.analysis.boot.prefix import STAMP
from solrecd.analysis.boot.rules import Role, RuleSet
from solrecd.analysis.interpreter.last_words import LastWords, last_index
from solrecd.analysis.interpreter.lines import LineCount, Overlap
from solrecd.analysis.interpreter.prompts import PromptWatch
from solrecd.analysis.interpreter.shown import VIEWER
from solrecd.analysis.interpreter.story import Story
from solrecd.analysis.interpreter.wraps import Wraps
from solrecd.analysis.text import Assembler
from solrecd.events.boots import Boot
from solrecd.events.event import Severity
from solrecd.events.lines import Chunk, Line, Lines
from solrecd.events.reading import Reading
from solrecd.events.stages import Stage


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
        "_dark", "_detector", "_explain_misses", "_last", "_lines", "_overlap",
        "_prompts", "_rules", "_story", "_text", "_wraps",
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
        self._text = Assembler(offset)
        self._overlap = Overlap()
        self._lines = LineCount(locate)
        self._rules = rules
        self._detector = Detector(rules)
        self._wraps = Wraps(self._detector.scan)
        # Looks at the text of a line without markers, and its number.
        self._explain_misses: Callable[[str, int], None] | None = None
        self._prompts = PromptWatch(self._detector)
        self._story = Story(
            console,
            rules.frames,
            boot,
            timeouts or {},
            offset=offset,
            first_boot=first_boot,
            lines=self._lines,
        )
        # The last line that said something.
        self._last: LastWords | None = None
        # The chassis was off when it was last asked.
        self._dark = False

    @property
    def boot(self) -> Boot | None:
        """The current boot as far as it is known."""
        return self._story.boots.boot(self._text.offset)

    @property
    def stage(self) -> Stage:
        """Where the current boot is."""
        return self._story.machine.stage

    @property
    def stage_since(self) -> int | None:
        """Stamp of the entry into that stage."""
        return self._story.machine.stage_since

    @property
    def deadline(self) -> int | None:
        """Stamp at which `idle` would call the boot stuck."""
        return self._story.machine.deadline

    @property
    def is_on_its_way(self) -> bool:
        """Whether the machine should be printing: it boots, or has just restarted."""
        return self._story.machine.is_on_its_way and self.shell is None

    @property
    def shell(self) -> Line | None:
        """The unfinished line when it is a shell's prompt: a person is logged in."""
        return self._prompts.shell(self._text.tail)

    def explain(self, ignored: Listener) -> None:
        """Tell of each line that looks like an event, and why it is none.

        For people who ask why nothing was said; reading is slow then.
        """
        self._story.explain(ignored)
        self._explain_misses = NearMisses(self._rules, ignored).look

    def limit(self, timeouts: Mapping[str, float]) -> None:
        """Take other seconds in a stage before a boot counts as stuck, by stage."""
        self._story.machine.limit(timeouts)

    def remember(self, boots: Iterable[Boot]) -> None:
        """Count boots before this interpreter's among those that never got anywhere.

        Args:
            boots: the newest, oldest first; one that goes on is passed over.
        """
        self._story.boots.remember(boots)

    def recall(self, boot: Boot, first: int | None = None) -> None:
        """Take over what was known of the boot that goes on, after its replay.

        A replay begins somewhere in the boot: only its end is read again.

        Args:
            boot: as it was known.
            first: stream offset of its first byte, where that is known: what was
                printed since the boot was noted last counts as well then.
        """
        self._story.boots.recall(boot, first)

    # What happens to a console.

    def feed(self, chunks: Sequence[Chunk]) -> Reading:
        """Understand bytes as they arrived."""
        reading = Reading()
        if not chunks:
            return reading
        self._story.boots.begin(reading, chunks[0].at, self._text.offset)
        self._read(reading, self._text.feed(chunks))
        return self._settled(reading)

    def idle(self, at: int) -> Reading:
        """Understand silence: a prompt, a report that has ended, a stuck boot."""
        reading = Reading()
        self._prompt(reading)
        self._story.close_reports(reading)
        self._story.release(reading)
        self._story.boots.wait(reading, at, self._last_words())
        return self._settled(reading)

    def power(self, *, on: bool, at: int) -> Reading:
        """The chassis was switched on or off.

        Output may be quicker than the news: a boot that began while the chassis was
        believed to be off is the one that power began.
        """
        reading, story = Reading(), self._story
        if not on:
            if self.stage is not Stage.OFF:
                self._break_off(reading)
                story.boots.power_off(at)
        elif self.stage is Stage.OFF or story.machine.number is None:
            self._break_off(reading)
            story.boots.power_on(reading, Line(at, self._text.offset, ""))
        elif self._dark:
            story.boots.powered()
        self._dark = not on
        return self._settled(reading)

    def expect(self, ending: str | None, at: int, beginning: str | None = None) -> None:
        """The BMC was asked to take the machine down: no reset is a surprise now.

        Args:
            ending: ``reset`` or ``off``; None: the BMC did not do it.
            at: stamp.
            beginning: cause of the boot that follows soon; None: that is not known.
        """
        self._story.machine.expect(ending, at, beginning)

    def gap(self) -> Reading:
        """Output is missing here: the boot has one more gap."""
        self._story.boots.gap()
        return self._settled(Reading())

    def finish(self) -> Reading:
        """End the stream: what is unfinished is taken as it is."""
        reading = Reading()
        self._prompt(reading)
        self._break_off(reading)
        self._story.release(reading)
        return self._settled(reading)

    def _break_off(self, reading: Reading) -> None:
        """Take the unfinished line as it is: nothing will be added to it."""
        lines = self._text.flush()
        reading.is_broken_off = bool(lines)
        self._read(reading, lines)
        self._story.close_reports(reading)

    def _settled(self, reading: Reading) -> Reading:
        reading.tail = self._text.tail
        self._story.boots.settle(reading, self._text.offset)
        return reading

    # Lines.

    def _prompt(self, reading: Reading) -> None:
        """Look at the unfinished line, once."""
        tail = self._text.tail
        self._story.release_shown(reading, tail)
        marker = self._prompts.look(tail, self.stage)
        if marker is not None and tail is not None:
            self._story.prompt(reading, marker, tail)
        else:
            self._story.ask(reading)

    def _last_words(self) -> LastWords | None:
        """Return the last line that said something, the unfinished one included."""
        tail = self._text.tail
        if tail is None or last_index([tail.text]) is None:
            return self._last
        return LastWords(tail.text, self._lines.number(self._lines.size, tail))

    def _read(self, reading: Reading, lines: Lines) -> None:
        """Look at lines, marker by marker, in order."""
        reading.lines = lines
        self._lines.turn(len(lines))
        if not lines:
            return
        texts = self._overlap.texts(lines)
        noisy = deque(noisy_lines(texts))
        done = stamped = 0
        for marker in self._wraps.scan(texts):
            self._pass_by(reading, texts, done, marker.line, noisy)
            done = marker.line
            role = marker.rule.role
            if role is Role.STAGE or marker.rule.severity is Severity.FATAL:
                self._note_stamp(texts, stamped, marker.line)
                stamped = marker.line
            self._story.take(reading, marker, lines[marker.line])
            if marker.rule.name == VIEWER:
                self._explain(reading, texts, [done])
            if role is Role.FAILURE or marker.rule.name == VIEWER:
                done += 1
        self._pass_by(reading, texts, done, len(texts), noisy)
        self._note_stamp(texts, stamped, len(texts))
        last = last_index(texts)
        if last is not None:
            where = self._lines.number(last, lines[last])
            self._last = LastWords(texts[last], where)

    def _pass_by(
        self,
        reading: Reading,
        texts: Sequence[str],
        begin: int,
        end: int,
        noisy: deque[int],
    ) -> None:
        """Take lines without a marker, or with one that is part of a report.

        Line by line in effect, so that it does not matter how many came at once.

        Args:
            reading: gets what there is to say.
            texts: of all its lines.
            begin: the first of these lines.
            end: the line after them.
            noisy: indexes of noise that is not told yet; told ones are removed.
        """
        self._explain(reading, texts, range(begin, end))
        story = self._story
        while noisy and noisy[0] < end:
            index = noisy.popleft()
            self._follow(reading, texts, begin, index + 1)
            begin = max(begin, index + 1)
            story.hear_noise(reading, index)
        self._follow(reading, texts, begin, end)

    def _explain(
        self, reading: Reading, texts: Sequence[str], indexes: Iterable[int]
    ) -> None:
        """Tell what lines look like that are not events, if asked to explain."""
        if self._explain_misses is not None:
            for index in indexes:
                number = self._lines.number(index, reading.lines[index])
                self._explain_misses(texts[index], number)

    def _follow(
        self, reading: Reading, texts: Sequence[str], begin: int, end: int
    ) -> None:
        """Give lines to the reports that wait for more, and time to what is held."""
        story = self._story
        release = story.release_at
        if release is not None and release <= end:
            if begin < release and story.in_report:
                story.follow(reading, texts[begin:release])
                begin = release
            story.release(reading)
        if begin < end and story.in_report:
            story.follow(reading, texts[begin:end])

    def _note_stamp(self, texts: Sequence[str], first: int, before: int) -> None:
        """Remember the last kernel time stamp of the lines between two indexes."""
        for index in range(before - 1, first - 1, -1):
            # Most lines of other sources are told apart by their first character.
            if texts[index].startswith(("[", "<")):
                stamp = STAMP.match(texts[index])
                if stamp is not None:
                    self._story.machine.note_kernel_time(float(stamp["stamp"]))
                    return
