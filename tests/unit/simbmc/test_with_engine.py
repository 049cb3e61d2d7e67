"""Our session against our BMC: one wire, every kind of bad weather."""

from __future__ import annotations

import pytest

from solrecd.events.gaps import GapReason
from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.faults import Faults, Mishap
from solrecd.simbmc.ledger import Ledger
from solrecd.simbmc.machine import Machine, NumberedLines, numbered
from solrecd.simbmc.options import BmcOptions
from solrecd.simbmc.payload import Overflow, SolSettings
from solrecd.sources.ipmi.protocol.events import (
    LoggedIn,
    SessionEvent,
    SolActivated,
    SolLoss,
)
from solrecd.sources.ipmi.protocol.options import SessionOptions
from tests.support.simulated_wire import SimulatedWire

TOTAL = 8_000
"""Bytes that the host prints in each run."""


def wire(
    faults: Faults,
    *,
    seed: int = 0,
    options: BmcOptions | None = None,
    suites: tuple[int, ...] = (17, 3),
    kg: bytes | None = None,
) -> SimulatedWire:
    """Return a session, opened, and a BMC whose host prints `TOTAL` numbered bytes."""
    options = options or BmcOptions(sol=SolSettings(buffers_without_owner=True))
    machine = Machine(NumberedLines("n1", rate=20.0, size=100, total=TOTAL))
    bmc = Bmc(options, machine, ledger=Ledger(keep=TOTAL))
    session = SessionOptions(
        username=b"recorder", password=b"secret", cipher_suites=suites, kg=kg
    )
    made = SimulatedWire(bmc, session, faults, seed)
    made.session.open(0.0)
    return made


def is_delivered(made: SimulatedWire) -> bool:
    return made.bmc.ledger.acknowledged == TOTAL


@pytest.mark.parametrize("suite", [3, 17])
@pytest.mark.parametrize("kg", [None, b"a key of the BMC"])
def test_every_byte_arrives_on_a_good_wire(suite: int, kg: bytes | None) -> None:
    options = BmcOptions(kg=kg, sol=SolSettings(buffers_without_owner=True))

    made = wire(Faults(), options=options, suites=(suite,), kg=kg)
    made.run(lambda: is_delivered(made))

    assert bytes(made.recorded) == numbered("n1", 0, TOTAL)
    assert bytes(made.bmc.ledger.kept) == made.recorded
    assert not made.saw(SolLoss)


@pytest.mark.parametrize("seed", range(8))
def test_bad_weather_costs_time_but_no_bytes(seed: int) -> None:
    faults = Faults(
        loss=0.1,
        duplication=0.1,
        reordering=0.1,
        corruption=0.05,
        delay=0.01,
        jitter=0.02,
    )

    made = wire(Faults(), seed=seed)
    made.run(lambda: made.saw(LoggedIn))
    made.faults = faults
    made.run(lambda: is_delivered(made))

    assert bytes(made.recorded) == numbered("n1", 0, TOTAL)
    assert not made.saw(SolLoss)


@pytest.mark.parametrize(
    ("overflow", "reason"),
    [
        (Overflow.OVERRUN, GapReason.OVERRUN),
        (Overflow.SKIP, GapReason.SKIPPED),
    ],
)
def test_a_full_buffer_is_marked_where_the_bmc_says_so(
    overflow: Overflow, reason: GapReason
) -> None:
    sol = SolSettings(overflow=overflow, buffer_size=1000, retry_interval=3.0)
    made = wire(Faults(blackouts=((1.0, 4.0),)), options=BmcOptions(sol=sol))

    made.run(lambda: made.now > 30.0)

    reasons = {event.reason for event in made.events if isinstance(event, SolLoss)}
    assert reasons == {reason}
    assert bytes(made.recorded) == bytes(made.bmc.ledger.kept)
    assert 0 < len(made.recorded) < TOTAL


@pytest.mark.parametrize(
    "mishap", [Mishap.STEAL, Mishap.DEACTIVATE, Mishap.RESET, Mishap.FORGET_SESSIONS]
)
def test_a_mishap_does_not_pass_unnoticed(mishap: Mishap) -> None:
    made = wire(Faults())
    made.run(lambda: made.saw(SolActivated))
    before = len(made.events)

    made.bmc.inject(mishap, made.now)
    made.run(lambda: _said_bad_news(made.events[before:]), limit=120.0)

    assert made.saw(LoggedIn)


def _said_bad_news(events: list[SessionEvent]) -> bool:
    names = {"SolStolen", "SolDeactivated", "SessionLost"}
    return any(type(event).__name__ in names for event in events)
