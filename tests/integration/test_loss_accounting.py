"""Promise 2 as a property: whatever happens, what is missing is marked, nothing else.

A schedule of faults is generated and played against a simulated BMC in virtual time.
Its machine prints numbered lines, so the recording shows by itself what is missing;
its ledger knows what was acknowledged and what was dropped.
"""

from __future__ import annotations

import dataclasses
import re
from typing import NamedTuple

import pytest
import trio
from hypothesis import HealthCheck, given, settings, strategies as st
from trio.testing import MockClock

from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.faults import Faults, Mishap
from solrecd.simbmc.ledger import Drop, Ledger
from solrecd.simbmc.machine import Machine, NumberedLines
from solrecd.simbmc.options import BmcOptions
from solrecd.simbmc.payload import GiveUp, Overflow, SolSettings
from solrecd.sources.ipmi.options import OnConflict
from tests.reliability.losses import Text, find_losses
from tests.support.configs import bmc_console
from tests.support.golden import RULES
from tests.support.virtual_site import EPOCH, VirtualSite

NAME = "node1"
BUFFER = 1024
RATE = 8.0
"""Packets of 128 bytes a second: the buffer is full after one."""

REACH = BUFFER + 512
"""Bytes between a mark and its loss: the buffer, a packet, a line."""

RECOVERY = 150.0
"""Seconds until everything is well again: a minute of back-off, and a BMC that keeps a
dead session for another."""

SETTINGS = SolSettings(buffer_size=BUFFER, retry_interval=0.3)
KINDS = (
    SETTINGS,
    dataclasses.replace(SETTINGS, overflow=Overflow.SKIP),
    dataclasses.replace(SETTINGS, give_up=GiveUp.BACKLOG, overflow=Overflow.SKIP),
    dataclasses.replace(SETTINGS, grows=False, retry_growth=1.5),
)

CONFIG = bmc_console(
    NAME,
    keepalive=3.0,
    on_conflict=OnConflict.TAKE,
    on_stolen=OnConflict.TAKE,
)

ENDINGS = {Mishap.STEAL: Mishap.RELEASE, Mishap.MUTE: Mishap.UNMUTE}
MISHAPS = (
    Mishap.RESET,
    Mishap.DEACTIVATE,
    Mishap.FORGET_SESSIONS,
    Mishap.POWER_CYCLE,
    *ENDINGS,
)


class Step(NamedTuple):
    """Something goes wrong ``after`` so many seconds, and ``lasts`` so many."""

    after: float
    what: Mishap | str
    lasts: float


STEPS = st.lists(
    st.builds(
        Step,
        after=st.floats(0.1, 12),
        what=st.sampled_from([*MISHAPS, "dark", "noisy network", "journal full"]),
        lasts=st.floats(0.1, 15),
    ),
    min_size=1,
    max_size=6,
)


def make_site(kind: SolSettings, seed: int) -> VirtualSite:
    """Return a console whose machine prints numbered lines forever."""
    machine = Machine(NumberedLines(NAME, rate=RATE, size=128))
    options = BmcOptions(sol=kind, session_slots=100)
    bmc = Bmc(options, machine, ledger=Ledger(keep=1 << 30))
    return VirtualSite(bmc, CONFIG, RULES, seed)


async def play(kind: SolSettings, seed: int, steps: list[Step]) -> VirtualSite:
    """Let it all happen, and then everything be well again."""
    site = make_site(kind, seed)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(site.run)
        await trio.sleep(3)
        for step in steps:
            await trio.sleep(step.after)
            begin(site, step.what)
            await trio.sleep(step.lasts)
            end(site, step.what)
        await trio.sleep(RECOVERY)
        nursery.cancel_scope.cancel()
    return site


def begin(site: VirtualSite, what: Mishap | str) -> None:
    """Let something go wrong."""
    match what:
        case Mishap():
            site.wire.inject(what)
        case "dark":
            site.wire.faults = Faults(loss=1)
        case "noisy network":
            site.wire.faults = Faults(
                loss=0.3, duplication=0.3, corruption=0.2, jitter=0.05
            )
        case _:
            site.stream.is_full = True


def end(site: VirtualSite, what: Mishap | str) -> None:
    """Let it be over."""
    if isinstance(what, Mishap):
        if what in ENDINGS:
            site.wire.inject(ENDINGS[what])
        return
    site.wire.faults = Faults()
    site.stream.is_full = False


def run(kind: SolSettings, seed: int, steps: list[Step]) -> VirtualSite:
    """Play in virtual time."""
    clock = MockClock(autojump_threshold=0)
    return trio.run(play, kind, seed, steps, clock=clock)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(kind=st.sampled_from(KINDS), steps=STEPS, seed=st.integers(0, 1000))
def test_what_is_missing_is_marked_and_nothing_else(
    kind: SolSettings, steps: list[Step], seed: int
) -> None:
    site = run(kind, seed, steps)

    text = Text.parse(site.log(), NAME)
    found = find_losses(text, reach=REACH)
    assert found.unmarked == []
    if site.wire.bmc.ledger.dropped[Drop.OVERFLOW] > len(b"\r\n"):
        # A line end that is missing alone is marked, and cannot be seen in the text.
        assert found.false_marks == []
    else:
        assert len(found.false_marks) <= 2


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(kind=st.sampled_from(KINDS), steps=STEPS, seed=st.integers(0, 1000))
def test_notes_events_and_counters_tell_the_same(
    kind: SolSettings, steps: list[Step], seed: int
) -> None:
    site = run(kind, seed, steps)

    notes = [text for _, _, text in site.told.notes if text.startswith("gap: ")]
    site.console.check(EPOCH)
    events = site.told.gaps()
    metrics = site.metrics.console(NAME, {})
    assert len(notes) == events.total()
    assert events == metrics.gaps


def lines(data: bytes) -> list[bytes]:
    """Return the whole numbered lines; what was cut at a loss is none."""
    return re.findall(rb"node1 \d{8} #{47}\r\n", data)


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_acknowledged_is_recorded_once_and_in_order(kind: SolSettings) -> None:
    dark = [Step(2, "dark", 8), Step(5, "journal full", 6), Step(5, "dark", 0.5)]

    site = run(kind, 1, dark)

    ledger = site.wire.bmc.ledger
    recorded = lines(bytes(site.stream.data))
    assert recorded == sorted(set(recorded))
    # Also what we have and the BMC gave up, because it never saw our ACK.
    assert set(lines(bytes(ledger.kept))) <= set(recorded)
    assert len(recorded) > 500
    assert ledger.dropped.total() > 0


async def print_all(pieces: list[bytes]) -> VirtualSite:
    """Let a machine that is silent otherwise print these, on a bad network."""
    site = VirtualSite(Bmc(), CONFIG, RULES, 1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(site.run)
        await trio.sleep(3)
        site.wire.faults = Faults(loss=0.1, duplication=0.1, corruption=0.1)
        for piece in pieces:
            site.wire.print(piece)
            await trio.sleep(0.1)
        site.wire.faults = Faults()
        await trio.sleep(5)
        nursery.cancel_scope.cancel()
    return site


@settings(max_examples=25, deadline=None)
@given(pieces=st.lists(st.binary(min_size=1, max_size=400), max_size=12))
def test_noise_on_the_line_is_recorded_as_it_is_and_is_no_loss(
    pieces: list[bytes],
) -> None:
    site = trio.run(print_all, pieces, clock=MockClock(autojump_threshold=0))

    site.console.interpret()

    assert bytes(site.stream.data) == b"".join(pieces)
    assert site.told.notes == []
