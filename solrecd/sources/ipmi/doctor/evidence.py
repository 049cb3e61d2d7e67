"""Judges what the console itself shows: what no BMC can tell.

Firmware, loader, kernel and getty each have to be told about the serial line. Which of
them was, the last boots say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from solrecd.events.boots import Boot
from solrecd.events.stages import Stage
from solrecd.sources.findings import Finding, bad, ok, warn
from solrecd.sources.ipmi.doctor.findings import Readings, Subject, said
from solrecd.sources.spans import ago

QUIET: Final = 600 * 1_000_000
"""Microseconds: a machine that has been on for so long, and recorded, prints."""

UNFINISHED_AFTER: Final = 300 * 1_000_000
"""Microseconds that the next part of a boot may take; after that it does not come."""

_SETUP: Final = "run solrecctl setup on the machine"
_NO_CONSOLE: Final = (
    "is redirection on in the BIOS set-up, for the port that says SoL, and console="
    f"ttyS1,115200n8 on the kernel's command line? {_SETUP}"
)


def output(subject: Subject, readings: Readings) -> Iterator[Finding]:
    """When did the machine print last?"""
    chassis = said(readings.chassis)
    is_off = chassis is not None and not chassis.on
    if subject.last_output is None:
        waited = subject.now - subject.since
        if subject.is_up and not is_off and waited > QUIET:
            text = f"the machine has never printed anything, in {ago(waited)}"
            yield warn("output", text, _NO_CONSOLE)
        else:
            yield ok("output", "nothing yet" + "; the machine is off" * is_off)
        return
    since = subject.now - subject.last_output
    yield ok("output", f"last byte {ago(since)} ago" + "; the machine is off" * is_off)


def readable(subject: Subject, _: Readings) -> Iterator[Finding]:
    """Is it text?"""
    if subject.noise is None:
        if subject.boots and subject.last_output is not None:
            yield ok("text", "readable")
        return
    when = ago(subject.now - subject.noise)
    yield bad(
        "text",
        f"unreadable characters {when} ago: two baud rates disagree",
        "set the same rate in BMC (above), BIOS set-up, GRUB and kernel; for the last "
        f"two {_SETUP}",
    )


def stages(subject: Subject, _: Readings) -> Iterator[Finding]:
    """Which parts of a boot print to the console?"""
    seen = [_judge_boot(boot, subject.now) for boot in subject.boots]
    told = [each for each in seen if each is not None]
    if told:
        # The last boot that says anything: it may have been fixed since.
        yield told[-1]


def _judge_boot(boot: Boot, now: int) -> Finding | None:
    """Judge one boot; None: it says nothing, or not yet."""
    reached = {Stage(stage) for stage in boot.stages}
    quiet = (boot.ended or now) - _entered(
        boot
    ) > UNFINISHED_AFTER or boot.ended is not None
    if Stage.LOGIN in reached:
        return _judge_loader(boot, reached) or ok(
            "stages", f"boot {boot.boot} printed up to its login prompt"
        )
    if reached & {Stage.INIT, Stage.INITRAMFS, Stage.KERNEL} and quiet:
        return warn(
            "stages",
            f"boot {boot.boot}: kernel, but never a login prompt",
            "no getty on the serial line, or console= of it is not the last one: "
            f"{_SETUP}",
        )
    if reached == {Stage.FIRMWARE} and quiet:
        return warn(
            "stages",
            f"boot {boot.boot}: firmware, but never GRUB or a kernel",
            f"GRUB has no serial terminal, the kernel no console=: {_SETUP}",
        )
    return None


def _judge_loader(boot: Boot, reached: set[Stage]) -> Finding | None:
    if Stage.FIRMWARE not in reached or Stage.LOADER in reached:
        return None
    return warn(
        "stages",
        f"boot {boot.boot}: firmware and kernel, but never GRUB",
        f"GRUB has no serial terminal: {_SETUP}",
    )


def _entered(boot: Boot) -> int:
    """Return the stamp at which the last stage was entered."""
    return boot.started + round(max(boot.stages.values(), default=0) * 1_000_000)
