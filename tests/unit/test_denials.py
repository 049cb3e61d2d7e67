"""What was refused: all of it counted, little of it written."""

import pytest
import structlog.testing

from solrecd.api.denials import (
    LINES,
    LINES_OF_A_PEER,
    PERIOD,
    Denial,
    DenialReason,
    Denials,
)
from solrecd.process.access import Role


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def denial(peer: str = "192.0.2.7:1") -> Denial:
    return Denial(reason=DenialReason.ROLE, peer=peer, principal="a", needed=Role.ADMIN)


def test_a_denial_is_told_with_all_that_is_known(clock: Clock) -> None:
    with structlog.testing.capture_logs() as lines:
        Denials(clock).add(denial())

    assert lines == [
        {
            "event": "access.denied",
            "log_level": "warning",
            "reason": DenialReason.ROLE,
            "peer": "192.0.2.7:1",
            "principal": "a",
            "needed": Role.ADMIN,
        }
    ]


def test_every_reason_is_counted_from_the_start(clock: Clock) -> None:
    denials = Denials(clock)

    denials.add(denial())

    assert set(denials.counts) == set(DenialReason)
    assert denials.counts[DenialReason.ROLE] == 1
    assert denials.counts[DenialReason.UNKNOWN] == 0


def test_a_scanner_is_logged_a_few_times_and_hides_no_other(
    clock: Clock,
) -> None:
    denials = Denials(clock)

    with structlog.testing.capture_logs() as lines:
        for _ in range(100):
            denials.add(denial("scanner"))
        denials.add(denial("colleague"))

    assert len(lines) == LINES_OF_A_PEER + 1
    assert lines[-1]["peer"] == "colleague"
    assert lines[-1]["left_out"] == 100 - LINES_OF_A_PEER
    assert denials.counts[DenialReason.ROLE] == 101


def test_a_scanner_with_many_addresses_does_not_fill_the_disk(clock: Clock) -> None:
    denials = Denials(clock)

    with structlog.testing.capture_logs() as lines:
        for number in range(10_000):
            denials.add(denial(f"peer {number}"))

    assert len(lines) == LINES
    assert denials.counts[DenialReason.ROLE] == 10_000


def test_after_a_while_there_are_lines_again(clock: Clock) -> None:
    denials = Denials(clock)
    with structlog.testing.capture_logs() as lines:
        for _ in range(10):
            denials.add(denial())
        clock.now += PERIOD

        denials.add(denial())

    assert len(lines) == LINES_OF_A_PEER + 1
    assert lines[-1]["left_out"] == 10 - LINES_OF_A_PEER
