"""Simulated BMCs in this process, and a daemon in another one that records them."""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import trio

from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.faults import Faults
from solrecd.simbmc.fleet import Fleet, Member
from solrecd.simbmc.ledger import Ledger
from solrecd.simbmc.machine import Machine, NumberedLines
from solrecd.simbmc.options import BmcOptions
from solrecd.simbmc.payload import SolSettings
from tests.support.recorder import Recorder
from tests.support.simulators import PASSWORD, USERNAME

LINE_RATE = 90.0
"""Packets of 128 bytes a second: 115200 baud."""

SLOTS = 10_000
"""Sessions per BMC: those of killed daemons linger for a minute."""

PATIENCE = 60.0
"""Seconds for what normally takes a few."""

_DEFAULTS = f"""
[defaults]
username = "{USERNAME}"
password = "{PASSWORD}"
on_conflict = "take"
on_stolen = "take"
"""


@dataclass(frozen=True, slots=True)
class Load:
    """How much the machines print."""

    consoles: int
    rate: float = LINE_RATE
    """Bursts per second."""
    size: int = 128
    """Bytes per burst."""
    keep: int = 0
    """Acknowledged bytes that each BMC remembers."""


Habits = SolSettings | BmcOptions
"""What a BMC does: with its payload, or altogether."""


def make_bmc(name: str, load: Load, habits: Habits, seed: int = 0) -> Bmc:
    """Return a BMC whose machine prints numbered lines."""
    rng = random.Random(f"{seed}/{name}")
    source = NumberedLines(name, rate=load.rate, size=load.size, phase=rng.random())
    if isinstance(habits, SolSettings):
        habits = BmcOptions(sol=habits)
    options = dataclasses.replace(habits, session_slots=SLOTS)
    return Bmc(options, Machine(source), rng=rng, ledger=Ledger(keep=load.keep))


@asynccontextmanager
async def simulated(
    load: Load,
    habits: Habits | Sequence[Habits],
    *,
    faults: Faults = Faults(),  # noqa: B008 - frozen
    seed: int = 0,
) -> AsyncIterator[tuple[Fleet, Mapping[str, Member]]]:
    """Serve a fleet; yield it and its members by console.

    Args:
        load: how much is printed.
        habits: of all BMCs, or of one after the other, over and over.
        faults: of the network.
        seed: of all random decisions.
    """
    kinds = habits if isinstance(habits, Sequence) else [habits]
    with Fleet(seed=seed) as fleet:
        names = [f"n{number:04d}" for number in range(load.consoles)]
        members = {
            name: fleet.add(make_bmc(name, load, kind, seed), faults=faults)
            for name, kind in zip(names, itertools.cycle(kinds), strict=False)
        }
        async with trio.open_nursery() as nursery:
            await nursery.start(fleet.run)
            yield fleet, members
            nursery.cancel_scope.cancel()


@contextmanager
def recorder_of(
    directory: Path,
    members: Mapping[str, Member],
    daemon_settings: str = "",
    defaults: str = "",
    tables: str = "",
) -> Iterator[Recorder]:
    """Configure a daemon for these BMCs; it does not run yet.

    Args:
        directory: a folder of its own.
        members: BMCs by console.
        daemon_settings: more keys of the ``[daemon]`` table.
        defaults: more keys of the ``[defaults]`` table.
        tables: more tables.
    """
    consoles = (
        f'[console.{name}]\nbmc = "{member.host}:{member.port}"\n'
        for name, member in members.items()
    )
    with TemporaryDirectory(dir="/dev/shm") as memory, Recorder(directory) as recorder:
        recorder.journal = Path(memory) / "journal"
        settings = f'journal = "{recorder.journal}"\n{daemon_settings}'
        recorder.configure(settings + _DEFAULTS + defaults + tables + "".join(consoles))
        yield recorder


async def until_acknowledged(
    recorder: Recorder,
    members: Mapping[str, Member],
    count: int,
    patience: float = PATIENCE,
) -> None:
    """Wait until each BMC has got rid of so many more bytes.

    Raises:
        AssertionError: some did not, or the daemon has ended; the text has its words.
    """
    ledgers = {name: member.bmc.ledger for name, member in members.items()}
    waiting = {name: one.acknowledged + count for name, one in ledgers.items()}
    with trio.move_on_after(patience):
        while waiting and not recorder.has_ended:
            await trio.sleep(0.05)
            waiting = {
                name: goal
                for name, goal in waiting.items()
                if ledgers[name].acknowledged < goal
            }
    words = recorder.messages[-4000:]
    assert not waiting, f"{len(waiting)} consoles wait: {list(waiting)[:5]}\n{words}"
