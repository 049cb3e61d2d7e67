"""One machine for all tests, with solrecd installed in it as the README says."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.peers import need
from tests.systemd import handbook, nspawn
from tests.systemd.bmcs import PASSWORD
from tests.systemd.nspawn import CommandError, Machine
from tests.systemd.service import Service


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Return a machine that runs, with nothing installed."""
    reason = nspawn.missing()
    need(str(reason), available=reason is None)
    with ExitStack() as stack:
        booted = Machine(tmp_path_factory.mktemp("machine"))
        try:
            stack.enter_context(booted)
        except CommandError as error:
            need(f"systemd-nspawn does not run here; {error}", available=False)
        yield booted


@pytest.fixture(scope="session")
def installed(machine: Machine) -> None:
    """Install solrecd as the README says."""
    handbook.install(machine, PASSWORD)


@pytest.fixture
def service(machine: Machine, installed: None) -> Iterator[Service]:
    """Return the unit, stopped and with nothing recorded."""
    unit = Service(machine, "solrecd.service")
    unit.clear()
    yield unit
    unit.clear()
