"""Which text only a boot that begins can print. Pure."""

from __future__ import annotations

from typing import Final

from solrecd.analysis.boot.detector import Marker
from solrecd.analysis.boot.progress import Prognosis, Progress
from solrecd.events import Stage

FRESH_KERNEL: Final = 1.0
"""Seconds. Arm kernels print "Booting Linux on physical CPU" before their version: a
second banner this early is the same boot's."""


ON_THE_WAY_DOWN: Final = "target"
"""Detail of the markers that systemd prints when it takes a machine down as well."""


def is_restart(now: Progress, marker: Marker, stage: Stage) -> bool:
    """Whether a marker can only come from a boot that begins."""
    begins = marker.rule.begins
    if marker.rule.inside and now.stage.rank < Stage.INIT.rank:
        return False
    if now.announced or now.prognosis in (Prognosis.WAITING, Prognosis.OVER):
        lower = stage.rank < now.stage.rank and marker.rule.detail != ON_THE_WAY_DOWN
        return lower or (begins and _repeats(now, marker, stage))
    if now.stage.rank >= Stage.KERNEL.rank and stage.rank < Stage.KERNEL.rank:
        return True
    if begins and stage.rank < now.stage.rank:
        return stage is not Stage.KERNEL or _is_fresh_kernel(now, marker)
    return begins and _repeats(now, marker, stage)


def is_new(marker: Marker) -> bool:
    """Whether a marker comes from the first lines of a boot."""
    stamp = marker.message.stamp
    return marker.rule.begins and (stamp is None or stamp <= FRESH_KERNEL)


def _repeats(now: Progress, marker: Marker, stage: Stage) -> bool:
    """Whether text that begins a stage comes a second time in it."""
    if stage is not now.stage or (stage, marker.rule.detail) not in now.seen:
        return False
    return stage is not Stage.KERNEL or _is_fresh_kernel(now, marker)


def _is_fresh_kernel(now: Progress, marker: Marker) -> bool:
    stamp = marker.message.stamp
    if now.kernel_time is None:
        return now.kernel is not None
    if stamp is None or stamp > FRESH_KERNEL:
        return False
    return now.kernel_time > FRESH_KERNEL or now.stage.rank > Stage.KERNEL.rank
