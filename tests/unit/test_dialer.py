"""What the dialer counts over all sessions, also those that have ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from solrecd.sources.ipmi.link.dialer import Dialer
from solrecd.sources.ipmi.link.hub import Hub
from solrecd.sources.ipmi.protocol.packets import Rejection
from tests.support.unguarded import Unguarded


@dataclass
class Session:
    """A session, as far as it counts what it does not believe."""

    rejected: Mapping[Rejection, int] = field(default_factory=dict)


@dataclass
class Link:
    """A link with such a session."""

    session: Session


def make_dialer() -> Any:
    """Return a dialer that never dials."""
    return Dialer(Hub(lambda _seconds: None), 1, lambda _name: Unguarded())


def test_every_cause_counts_from_0_on() -> None:
    found = make_dialer().rejected()

    assert found == {cause.value: 0 for cause in Rejection} | {
        "stranger": 0,
        "excess": 0,
    }


def test_what_ended_sessions_did_not_believe_still_counts() -> None:
    dialer = make_dialer()

    dialer._remember("n1", Link(Session({Rejection.FORGED: 2})))
    dialer._remember("n2", Link(Session()))
    dialer._remember("n1", Link(Session({Rejection.FORGED: 1})))
    dialer._remember("n3", Link(Session({Rejection.REPLAYED: 5})))
    dialer.forget("n3")

    found = dialer.rejected()
    assert (found[Rejection.FORGED], found[Rejection.REPLAYED]) == (3, 5)
    assert sum(found.values()) == 8
    assert dialer.rejected() == found
