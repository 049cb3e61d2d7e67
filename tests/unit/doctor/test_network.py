"""A management network that loses packets is seen by what was sent twice."""

from __future__ import annotations

from dataclasses import replace

from solrecd.events.sessions import SessionState
from solrecd.events.wire_counts import Repeat, WireCounts
from solrecd.sources.findings import Verdict
from solrecd.sources.ipmi.doctor.findings import Readings, Subject
from solrecd.sources.ipmi.doctor.network import network

SUBJECT = Subject(name="n1", bmc="n1-bmc", username="ADMIN")


def counted(
    received: int, repeats: int = 0, *, rejected: int = 0, send_errors: int = 0
) -> Subject:
    """Return a subject with such numbers."""
    counts = WireCounts(received, rejected, send_errors)
    for _ in range(repeats):
        counts.repeated(Repeat.OUTPUT)
    return replace(SUBJECT, network=counts.as_dict())


def test_nothing_is_said_before_anything_came() -> None:
    assert list(network(SUBJECT, Readings())) == []


def test_a_few_repeats_are_no_reason_to_worry() -> None:
    (finding,) = network(counted(10_000, 9), Readings())

    assert finding.verdict is Verdict.OK
    assert finding.text == "9 of 10000 packets were sent twice"


def test_a_network_that_loses_packets_is_warned_of() -> None:
    (finding,) = network(counted(1000, 40, rejected=3), Readings())

    assert finding.verdict is Verdict.WARN
    assert finding.text == (
        "40 of 1000 packets were sent twice, 3 were rejected (4%: 40 output)"
    )
    assert "switch" in finding.cure


def test_what_could_not_be_sent_is_warned_of() -> None:
    first, _ = network(counted(1000, send_errors=7), Readings())

    assert (first.verdict, first.text) == (
        Verdict.WARN,
        "7 datagrams could not be sent",
    )


def test_strangers_matter_where_there_is_no_session() -> None:
    subject = replace(SUBJECT, strangers=5, session=SessionState.DOWN)

    (finding,) = network(subject, Readings())

    assert finding.check == "strangers"
    assert list(network(replace(subject, session=SessionState.UP), Readings())) == []
