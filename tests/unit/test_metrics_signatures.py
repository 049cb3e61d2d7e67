"""A crash that spreads: the same signature on several machines."""

from solrecd.events.event import Event, Kind, Severity
from solrecd.metrics.signatures import (
    FORGOTTEN_AFTER,
    REMEMBERED,
    SPREADS_WITHIN,
    Signatures,
)

HOUR = 3_600_000_000


def crash(
    console: str,
    at: int = 0,
    *,
    signature: str | None = "51a",
    severity: Severity = Severity.FATAL,
) -> Event:
    return Event(
        at, console, Kind.FAILURE, "panic", severity, "title", signature=signature
    )


def test_a_second_machine_counts_and_others_after_it_do_not() -> None:
    seen = Signatures()

    spreads = [seen.spreads(crash(name)) for name in ("n1", "n2", "n3", "n1")]

    assert spreads == [False, True, False, False]


def test_one_machine_alone_never_counts() -> None:
    seen = Signatures()

    assert not any(seen.spreads(crash("n1", hour * HOUR)) for hour in range(100))


def test_other_crashes_do_not_add_up() -> None:
    seen = Signatures()

    assert not seen.spreads(crash("n1", signature="a"))
    assert not seen.spreads(crash("n2", signature="b"))
    assert not seen.spreads(crash("n1", signature=None))
    assert not seen.spreads(crash("n2", signature=None))


def test_what_is_no_crash_does_not_count() -> None:
    seen = Signatures()

    assert not seen.spreads(crash("n1", severity=Severity.ERROR))
    assert not seen.spreads(crash("n2", severity=Severity.ERROR))


def test_a_machine_that_comes_too_late_is_the_first_of_another_outbreak() -> None:
    seen = Signatures()
    late = SPREADS_WITHIN + 1

    assert not seen.spreads(crash("n1"))
    assert not seen.spreads(crash("n2", late))
    assert seen.spreads(crash("n3", late + SPREADS_WITHIN))


def test_an_outbreak_counts_again_after_a_day_without_it() -> None:
    seen = Signatures()
    seen.spreads(crash("n1"))
    seen.spreads(crash("n2"))
    later = FORGOTTEN_AFTER + 1

    assert not seen.spreads(crash("n3", later))
    assert seen.spreads(crash("n4", later))


def test_memory_is_bounded_and_the_oldest_goes() -> None:
    seen = Signatures()

    seen.spreads(crash("n1", signature="first"))
    for number in range(REMEMBERED):
        seen.spreads(crash("n1", signature=str(number)))

    assert not seen.spreads(crash("n2", signature="first"))
    assert seen.spreads(crash("n2", signature=str(REMEMBERED - 1)))
