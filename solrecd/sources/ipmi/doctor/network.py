"""Judges the way to the BMC: what of a session's packets had to be sent twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from solrecd.events.wire_counts import Repeat
from solrecd.sources.findings import Finding, ok, warn
from solrecd.sources.ipmi.doctor.findings import Readings, Subject

LOSSY: Final = 0.01
"""Share of packets sent twice from which on it is worth looking: a wire loses one in a
million, and a BMC that is busy now and then one in a thousand."""

ENOUGH: Final = 10
"""Repeats before their share means anything."""

_WORDS: Final = (
    (Repeat.OUTPUT, "output"),
    (Repeat.GROWN, "output that had grown"),
    (Repeat.INPUT, "input"),
    (Repeat.COMMAND, "commands"),
)


def network(subject: Subject, _: Readings) -> Iterator[Finding]:
    """Does what is sent arrive?"""
    counted = subject.network
    received = counted.get("received", 0)
    if counted.get("send_errors"):
        yield warn(
            "network",
            f"{counted['send_errors']} datagrams could not be sent",
            "no route, a firewall on this host, or a full queue: ip route get",
        )
    if received:
        yield _judge_repeats(counted, received)
    if subject.strangers and not subject.is_up:
        yield warn(
            "strangers",
            f"{subject.strangers} datagrams came from addresses that no console has",
            "does the BMC answer from another address than bmc = ...?",
        )


def _judge_repeats(counted: Mapping[str, int], received: int) -> Finding:
    repeats = {word: counted.get(f"{what}_repeated", 0) for what, word in _WORDS}
    total = sum(repeats.values())
    share = total / received
    text = f"{total} of {received} packets were sent twice"
    if counted.get("rejected"):
        text += f", {counted['rejected']} were rejected"
    if total < ENOUGH or share < LOSSY:
        return ok("network", text)
    told = ", ".join(f"{count} {word}" for word, count in repeats.items() if count)
    return warn(
        "network",
        f"{text} ({share:.0%}: {told})",
        "packets get lost on the way: errors of the switch's port, duplex, a port that "
        "the BMC shares with its host",
    )
