"""Judges the SoL configuration (IPMI 2.0 §26.3), and says what it should be.

`fixes` is the one place that knows what a parameter should be; the findings name it
as the cure, and `solrecd.sources.ipmi.doctor.fixes` sets it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from solrecd.sources.findings import Finding, Verdict, bad, ok, warn
from solrecd.sources.ipmi.doctor import sol_answers
from solrecd.sources.ipmi.doctor.findings import Readings, Subject, said, why_not
from solrecd.sources.ipmi.doctor.sol_answers import (
    BIT_RATES,
    Accumulation,
    BitRate,
    Retry,
    SolParameters,
)

LATE: Final = 250
"""Milliseconds that a BMC may gather characters: people notice the echo later."""

FEW: Final = 8
"""Characters that make a packet each: more headers than text, and a BMC with a slow
processor loses output in bursts."""

RETRY_TIME_MIN: Final = 1000
"""Milliseconds: a BMC that gives a packet up sooner loses output to any hiccup of the
network, and to the restart of a recorder."""

GOOD_ACCUMULATION: Final = Accumulation(interval=60, threshold=96)
"""What most boards are delivered with; solrecd's own figures are measured with it."""

GOOD_RETRY: Final = Retry(count=7, interval=480)
"""The most that there is; boards are delivered with it."""

_CONSOLE: Final = re.compile(r"\bconsole=ttyS\d+,(\d+)")
"""The kernel's own word for its serial console's speed."""


@dataclass(frozen=True, slots=True)
class Fix:
    """What a parameter should be."""

    number: int
    """Of the parameter (IPMI 2.0 Table 26-5)."""
    what: str
    current: str
    new: str
    data: bytes
    """The new value on the wire."""


def fixes(subject: Subject, sol: SolParameters) -> Iterator[Fix]:
    """Yield what should be set; nothing of which we do not know what it is now."""
    if sol.enabled is False:
        yield Fix(1, "SoL", "off", "on", b"\x01")
    if sol.accumulation is not None and _accumulates_badly(sol.accumulation):
        good = GOOD_ACCUMULATION
        data = bytes((good.interval // sol_answers.ACCUMULATE_UNIT, good.threshold))
        yield Fix(
            3,
            "character accumulation",
            _gathers(sol.accumulation),
            _gathers(good),
            data,
        )
    if sol.retry is not None and sol.retry.total_time < RETRY_TIME_MIN:
        good_retry = GOOD_RETRY
        data = bytes((good_retry.count, good_retry.interval // sol_answers.RETRY_UNIT))
        yield Fix(4, "retry", _repeats(sol.retry), _repeats(good_retry), data)
    yield from _rate_fixes(subject, sol)


def _rate_fixes(subject: Subject, sol: SolParameters) -> Iterator[Fix]:
    number = _NUMBERS.get(expected_baud(subject) or 0)
    if number is None:
        return
    new = BitRate(number)
    for parameter, what, rate in (
        (5, "lasting bit rate", sol.lasting_rate),
        (6, "bit rate", sol.rate),
    ):
        if rate is not None and rate.baud is not None and rate != new:
            yield Fix(parameter, what, str(rate), str(new), bytes((number,)))


_NUMBERS: Final = {baud: number for number, baud in BIT_RATES.items()}


def expected_baud(subject: Subject) -> int | None:
    """Return the machine's bit rate: as configured, else as its kernel was told."""
    if subject.baud is not None:
        return subject.baud
    for boot in reversed(subject.boots):
        found = _CONSOLE.findall(boot.cmdline or "")
        if found:
            return int(found[-1])
    return None


def judge(subject: Subject, readings: Readings) -> Iterator[Finding]:
    """Judge the parameters that the BMC told."""
    sol = said(readings.sol)
    if sol is None:
        if subject.is_up:
            yield ok("sol", f"works; its settings: {why_not(readings.sol)}")
        else:
            cure = f"ipmitool sol info {readings.channel}"
            yield warn("sol", f"not reported: {why_not(readings.sol)}", cure)
        return
    yield from _judge_enabled(subject, sol)
    yield from _judge_encryption(subject, readings, sol)
    yield from _judge_rate(subject, sol)
    yield from _judge_accumulation(subject, sol)
    yield from _judge_retry(subject, sol)


def _fix(subject: Subject) -> str:
    return f"solrecctl doctor --fix {subject.name}"


def _judge_enabled(subject: Subject, sol: SolParameters) -> Iterator[Finding]:
    if sol.enabled is False and subject.is_up:
        text = "switched off, though it works: not after the next restart of the BMC"
        yield warn("sol", text, _fix(subject))
    elif sol.enabled is False:
        yield bad("sol", "switched off", _fix(subject))
    elif sol.enabled:
        yield ok("sol", "switched on")


def _judge_encryption(
    subject: Subject, readings: Readings, sol: SolParameters
) -> Iterator[Finding]:
    if sol.security is None:
        return
    forced = sol.security.force_encryption
    if forced and subject.insecure and max(subject.suites, default=0) < _ENCRYPTED:
        yield bad(
            "encryption",
            "the BMC wants SoL encrypted, and no configured suite encrypts",
            "cipher_suites = [17, 3]",
        )
    elif forced:
        yield ok("encryption", "forced")
    elif subject.insecure:
        yield warn(
            "encryption",
            "not forced, and the console's insecure = true allows clear text",
            f"ipmitool sol set force-encryption true {readings.channel}, then without "
            "insecure = true",
        )
    else:
        yield ok("encryption", "not forced; ours is always encrypted")


_ENCRYPTED: Final = 3
"""The first cipher suite that encrypts (IPMI 2.0 Table 22-20)."""


def _judge_rate(subject: Subject, sol: SolParameters) -> Iterator[Finding]:
    if sol.rate is None:
        return
    expected = expected_baud(subject)
    text = str(sol.rate)
    if expected is None:
        yield ok("bit rate", f"{text}; nothing says what the machine uses")
    elif sol.rate.baud is None:
        yield ok("bit rate", f"{text}; the machine uses {expected} baud")
    elif sol.rate.baud != expected:
        text = f"{text}, and the machine uses {expected} baud"
        yield bad("bit rate", text, f"{_fix(subject)}, or the machine's side")
    elif sol.lasting_rate is not None and sol.lasting_rate.baud not in {None, expected}:
        text = f"{text}, but {sol.lasting_rate} after a restart of the BMC"
        yield warn("bit rate", text, _fix(subject))
    else:
        yield ok("bit rate", f"{text}, as the machine")


def _accumulates_badly(found: Accumulation) -> bool:
    return _why_bad(found) is not None


def _why_bad(found: Accumulation) -> str | None:
    if found.interval == 0 and found.threshold > 1:
        return "no interval: what is typed may echo many characters late"
    if found.interval > LATE and found.threshold > 1:
        return "what is typed echoes late"
    if 0 < found.threshold < FEW:
        return "packets of a few characters: bursts may be lost in the BMC"
    return None


def _gathers(found: Accumulation) -> str:
    return f"{found.interval} ms or {found.threshold} characters"


def _judge_accumulation(subject: Subject, sol: SolParameters) -> Iterator[Finding]:
    if sol.accumulation is None:
        return
    text, why = _gathers(sol.accumulation), _why_bad(sol.accumulation)
    if why is None:
        yield ok("accumulation", text)
    else:
        yield warn("accumulation", f"{text}; {why}", _fix(subject))


def _repeats(found: Retry) -> str:
    return f"{found.count} times, each {found.interval} ms"


def _judge_retry(subject: Subject, sol: SolParameters) -> Iterator[Finding]:
    if sol.retry is None:
        return
    text = _repeats(sol.retry)
    if sol.retry.total_time >= RETRY_TIME_MIN:
        yield ok("retry", text)
        return
    text = f"{text}: output is lost after {sol.retry.total_time} ms without an answer"
    yield Finding("retry", Verdict.WARN, text, _fix(subject))
