"""Where a machine is in its boot, and where one boot ends and the next begins. Pure.

Stages only move forward within a boot. A marker of an earlier stage therefore means
one of three things, and the whole of this module is about telling them apart:

- The machine was reset. Certain when the kernel or firmware announced it, or when
  text appears that is printed only at the very start (`Rule.begins`).
- The firmware tries the next device: back from the loader to the boot device, or
  from there to POST. The same boot, and no motion worth an event.
- Somebody looks at old text on the console. A kernel banner without a time stamp from
  a kernel that prints stamps is such a one.

A boot's outcome is its furthest good news until bad news comes: ``ok`` at the login
prompt, ``failed`` at a failure that ends the boot. Where that failure only waits for a
person (a shell, a missing disk) and somebody helped, the boot goes on as if nothing
had been; a crash stays a failure, also of a machine that lives on.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from solrecd.analysis.boot.detector import Marker
from solrecd.analysis.boot.prefix import Origin
from solrecd.analysis.boot.progress import Prognosis, Progress, resume
from solrecd.analysis.boot.restarts import FRESH_KERNEL, is_new, is_restart
from solrecd.events import Boot, Event, Kind, Outcome, Severity, Stage

ORDERED_WITHIN = 300 * 1_000_000
"""Microseconds in which a boot follows on what somebody asked for: servers sit in their
firmware for minutes before they print."""


class Motion(enum.Enum):
    """What a stage marker means for the boot."""

    FORWARD = enum.auto()
    NONE = enum.auto()
    NEW_BOOT = enum.auto()


class BootMachine:
    """Follows the boots of one console.

    Args:
        console: name for events and boots.
        boot: the boot that goes on, None when nothing is known yet.
        timeouts: seconds that a boot may stay in a stage, by stage name.
    """

    __slots__ = ("_base_bytes", "_console", "_now", "_order", "_timeouts")

    def __init__(
        self, console: str, boot: Boot | None, timeouts: Mapping[str, float]
    ) -> None:
        self._console = console
        self._timeouts = dict(timeouts)
        self._now: Progress | None = None if boot is None else resume(boot)
        self._base_bytes = 0 if boot is None else boot.bytes
        self._order: tuple[str, int] | None = None
        """What somebody asked for that begins a boot, and when."""

    @property
    def number(self) -> int | None:
        """Number of the current boot."""
        return None if self._now is None else self._now.number

    @property
    def stage(self) -> Stage:
        """Where the current boot is."""
        return Stage.UNKNOWN if self._now is None else self._now.stage

    @property
    def stage_since(self) -> int | None:
        """Stamp of the last motion."""
        return None if self._now is None else self._now.since

    @property
    def deadline(self) -> int | None:
        """Stamp at which the boot counts as stuck, None when it cannot."""
        now = self._now
        if now is None or now.ended is not None:
            return None
        stage, since = now.stage, now.since
        if now.restarts:
            # It should be in its firmware by now.
            stage, since = Stage.FIRMWARE, now.announced_at
        elif now.outcome is not Outcome.RUNNING or now.announced:
            return None
        timeout = self._timeouts.get(stage.value)
        return None if timeout is None else since + round(timeout * 1e6)

    @property
    def expects_reset(self) -> bool:
        """Whether a reset would surprise nobody.

        Because it was announced, or because what has failed or hangs is reset by
        whoever notices: that is no failure of its own. A machine that survived its
        crash is expected to go on.
        """
        now = self._now
        return now is not None and (
            now.announced is not None
            or now.prognosis is not Prognosis.NONE
            or now.outcome is Outcome.STUCK
        )

    @property
    def is_on_its_way(self) -> bool:
        """Whether the machine should be printing: it boots, or said that it restarts.

        Not at its login prompt, and not when it is halted or has met its end.
        """
        now = self._now
        if (
            now is None
            or now.outcome is Outcome.FAILED
            or now.prognosis is not Prognosis.NONE
        ):
            return False
        if now.announced is not None:
            return now.announced == "reset" and now.stage is not Stage.OFF
        return Stage.OFF.rank < now.stage.rank < Stage.LOGIN.rank

    @property
    def kernel_time(self) -> float | None:
        """The last printk time stamp of the boot, seconds."""
        return None if self._now is None else self._now.kernel_time

    def snapshot(self, size: int) -> Boot | None:
        """Return the boot as it is known now; `size` is its bytes so far."""
        now = self._now
        if now is None:
            return None
        return Boot(
            console=self._console,
            boot=now.number,
            started=now.started,
            ended=now.ended,
            cause=now.cause,
            outcome=now.outcome,
            last_stage=now.reached,
            stages=dict(now.stages),
            kernel=now.kernel or now.facts.get("loading"),
            cmdline=now.cmdline,
            title=now.title,
            failures=now.failures,
            gaps=now.gaps,
            bytes=self._base_bytes + size,
            facts=dict(now.facts),
        )

    def limit(self, timeouts: Mapping[str, float]) -> None:
        """Take other limits, also for the stage that the boot is in now."""
        self._timeouts = dict(timeouts)

    def recall(self, boot: Boot) -> None:
        """Take over what was known of the boot before its end was replayed.

        Later markers are in what was replayed, earlier ones in what is recalled.
        """
        now = self._now
        if now is None or now.number != boot.boot:
            return
        now.stages = {**now.stages, **boot.stages}
        now.kernel = now.kernel or boot.kernel
        now.cmdline = now.cmdline or boot.cmdline
        now.facts = {**boot.facts, **now.facts}
        now.failures = max(now.failures, boot.failures)
        if boot.title is not None:
            # How bad it was is not recorded; only something fatal is surely worse.
            now.title, now.worst = boot.title, now.worst or Severity.CRITICAL
        if now.outcome is Outcome.RUNNING:
            now.outcome = boot.outcome
            if boot.outcome is Outcome.FAILED:
                # Why is not recorded; somebody will reset it.
                now.prognosis = Prognosis.OVER
        if boot.last_stage.rank > now.stage.rank:
            entered = boot.stages.get(boot.last_stage.value, 0.0)
            now.stage = now.reached = boot.last_stage
            now.since = now.started + round(entered * 1e6)

    def recount(self) -> None:
        """Expect sizes of the whole boot from now on, not of what came since."""
        self._base_bytes = 0

    def start(self, number: int, at: int, cause: str) -> None:
        """Begin a boot."""
        self._base_bytes = 0
        order, self._order = self._order, None
        if order is not None and at - order[1] <= ORDERED_WITHIN:
            self._now = Progress(number, at, order[0], since=at, ordered=True)
        else:
            self._now = Progress(number, at, cause, since=at)

    def end(self, at: int) -> None:
        """End the current boot; its outcome is final then."""
        now = self._now
        if now is None or now.ended is not None:
            return
        now.ended = at
        if now.outcome is Outcome.STUCK and now.outcome_before is not None:
            # What hung was the way to the next one.
            now.outcome = now.outcome_before
        if now.outcome is Outcome.RUNNING:
            now.outcome = Outcome.SHUTDOWN if now.announced else Outcome.UNKNOWN
        elif now.outcome is Outcome.OK and now.announced == "shutdown":
            now.outcome = Outcome.SHUTDOWN

    def note_kernel_time(self, stamp: float) -> None:
        """Remember the newest printk stamp."""
        if self._now is not None:
            self._now.hear(stamp)

    def judge(self, marker: Marker) -> Motion:
        """Say what a stage marker means, without acting on it."""
        now = self._now
        stage = Stage(marker.rule.name)
        if now is None or marker.message.origin is not Origin.LIVE:
            return Motion.NONE
        if now.stage is Stage.OFF:
            return Motion.FORWARD
        if now.stage is Stage.UNKNOWN:
            running = (now.kernel_time or 0.0) > FRESH_KERNEL
            return Motion.NEW_BOOT if running and is_new(marker) else Motion.FORWARD
        if is_restart(now, marker, stage):
            return Motion.NEW_BOOT
        if stage.rank < now.stage.rank and not marker.rule.inside:
            return Motion.NONE
        return Motion.FORWARD

    def move(self, marker: Marker, line: int, at: int) -> Event | None:
        """Enter a stage; return its event when the stage or its detail is new."""
        now = self._now
        if now is None:
            return None
        self.learn(marker)
        rule = marker.rule
        stage = Stage(rule.name)
        is_first = now.stage is Stage.UNKNOWN and not now.seen
        if is_first and rule.begins and not now.ordered:
            now.cause = stage.value
        if rule.inside:
            now.forget_from(Stage.KERNEL)
        step = (stage, rule.detail)
        if step in now.seen:
            return None
        now.seen.add(step)
        self._enter(now, stage, rule.detail, at)
        fields: dict[str, str | int | float | bool] = dict(marker.groups)
        if rule.detail:
            fields["detail"] = rule.detail
        fields["rule"] = rule.id
        return Event(
            at, self._console, Kind.STAGE, stage.value, Severity.INFO,
            marker.message.text[:240], now.number, line, fields=fields,
        )  # fmt: skip

    def learn(self, marker: Marker) -> None:
        """Keep the facts that a marker carries."""
        if self._now is not None and marker.message.origin is Origin.LIVE:
            self._now.learn(marker.groups)

    def announce(self, marker: Marker, at: int) -> None:
        """The system says that it goes down or restarts."""
        if self._now is not None and marker.message.origin is Origin.LIVE:
            self._now.announced, self._now.announced_at = marker.rule.name, at
            going = self._now.outcome in (Outcome.RUNNING, Outcome.OK)
            if marker.rule.name == "off" and going:
                self._now.outcome = Outcome.SHUTDOWN

    def expect(self, ending: str | None, at: int, beginning: str | None) -> None:
        """Somebody asked from outside for a reset, or that; None: takes it back.

        Args:
            ending: what happens to this boot.
            at: stamp.
            beginning: the cause of the next one.
        """
        self._order = None if beginning is None else (beginning, at)
        if self._now is not None and (ending is not None or beginning is None):
            self._now.announced, self._now.announced_at = ending, at

    def fail(self, marker: Marker) -> None:
        """A failure's headline was seen: would a reset surprise anybody now?"""
        if self._now is not None:
            self._now.fail(marker.rule, marker.message.stamp)

    def lost(self, at: int) -> None:
        """The boot ended without a word: whatever it was doing, it failed."""
        if self._now is not None:
            self._now.outcome = Outcome.FAILED
            self.end(at)

    def record(self, event: Event) -> None:
        """Count a failure's event of this boot."""
        now = self._now
        if now is None or event.kind is not Kind.FAILURE or event.boot != now.number:
            return
        now.record(event)

    def stuck(self, at: int) -> Event | None:
        """Return the event when the boot has been in its stage for too long."""
        now, deadline = self._now, self.deadline
        if now is None or deadline is None or at < deadline:
            return None
        stage, since = now.stage, now.since
        where = f"Stuck in stage {stage}"
        if now.restarts:
            stage, since = Stage.FIRMWARE, now.announced_at
            where = "Stuck in a restart: nothing came from the firmware"
            now.outcome_before = now.outcome
        seconds = (at - since) / 1e6
        now.outcome = Outcome.STUCK
        return Event(
            at, self._console, Kind.STUCK, stage.value, Severity.ERROR,
            f"{where} for {seconds:.0f} s", now.number, fields={"seconds": seconds},
        )  # fmt: skip

    def powered(self) -> None:
        """The chassis was switched on, and that began this boot."""
        if self._now is not None and not self._now.ordered:
            self._now.cause = "power"

    def powered_on(self, at: int) -> Event:
        """Enter the firmware with the power, before it printed anything.

        A machine that is switched on and stays silent is stuck there. What the
        firmware prints later is still its first motion.
        """
        now = self._now
        if now is not None:
            self._enter(now, Stage.FIRMWARE, None, at)
        return Event(
            at, self._console, Kind.STAGE, Stage.FIRMWARE.value, Severity.INFO,
            "Power on", self.number, fields={"detail": "power"},
        )  # fmt: skip

    def gap(self) -> None:
        """Count a gap in the recording of the boot."""
        if self._now is not None:
            self._now.gaps += 1

    def power_off(self, at: int) -> None:
        """The chassis is off: the boot is over."""
        self.end(at)
        if self._now is not None:
            self._now.stage = Stage.OFF
            self._now.since = at

    def _enter(self, now: Progress, stage: Stage, detail: str | None, at: int) -> None:
        if stage.rank > now.stage.rank:
            # Whatever was announced or waited for: it goes on.
            now.announced = None
            now.recover()
        if stage is not now.stage:
            now.since = at
            now.stages.setdefault(stage.value, (at - now.started) / 1e6)
        now.stage = now.reached = stage
        now.detail = detail
        if now.outcome is Outcome.STUCK:
            now.outcome, now.outcome_before = Outcome.RUNNING, None
        if stage is Stage.LOGIN and now.outcome is Outcome.RUNNING:
            now.outcome = Outcome.OK
