"""Fixtures for the tests with real parts; they are shared because they are slow."""

import pytest

from tests.e2e.lab import machine
from tests.e2e.lab.media import Media, prepare_media
from tests.support import ipmi_sim
from tests.support.peers import need


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is marked e2e."""
    for item in items:
        if "tests/e2e/" in item.path.as_posix():
            item.add_marker("e2e")


@pytest.fixture(scope="session")
def bmc_software() -> None:
    """OpenIPMI's BMC and ipmitool are installed."""
    need(ipmi_sim.MISSING, available=ipmi_sim.AVAILABLE)


@pytest.fixture(scope="session")
def media(bmc_software: None) -> Media:
    """What the lab's machines are started from."""
    need(machine.MISSING, available=machine.AVAILABLE)
    return prepare_media()
