"""Simulated BMCs in the machine's network, served by a thread of the test."""

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import trio

from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.faults import Mishap
from solrecd.simbmc.fleet import Fleet, Member
from solrecd.simbmc.ledger import Drop, Ledger
from solrecd.simbmc.machine import Machine as Host, NumberedLines
from solrecd.simbmc.options import BmcOptions, User
from solrecd.simbmc.payload import SolSettings
from tests.support.ipmi_sim import IpmiSim
from tests.systemd.nspawn import Machine
from tests.systemd.service import PATIENCE, Service, console, wait_until

PASSWORD = "secret"

FULL_RATE = 90.0
"""Packets of 128 bytes a second: 115200 baud."""

_BUFFER = 1 << 18
"""Bytes that a BMC keeps for a reader who is away; no test keeps it waiting so long."""


@contextmanager
def foreign_bmc(machine: Machine, folder: Path) -> Iterator[IpmiSim]:
    """Run ipmi_sim in a machine's network."""
    with ExitStack() as stack:
        with machine.network():
            bmc = stack.enter_context(IpmiSim(folder, history=65536))
        yield bmc


class Bmcs:
    """A fleet; a context manager that serves it.

    Args:
        machine: whose network it is in.
        count: how many.
        rate: bursts of 128 bytes a second that each host prints.
    """

    def __init__(
        self, machine: Machine, count: int = 1, rate: float = FULL_RATE
    ) -> None:
        self._machine = machine
        self._bmcs = {f"n{n:04d}": _bmc(f"n{n:04d}", rate) for n in range(count)}
        self._members: dict[str, Member] = {}
        self._fleet: Fleet | None = None
        self._token: trio.lowlevel.TrioToken | None = None
        self._scope = trio.CancelScope()
        self._serving = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        """Return once all of them listen."""
        self._thread.start()
        self._serving.wait()
        assert self._token is not None, "the BMCs cannot be served"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Switch them off."""
        self._call(self._scope.cancel)
        self._thread.join()

    def _run(self) -> None:
        try:
            with self._machine.network():
                trio.run(self._serve)
        finally:
            self._serving.set()

    async def _serve(self) -> None:
        with Fleet(seed=4) as self._fleet, self._scope:
            for name, bmc in self._bmcs.items():
                self._members[name] = self._fleet.add(bmc)
            async with trio.open_nursery() as nursery:
                await nursery.start(self._fleet.run)
                self._token = trio.lowlevel.current_trio_token()
                self._serving.set()

    def _call(self, act: Callable[..., object], *arguments: object) -> None:
        assert self._token is not None
        trio.from_thread.run_sync(act, *arguments, trio_token=self._token)

    def __getitem__(self, name: str) -> Bmc:
        """Return a BMC."""
        return self._bmcs[name]

    @property
    def names(self) -> list[str]:
        """Of the consoles."""
        return list(self._bmcs)

    def configuration(self, names: Collection[str] | None = None) -> str:
        """Return the tables of some consoles, or of all."""
        return "".join(
            console(name, f"{member.host}:{member.port}")
            for name, member in self._members.items()
            if names is None or name in names
        )

    def inject(self, name: str, mishap: Mishap) -> None:
        """Let something happen to a BMC."""
        member = self._members[name]

        def happen() -> None:
            assert self._fleet is not None
            member.bmc.inject(mishap, trio.current_time())
            self._fleet.poke(member)

        self._call(happen)

    # What the BMCs know.

    @property
    def owners(self) -> dict[str, int | None]:
        """Session IDs of those who have the consoles."""
        return {name: bmc.controller.owner for name, bmc in self._bmcs.items()}

    @property
    def sessions(self) -> int:
        """How many sessions there are on all of them."""
        return sum(len(bmc.controller.sessions) for bmc in self._bmcs.values())

    def dropped(self, name: str) -> dict[Drop, int]:
        """Return how many bytes a BMC threw away, by reason."""
        return dict(self._bmcs[name].ledger.dropped)

    def all_have_owners(self) -> bool:
        """Whether every console is being recorded."""
        return all(owner is not None for owner in self.owners.values())

    @property
    def acknowledged(self) -> dict[str, int]:
        """Bytes that each BMC was told to have arrived."""
        return {name: bmc.ledger.acknowledged for name, bmc in self._bmcs.items()}

    def have_caught_up(self) -> bool:
        """Whether nothing but the latest output waits to be acknowledged."""
        ledgers = [bmc.ledger for bmc in self._bmcs.values()]
        return all(
            it.printed - sum(it.dropped.values()) - it.acknowledged < _BEHIND
            for it in ledgers
        )


_BEHIND = 4096
"""Bytes, a third of a second of a host's output at full rate."""


def _bmc(name: str, rate: float) -> Bmc:
    options = BmcOptions(
        users=(User(b"recorder", PASSWORD.encode()),),
        sol=SolSettings(buffer_size=_BUFFER),
    )
    source = NumberedLines(name, rate=rate, size=128, total=None)
    return Bmc(options, Host(source), ledger=Ledger())


def record(service: Service, bmcs: Bmcs, seconds: float = PATIENCE) -> None:
    """Configure and start the service; return when it records every BMC."""
    service.configure(bmcs.configuration())
    service.systemctl("start")
    wait_until_recorded(service, bmcs, seconds)


def wait_until_recorded(
    service: Service, bmcs: Bmcs, seconds: float = PATIENCE
) -> None:
    """Wait until something from every BMC was taken from now on."""
    before = bmcs.acknowledged
    wait_until(
        lambda: all(now > before[name] for name, now in bmcs.acknowledged.items()),
        lambda: service.messages,
        seconds,
    )
