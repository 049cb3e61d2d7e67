"""Where a machine is in its boot, and where one boot ends and the next begins. Pure.

Stages only move forward within a boot. A marker of an earlier stage therefore means
one of three things, and the whole of this module is about telling them apart:

- The machine was reset. Certain when the kernel or firmware announced it, or when
  text appears that is printed only at the very start (`Rule.begins`).
- The firmware tries the next device: back from the loader to the boot device, or
  from there to POST. The same boot, and no motion worth an event.
- A person looks at old text on the console. A kernel banner without a time stamp from
  a kernel that prints stamps is such a one.

A boot's outcome is its furthest good news until bad news comes: ``ok`` at the login
prompt, ``failed`` at a failure that ends the boot. Where that failure only waits for a
person (a shell, a missing disk) and one helped, the boot goes on as if nothing
had been; a crash stays a failure, also of a machine that lives on.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

from solrecd.analysis.boot.detector import Marker
from solrecd.analysis.boot.patience import deadline, puzzle, stick
from solrecd.analysis.boot.prefix import Origin
from solrecd.analysis.boot.progress import Prognosis, Progress, resume
from solrecd.analysis.boot.restarts import FRESH_KERNEL, is_new, is_restart
from solrecd.events.boots import Boot, Outcome
from solrecd.events.event import Event, Kind, Severity
from solrecd.events.stages import Stage

RESTARTS: Final = frozenset({"reset", "kexec"})
"""Announced ends after which a machine prints again."""

KEXEC: Final = "kexec"
KDUMP: Final = "kdump"
"""How a kernel was started without firmware: by the one before it, or by its crash."""

INITRD: Final = "initrd"
"""Detail of a systemd that runs in the initramfs."""

ORDERED_WITHIN = 300 * 1_000_000
"""Microseconds in which a boot follows on a request for it: servers sit in their
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

    __slots__ = ("_base_bytes", "_now", "_order", "_timeouts", "console")

    def __init__(
        self, console: str, boot: Boot | None, timeouts: Mapping[str, float]
    ) -> None:
        self.console = console
        self._timeouts = dict(timeouts)
        self._now: Progress | None = None if boot is None else resume(boot)
        self._base_bytes = 0 if boot is None else boot.bytes
        self._order: tuple[str, int] | None = None
        """The request that begins a boot, and when it was made."""

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
        return None if self._now is None else deadline(self._now, self._timeouts)

    @property
    def expects_reset(self) -> bool:
        """Whether a reset would be no surprise.

        Because it was announced, or because what has failed or hangs is reset once
        that is noticed: that is not a failure of its own. A machine that survived its
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
            return now.announced in RESTARTS and now.stage is not Stage.OFF
        return Stage.OFF.rank < now.stage.rank < Stage.LOGIN.rank

    @property
    def is_capture(self) -> bool:
        """Whether the kernel is a crash kernel, which saves another one's memory."""
        return self._now is not None and self._now.origin == KDUMP

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
            console=self.console,
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
                # Why is not recorded; a reset will follow.
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
        before = self._now
        if order is not None and at - order[1] <= ORDERED_WITHIN:
            self._now = Progress(number, at, order[0], since=at, ordered=True)
        else:
            self._now = Progress(number, at, cause, since=at)
        if before is not None and before.announced == KEXEC:
            self._now.origin = KEXEC
            if not self._now.ordered and cause == Stage.KERNEL.value:
                self._now.cause = KEXEC

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
            now.outcome = now.going_down if now.announced else Outcome.UNKNOWN
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
        of_initrd = now.in_initrd and stage is Stage.INIT and marker.rule.detail
        is_back = stage.rank < now.stage.rank and not marker.rule.inside
        return Motion.NONE if of_initrd or is_back else Motion.FORWARD

    def move(self, marker: Marker, line: int, at: int) -> Event | None:
        """Enter a stage; return its event when the stage or its detail is new."""
        now = self._now
        if now is None:
            return None
        self.learn(marker)
        rule = marker.rule
        stage = Stage(rule.name)
        is_first = now.stage is Stage.UNKNOWN and not now.seen
        if is_first and rule.begins and not now.ordered and now.origin is None:
            now.cause = stage.value
        if rule.inside:
            now.forget_from(Stage.KERNEL)
        now.in_initrd = stage is Stage.INITRAMFS and (
            now.in_initrd or rule.detail == INITRD
        )
        step = (stage, rule.detail)
        if step in now.seen:
            return None
        now.seen.add(step)
        self._enter(now, stage, rule.detail, at)
        fields: dict[str, str | int | float | bool] = dict(marker.groups)
        detail = rule.detail or (now.origin if stage is Stage.KERNEL else None)
        if detail:
            fields["detail"] = detail
        fields["rule"] = rule.id
        return Event(
            at, self.console, Kind.STAGE, stage.value, Severity.INFO,
            marker.message.text[:240], now.number, line, fields=fields,
        )  # fmt: skip

    def capture(self, line: int, at: int) -> Event | None:
        """The kernel is a crash kernel: return the event that says so, once."""
        now = self._now
        if now is None or now.origin == KDUMP or now.stage is not Stage.KERNEL:
            return None
        now.origin = KDUMP
        if now.cause == Stage.KERNEL.value:
            now.cause = KDUMP
        return Event(
            at, self.console, Kind.STAGE, Stage.KERNEL.value, Severity.INFO,
            "A crash kernel runs", now.number, line, fields={"detail": KDUMP},
        )  # fmt: skip

    def learn(self, marker: Marker) -> None:
        """Keep the facts that a marker carries."""
        if self._now is not None and marker.message.origin is Origin.LIVE:
            self._now.learn(marker.rule, marker.groups)

    def announce(self, marker: Marker, at: int) -> None:
        """The system says that it goes down or restarts."""
        if self._now is not None and marker.message.origin is Origin.LIVE:
            self._now.announced, self._now.announced_at = marker.rule.name, at
            going = self._now.outcome in (Outcome.RUNNING, Outcome.OK)
            if marker.rule.name in ("off", "halt") and going:
                self._now.outcome = self._now.going_down

    def expect(self, ending: str | None, at: int, beginning: str | None) -> None:
        """A reset or power-off was asked for from outside; None: it was taken back.

        Args:
            ending: what happens to this boot.
            at: stamp.
            beginning: the cause of the next one.
        """
        self._order = None if beginning is None else (beginning, at)
        if self._now is not None and (ending is not None or beginning is None):
            self._now.announced, self._now.announced_at = ending, at

    def fail(self, marker: Marker) -> None:
        """A failure's headline was seen: would a reset be a surprise now?"""
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
        now, ends = self._now, self.deadline
        if now is None or ends is None or at < ends or now.puzzle is not None:
            return None
        return stick(now, self.console, at)

    def puzzle(self, at: int) -> Event | None:
        """Return, once, that the boot got stuck and still nothing has said why."""
        return None if self._now is None else puzzle(self._now, at)

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
            at, self.console, Kind.STAGE, Stage.FIRMWARE.value, Severity.INFO,
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
        now.puzzle = None
        if now.outcome is Outcome.STUCK:
            now.outcome, now.outcome_before = Outcome.RUNNING, None
        if stage is Stage.LOGIN and now.outcome is Outcome.RUNNING:
            now.outcome = Outcome.OK
