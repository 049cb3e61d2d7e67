"""Which text only a boot that begins can print. Pure."""

from __future__ import annotations

from typing import Final

from solrecd.analysis.boot.detector import Marker
from solrecd.analysis.boot.progress import Prognosis, Progress, step_of
from solrecd.events.stages import Stage

FRESH_KERNEL: Final = 1.0
"""Seconds. Arm kernels print "Booting Linux on physical CPU" before their version: a
second banner this early is the same boot's."""


ON_THE_WAY_DOWN: Final = "target"
"""Detail of the markers that systemd prints when it takes a machine down as well."""

HANDOFF: Final = "handoff"
"""Detail of a loader that has started a kernel."""

HYPERVISOR: Final = "xen"
"""Detail of a kernel below the kernel: it prints no stamps."""


def is_restart(now: Progress, marker: Marker, stage: Stage) -> bool:
    """Whether a marker can only come from a boot that begins."""
    if marker.rule.inside and now.stage.rank < Stage.INIT.rank:
        return False
    if _runs_backwards(now, marker):
        return True
    if _is_over(now, stage):
        return _follows_an_end(now, marker, stage)
    lower = stage.rank < min(now.stage.rank, Stage.KERNEL.rank)
    if lower and _has_left_loader(now):
        return True
    return marker.rule.begins and _is_beginning(now, marker, stage)


def _has_left_loader(now: Progress) -> bool:
    """Whether a kernel runs, even if it has not printed yet."""
    return now.stage.rank >= Stage.KERNEL.rank or now.detail == HANDOFF


def is_new(marker: Marker) -> bool:
    """Whether a marker comes from the first lines of a boot."""
    stamp = marker.message.stamp
    return marker.rule.begins and (stamp is None or stamp <= FRESH_KERNEL)


def _is_over(now: Progress, stage: Stage) -> bool:
    """Whether nothing more is to be expected of a boot than the next one."""
    if now.announced or now.prognosis in (Prognosis.WAITING, Prognosis.OVER):
        return True
    return now.prognosis is Prognosis.DYING and stage is now.stage is Stage.FIRMWARE


def _runs_backwards(now: Progress, marker: Marker) -> bool:
    """Whether a firmware that numbers its steps has begun again."""
    step = step_of(marker.groups)
    return bool(step) and step < now.step


def _follows_an_end(now: Progress, marker: Marker, stage: Stage) -> bool:
    """Whether a marker begins the next boot, where it is awaited."""
    if stage.rank < now.stage.rank and marker.rule.detail != ON_THE_WAY_DOWN:
        return True
    if not marker.rule.begins:
        return False
    if stage is Stage.FIRMWARE:
        return stage is now.stage and bool(now.seen)
    return _repeats(now, marker, stage)


def _is_beginning(now: Progress, marker: Marker, stage: Stage) -> bool:
    """Whether text that begins a stage begins a boot, which nothing announced."""
    if stage.rank < now.stage.rank:
        return stage is not Stage.KERNEL or _is_fresh_kernel(now, marker)
    is_same = marker.rule.id in now.begun
    if stage is Stage.LOADER:
        # One loader may start another, also one of its kind.
        return is_same and not now.chained
    return (is_same or not now.chained) and _repeats(now, marker, stage)


def _repeats(now: Progress, marker: Marker, stage: Stage) -> bool:
    """Whether text that begins a stage comes a second time in it."""
    if stage is not now.stage or (stage, marker.rule.detail) not in now.seen:
        return False
    return stage is not Stage.KERNEL or _is_fresh_kernel(now, marker)


def _is_fresh_kernel(now: Progress, marker: Marker) -> bool:
    if marker.rule.detail == HYPERVISOR:
        return True
    stamp = marker.message.stamp
    if now.kernel_time is None:
        return now.kernel is not None
    if stamp is None or stamp > FRESH_KERNEL:
        return False
    return now.kernel_time > FRESH_KERNEL or now.stage.rank > Stage.KERNEL.rank
