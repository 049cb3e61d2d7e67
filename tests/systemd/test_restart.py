"""A restart is not an outage, under a real systemd."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from solrecd.console.session_tracker import BMC_BUFFERS
from solrecd.simbmc.machine import numbered
from solrecd.sources.ipmi.link import session_store
from tests.support import ipmi_sim
from tests.support.ipmi_sim import IpmiSim
from tests.support.peers import need
from tests.systemd.bmcs import Bmcs, foreign_bmc, record, wait_until_recorded
from tests.systemd.nspawn import SOURCE, Machine
from tests.systemd.poison import POISONS
from tests.systemd.rootfs import CHECKOUT
from tests.systemd.service import Service, console, pauses, wait_until

LOGIN = 5.0
"""Seconds after which a session is there again, whatever happened."""


@pytest.fixture
def bmcs(machine: Machine) -> Iterator[Bmcs]:
    """Return BMCs whose hosts print at full rate."""
    with Bmcs(machine, 4) as fleet:
        yield fleet


CASES: dict[str, tuple[Callable[[Service], None], str]] = {
    "restart": (Service.restart, ""),
    "restart-slowly": (Service.restart, "ExecStartPre=/bin/sleep 1"),
    "kill": (Service.kill, "RestartSec=0"),
    "kill-slowly": (Service.kill, "RestartSec=1"),
    "watchdog": (Service.stop_breathing, "WatchdogSec=1\nRestartSec=0"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_new_process_goes_on_with_every_session_and_every_byte(
    service: Service, bmcs: Bmcs, case: str
) -> None:
    act, settings = CASES[case]

    with service.changed(f"[Service]\n{settings}\n"):
        record(service, bmcs)
        unheard = {name: bmcs.dropped(name) for name in bmcs.names}
        owners = bmcs.owners
        for _ in range(2):
            act(service)
            wait_until(bmcs.have_caught_up, lambda: service.messages)
        same = bmcs.owners
        dropped = {name: bmcs.dropped(name) for name in bmcs.names}
        service.systemctl("stop")

    assert same == owners, service.messages
    assert dropped == unheard
    for name in bmcs.names:
        recorded, before = service.raw(name), sum(unheard[name].values())
        assert recorded == numbered(name, before, len(recorded))
        assert len(recorded) >= bmcs[name].ledger.acknowledged
        assert_only_long_pauses_are_gaps(service.text(name), 2)


def assert_only_long_pauses_are_gaps(log: str, restarts: int) -> None:
    """See that every restart kept the session, and what was marked beside."""
    too_long = sum(pause >= BMC_BUFFERS / 1_000_000 for pause in pauses(log))
    assert len(pauses(log)) == restarts
    assert log.count("# gap: ") <= too_long


def test_an_upgrade_that_knows_the_records_keeps_the_sessions(
    service: Service, bmcs: Bmcs
) -> None:
    record(service, bmcs)
    owners = bmcs.owners

    service.machine.run(
        f"""
        rm -rf /tmp/next && mkdir /tmp/next
        cp -r {SOURCE}/pyproject.toml {SOURCE}/README.md {SOURCE}/LICENSE \
            {SOURCE}/solrecd {SOURCE}/packaging /tmp/next
        sed -i 's/^__version__ = .*/__version__ = "99.0"/' /tmp/next/solrecd/__init__.py
        /opt/solrecd/bin/pip install --no-deps --upgrade /tmp/next
        """
    )
    service.restart()
    wait_until(bmcs.have_caught_up, lambda: service.messages)

    assert service.machine.run("solrecd --version") == "99.0 (pure Python)\n"
    assert bmcs.owners == owners, service.messages
    assert "session.resumed" in service.messages


def test_records_of_another_version_are_not_touched_and_not_waited_for(
    service: Service, bmcs: Bmcs
) -> None:
    record(service, bmcs)
    module = Path(session_store.__file__).relative_to(CHECKOUT)
    store = f"/opt/solrecd/lib/python3*/site-packages/{module}"

    for version in (77, 1):  # an upgrade, and the way back
        owners = bmcs.owners
        service.machine.run(
            f"sed -i 's/^_VERSION: .*/_VERSION: Final = {version}/' {store}"
        )
        service.restart()
        assert_logged_in_afresh(service, bmcs, owners)
    owners = bmcs.owners
    service.restart()
    wait_until(bmcs.have_caught_up, lambda: service.messages)

    assert bmcs.owners == owners, service.messages


def assert_logged_in_afresh(
    service: Service, bmcs: Bmcs, owners: dict[str, int | None]
) -> None:
    """See that every console gets another session, in time."""
    wait_until(
        lambda: all(
            new not in (None, owners[name]) for name, new in bmcs.owners.items()
        ),
        lambda: service.messages,
        seconds=LOGIN,
    )
    wait_until_recorded(service, bmcs)


@pytest.mark.parametrize("kind", POISONS)
def test_a_poisoned_store_is_dropped_and_its_ghosts_are_not_waited_for(
    service: Service, bmcs: Bmcs, kind: str
) -> None:
    record(service, bmcs)
    owners = bmcs.owners
    poison = f"/opt/solrecd/bin/python {SOURCE}/tests/systemd/poison.py {kind}"

    with service.changed(f"[Service]\nExecStart=\nExecStart={poison}\n"):
        service.restart()
    service.restart()
    assert_logged_in_afresh(service, bmcs, owners)
    owners = bmcs.owners
    service.restart()
    wait_until(bmcs.have_caught_up, lambda: service.messages)

    assert bmcs.owners == owners, service.messages
    assert service.show("NRestarts") == "0"
    assert "Traceback" not in service.messages


def test_without_dbus_a_restart_is_a_stop_and_a_start(
    service: Service, bmcs: Bmcs
) -> None:
    record(service, bmcs)
    owners = bmcs.owners

    service.machine.run("systemctl stop dbus.socket dbus.service")
    try:
        service.restart()
    finally:
        service.machine.run("systemctl start dbus.socket")

    assert_logged_in_afresh(service, bmcs, owners)
    assert bmcs.sessions == len(bmcs.names)


def test_a_stop_gives_the_consoles_back(service: Service, bmcs: Bmcs) -> None:
    record(service, bmcs)

    service.systemctl("stop")

    assert set(bmcs.owners.values()) == {None}
    assert bmcs.sessions == 0
    assert service.show("NFileDescriptorStore") == "0"


# A third-party BMC.


@pytest.fixture
def bmc(machine: Machine, tmp_path: Path) -> Iterator[IpmiSim]:
    """Return a running BMC, in the machine's network."""
    need(ipmi_sim.MISSING, available=ipmi_sim.AVAILABLE)
    with foreign_bmc(machine, tmp_path / "bmc") as simulator:
        yield simulator


def test_restarts_against_ipmi_sim_cost_no_byte_and_a_stop_frees_the_console(
    machine: Machine, service: Service, bmc: IpmiSim
) -> None:
    service.configure(
        console(
            "node1",
            bmc.address,
            username=ipmi_sim.USERNAME,
            password=ipmi_sim.PASSWORD,
        )
    )
    service.systemctl("start")
    wait_until(lambda: "state=up" in service.messages, lambda: service.messages)

    for act in (Service.restart, Service.kill) * 2:
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            bmc.wire.emit(b"a line of the console\r\n")
            time.sleep(0.01)
        act(service)
    wait_until(lambda: service.raw("node1") == bmc.wire.sent, lambda: service.messages)
    with machine.network():
        held = bmc.is_sol_active()
    service.systemctl("stop")
    with machine.network():
        free = not bmc.is_sol_active()

    assert (held, free) == (True, True)
    assert service.raw("node1") == bmc.wire.sent
    assert_only_long_pauses_are_gaps(service.text("node1"), 4)
