"""How long "I know" lasts."""

import pytest

from solrecd.console.acknowledgement import Acknowledgement
from solrecd.events.event import Event, Kind, Severity

GIVEN = Event(
    1_000_000,
    "node1",
    Kind.OPERATOR,
    "acknowledged",
    Severity.INFO,
    "alice acknowledged what is wrong",
    fields={"user": "alice"},
)


def event(kind: Kind, name: str, severity: Severity = Severity.INFO) -> Event:
    return Event(2_000_000, "node1", kind, name, severity, "something new")


@pytest.fixture
def acknowledgement() -> Acknowledgement:
    acknowledgement = Acknowledgement()
    acknowledgement.saw(GIVEN)
    return acknowledgement


def test_it_names_who_and_since_when(acknowledgement: Acknowledgement) -> None:
    assert acknowledgement.as_dict() == {
        "user": "alice",
        "since": "1970-01-01T00:00:01.000000Z",
    }


@pytest.mark.parametrize(
    "news",
    [
        event(Kind.FAILURE, "panic", Severity.FATAL),
        event(Kind.STAGE, "firmware"),
        event(Kind.STUCK, "stuck", Severity.ERROR),
        event(Kind.POWER, "off"),
        event(Kind.SESSION, "down", Severity.ERROR),
        event(Kind.OPERATOR, "unacknowledged"),
    ],
    ids=lambda news: f"{news.kind}-{news.name}",
)
def test_it_ends_with_what_is_new(
    acknowledgement: Acknowledgement, news: Event
) -> None:
    acknowledgement.saw(news)

    assert acknowledgement.as_dict() is None


@pytest.mark.parametrize(
    "other",
    [
        event(Kind.OPERATOR, "attached"),
        event(Kind.OPERATOR, "note"),
        event(Kind.SESSION, "up"),
        event(Kind.GAP, "session", Severity.WARNING),
    ],
    ids=lambda other: f"{other.kind}-{other.name}",
)
def test_it_outlives_what_says_nothing_of_the_machine(
    acknowledgement: Acknowledgement, other: Event
) -> None:
    acknowledgement.saw(other)

    assert acknowledgement.as_dict() is not None
