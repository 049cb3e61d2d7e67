"""Kinds of receivers: the configuration, its reference and the senders follow them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from solrecd.alerts import Alert, Notice, Phase
from solrecd.alerts.senders.hook import Hook
from solrecd.alerts.senders.kind import ReceiverKind
from solrecd.alerts.senders.sender import Tools
from solrecd.alerts.senders.table import RECEIVERS, sender_for
from solrecd.alerts.senders.webhook import Webhook
from solrecd.config import (
    ConfigError,
    Key,
    ReceiverConfig,
    Source,
    TableKind,
    parse,
)
from solrecd.config.alert_keys import NOTIFYING, SELECTING
from solrecd.config.options import OptionReader
from solrecd.config.tables import tables
from solrecd.config.values import text
from solrecd.sources.table import CONSOLE_KINDS
from tests.support.alerting import EPOCH, event, receiver
from tools.reference import reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Pigeon:
    loft: str
    rings: str = "one"


def pigeon(options: OptionReader) -> Pigeon:
    if options.values("rings") == {"rings": "none"}:
        options.note("rings", "a pigeon has one")
    return Pigeon(**options.values("loft", "rings"))


PIGEONS = {
    "pigeon": TableKind(
        name="pigeon",
        help="Carrier pigeons.",
        keys={
            "loft": Key(text(max_bytes=10), "Where they live.", example="roof"),
            "rings": Key(text(max_bytes=10), "What they wear."),
        },
        required="loft",
        options=Pigeon,
        build=pigeon,
    )
}


def read(keys: str) -> ReceiverConfig:
    source = Source("c.toml", f'[alerts.bird]\ntype = "pigeon"\n{keys}')
    config = parse([source], consoles=CONSOLE_KINDS, receivers=PIGEONS)
    return config.alerts["bird"]


def test_the_configuration_takes_a_kind_that_it_has_never_heard_of() -> None:
    bird = read('loft = "roof"\ndamping = "off"')

    assert bird.target == Pigeon(loft="roof", rings="one")
    assert bird.damping is None


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("", "c.toml:1: alerts.bird: has no loft"),
        ("loft = 3", "c.toml:3: alerts.bird.loft: found 3"),
        ('loft = "a"\nrings = "none"', "c.toml:4: alerts.bird.rings: a pigeon has one"),
        ('loft = "a"\nurl = "x"', "c.toml:4: alerts.bird.url: unknown key"),
    ],
)
def test_mistakes_of_a_kind_are_told_with_their_place(keys: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(keys)

    assert str(caught.value).startswith(told)


def test_a_kind_has_a_table_of_its_own_in_the_reference() -> None:
    (found,) = [
        (table.header, [entry.name for entry in entries])
        for table, entries in reference(tables(CONSOLE_KINDS, PIGEONS))
        if table.path[:2] == ("alerts", "MY-PIGEON")
    ]

    assert found == ("[alerts.MY-PIGEON]", ["type", "loft", "rings"])


@pytest.mark.parametrize("kind", RECEIVERS.values(), ids=RECEIVERS)
def test_a_kind_has_options_and_keys_of_its_own(kind: ReceiverKind[object]) -> None:
    others = [one for one in RECEIVERS.values() if one is not kind]

    assert kind.options not in [one.options for one in others]
    assert kind.required in kind.keys
    assert kind.keys.keys().isdisjoint({"type", *SELECTING, *NOTIFYING})
    assert kind.defaults.keys() - kind.keys.keys() <= {"http"}


def test_what_waits_goes_on_to_the_next_sender_of_the_same_kind_alone() -> None:
    tools = Tools(lambda: EPOCH, "host", Path("/nonexistent"), random.Random(0))
    program = receiver(target=Hook(command=("/bin/true",)))
    server = receiver(target=Webhook(url="http://127.0.0.1:9"))
    old, another, new = (sender_for(one, tools) for one in (program, server, program))
    old.offer([Notice(Phase.FIRING, Alert(event(), EPOCH), EPOCH)])

    another.follow(old)
    assert (old.waiting, another.waiting) == (1, 0)

    new.follow(old)
    assert (old.waiting, new.waiting) == (0, 1)
