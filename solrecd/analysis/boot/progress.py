"""What is known of the boot that goes on, and what is left to expect of it. Pure.

The record alone: which marker means what for a boot is `machine`'s.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from solrecd.analysis.boot.rules import Rule
from solrecd.events.boots import Boot, Outcome
from solrecd.events.event import Event, Severity
from solrecd.events.stages import Stage

ENDING_BOOT: Final = frozenset(
    [
        "emergency",
        "initramfs_shell",
        "grub_rescue",
        "grub_shell",
        "loader_shell",
        "no_device",
        "secure_boot",
        "fsck_failed",
        "install_failed",
        "panic",
    ]
)
"""Failures after which a boot does not reach its login prompt, however severe."""

SURVIVED: Final = 10.0
"""Seconds of kernel time. A report and what dies with it are printed within one or two;
a kernel that still writes messages this long after has survived its crash."""

HELPED: Final = "helped"
"""The fact of a boot that waited for a person, and went on: its times say nothing."""

FAILED_UNITS: Final = 16
"""Units named in a boot's record; a file system that is missing takes dozens down."""

HANDOVER: Final = "handover"
"""The note of a firmware that starts the same program on another processor: the second
banner begins no boot."""

WAITING: Final = "waiting_for_input"
"""The failure of a boot that waits for a person, and goes on when one has answered."""

_FACTS: Final = ("hardware", "bios", "entry", "host", "os", "loading")
_FACT_LIMIT: Final = 1024


DUMPS: Final = MappingProxyType(
    {
        "kdump_started": "started",
        "kdump_saving": "saving",
        "kdump_saved": "saved",
        "kdump_failed": "failed",
    }
)
"""What became of the memory image, by the failure that tells it: the fact ``dump``."""

_LEADS_TO: Final = MappingProxyType({"reset": Stage.FIRMWARE, "kexec": Stage.KERNEL})
"""Announced ends after which a machine should come back, and with what."""


class Prognosis(enum.Enum):
    """What is left to expect after the worst that a boot met."""

    NONE = enum.auto()
    DYING = enum.auto()
    """It crashed. Whether it lives on shows when something else comes."""
    WAITING = enum.auto()
    """It waits for a person, who will reset it, or help it on."""
    OVER = enum.auto()
    """Nothing but a reset can follow."""


@dataclass(slots=True)
class Progress:
    """The boot that is going on."""

    number: int
    started: int
    cause: str
    ordered: bool = False
    """This boot was asked for, and the cause says how."""
    stage: Stage = Stage.UNKNOWN
    """Where it is now."""
    reached: Stage = Stage.UNKNOWN
    """The last stage that it announced; a power-off does not take that away."""
    detail: str | None = None
    since: int = 0
    outcome: Outcome = Outcome.RUNNING
    ended: int | None = None
    stages: dict[str, float] = field(default_factory=dict)
    seen: set[tuple[Stage, str | None]] = field(default_factory=set)
    facts: dict[str, str] = field(default_factory=dict)
    kernel: str | None = None
    cmdline: str | None = None
    title: str | None = None
    worst: Severity | None = None
    failures: int = 0
    gaps: int = 0
    announced: str | None = None
    """What the system said that it is about to do: shutdown, reset, off."""
    announced_at: int = 0
    origin: str | None = None
    """How the kernel was started, if no firmware did it: ``kexec``, ``kdump``."""
    begun: set[str] = field(default_factory=set)
    """Ids of the rules whose text only a start can print, and that were seen."""
    chained: bool = False
    """One firmware started another one."""
    step: tuple[int, ...] = ()
    """Where a firmware that numbers its steps is."""
    in_initrd: bool = False
    """The systemd that runs is the initramfs's."""
    puzzle: Event | None = None
    """The event that it is stuck, while nothing that is known says why."""
    asked: tuple[int, str] | None = None
    """Since when it waits for a person, and what it asks."""
    outcome_before: Outcome | None = None
    """The outcome before it got stuck on the way to the next boot."""
    prognosis: Prognosis = Prognosis.NONE
    crashed_at: float | None = None
    """Kernel time of the crash that it may yet survive."""
    kernel_time: float | None = None

    @property
    def awaited(self) -> Stage | None:
        """Which stage of the next boot its announced end leads to, None: to none."""
        if self.outcome not in (Outcome.RUNNING, Outcome.OK):
            return None
        return _LEADS_TO.get(self.announced or "")

    @property
    def going_down(self) -> Outcome:
        """How it ends when it goes down as announced: losing a dump is not clean."""
        lost = self.facts.get("dump") == DUMPS["kdump_failed"]
        return Outcome.FAILED if lost else Outcome.SHUTDOWN

    def fail(self, rule: Rule, stamp: float | None) -> None:
        """Take a failure's headline, with its kernel time.

        A later crash does not make up for a panic.
        """
        prognosis = _prognosis_of(rule)
        if prognosis is Prognosis.NONE or self.prognosis is Prognosis.OVER:
            return
        self.prognosis = prognosis
        self.crashed_at = stamp if prognosis is Prognosis.DYING else None

    def hear(self, stamp: float) -> None:
        """Take the newest kernel time."""
        self.kernel_time = stamp
        if self.crashed_at is not None and stamp - self.crashed_at > SURVIVED:
            self.recover()

    def recover(self) -> None:
        """Something came that a machine at its end does not print."""
        if self.prognosis is Prognosis.OVER:
            return
        if self.prognosis is Prognosis.WAITING and self.outcome is Outcome.FAILED:
            self.outcome = Outcome.RUNNING
            self.facts[HELPED] = "yes"
        elif self.asked is not None:
            self.facts[HELPED] = "yes"
        self.asked = None
        self.prognosis = Prognosis.NONE
        self.crashed_at = None

    def forget_from(self, stage: Stage) -> None:
        """What came from a stage on was not of the system that is booted."""
        if self.stage.rank < stage.rank:
            return
        self.kernel = self.cmdline = None
        self.seen = {step for step in self.seen if step[0].rank < stage.rank}
        self.stages = {
            k: v for k, v in self.stages.items() if Stage(k).rank < stage.rank
        }

    def learn(self, rule: Rule, groups: Mapping[str, str]) -> None:
        """Keep facts; the first of each counts."""
        # A kernel that is loaded is the last in the chain.
        self.chained = (self.chained or rule.chains) and "loading" not in groups
        if rule.name == HANDOVER:
            self.begun.clear()
        if rule.begins:
            self.begun.add(rule.id)
        self.step = step_of(groups) or self.step
        groups = {k: v[:_FACT_LIMIT] for k, v in groups.items()}
        self.kernel = self.kernel or groups.get("kernel")
        self.cmdline = self.cmdline or groups.get("cmdline")
        for name in _FACTS:
            if name in groups:
                self.facts.setdefault(name, groups[name].strip())

    def record(self, event: Event) -> None:
        """Count a failure; the worst one titles the boot."""
        self.failures += 1
        if event.severity is Severity.FATAL or event.name in ENDING_BOOT:
            self.outcome = Outcome.FAILED
        if event.name == "unit_failed":
            self._note_unit(event)
        elif event.name == WAITING:
            self.asked = event.time, event.title
        elif event.name in DUMPS:
            self.facts["dump"] = DUMPS[event.name]
        order = list(Severity)
        if self.worst is None or order.index(event.severity) < order.index(self.worst):
            self.worst = event.severity
            self.title = event.title

    def _note_unit(self, event: Event) -> None:
        """Add a unit to those that failed."""
        names = list(filter(None, self.facts.get("failed_units", "").split(", ")))
        found = [event.fields.get(key) for key in ("unit", "unit2", "dev", "desc")]
        unit = str(next(filter(None, found), event.title)).replace(", ", " ").strip()
        if unit not in names and len(names) < FAILED_UNITS:
            self.facts["failed_units"] = ", ".join([*names, unit])[:_FACT_LIMIT]


def step_of(groups: Mapping[str, str]) -> tuple[int, ...]:
    """Return the numbers of a step, ``14. 3``; empty where there is none."""
    step = groups.get("step")
    return () if step is None else tuple(map(int, re.findall(r"\d+", step)))


def _prognosis_of(rule: Rule) -> Prognosis:
    """Say what a failure leaves to expect."""
    if rule.name == "panic":
        return Prognosis.OVER
    if rule.name in ENDING_BOOT or rule.name == WAITING:
        return Prognosis.WAITING
    return Prognosis.DYING if rule.severity is Severity.FATAL else Prognosis.NONE


def resume(boot: Boot) -> Progress:
    """Continue a boot whose bytes are replayed or go on after a restart."""
    return Progress(
        number=boot.boot, started=boot.started, cause=boot.cause, since=boot.started,
        gaps=boot.gaps,
    )  # fmt: skip
