"""A person at a real machine: its menu, its shell, its power, through our session.

ipmi_sim is the BMC, QEMU the machine, a pty the terminal.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.e2e.lab.machine import Machine, Scenario
from tests.e2e.lab.media import Media
from tests.support.attached import Person, solrecctl
from tests.support.ipmi_sim import PASSWORD, USERNAME
from tests.support.recorder import Recorder, wait_until

CONFIGURATION = f"""
[defaults]
username = "{USERNAME}"
password = "{PASSWORD}"
cipher_suites = [3]
quirks = ["opensesspriv"]
[console.node1]
bmc = "{{address}}"
"""

BOOT = 300.0
"""Seconds for an emulated machine to boot."""

DOWN = b"\x1b[B"


@dataclass(frozen=True, slots=True)
class Site:
    """A machine that is off, and the daemon that holds its console."""

    recorder: Recorder
    machine: Machine

    def boots(self) -> list[dict[str, object]]:
        """Return the machine's boots."""
        return self.recorder.boots("node1")


@pytest.fixture
def site(media: Media, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("attach")
    with ExitStack() as stack:
        recorder = stack.enter_context(Recorder(folder / "solrecd"))
        machine = stack.enter_context(Machine(folder / "m", media, Scenario.LOGIN))
        recorder.configure(CONFIGURATION.format(address=machine.bmc.address))
        recorder.start()
        assert recorder.wait_session("node1", "up")["session"] == "up"
        yield Site(recorder, machine)


async def test_a_person_boots_logs_in_crashes_and_power_cycles_a_machine(
    site: Site,
) -> None:
    control = site.recorder.directory / "control.sock"

    async with solrecctl(control, ["attach", "node1"]) as person:
        await person.sees(b"for help")
        await switch_on(person)
        await choose_second_entry(person)
        await person.sees(b"labnode login: ", seconds=BOOT)
        await person.sees(b"end Kernel panic", seconds=BOOT)
        person.type(b"&pcycle\r")
        await person.sees(b"labnode login: ", seconds=BOOT)
        person.type(b"root\r")
        await person.sees(b"# ")
        person.type(b"echo $((6*7))$((6*7))\r")
        await person.sees(b"4242")
        person.type(b"&.")
        status = await person.leaves()

    boots = wait_until(site.boots, outcomes_are_known, seconds=120)
    assert status == 0
    assert [boot["outcome"] for boot in boots] == ["failed", "ok"]
    assert [boot["cause"] for boot in boots] == ["power_on", "power_cycle"]
    assert [event["name"] for event in operator_events(site)] == [
        "attached",
        "power_on",
        "power_cycle",
        "detached",
    ]


def outcomes_are_known(boots: list[dict[str, object]]) -> bool:
    """Whether the index knows of both boots what became of them."""
    return len(boots) >= 2 and boots[-1]["outcome"] != "running"


async def switch_on(person: Person) -> None:
    """Switch the power on, from the terminal that is attached."""
    person.type(b"&p")
    await person.sees(b"Enter for nothing:")
    person.type(b"on\r")


async def choose_second_entry(person: Person) -> None:
    """Stop GRUB's countdown with an arrow key; the second entry crashes."""
    await person.sees(b"GNU GRUB", seconds=BOOT)
    person.type(DOWN)
    await person.sees(b"(crash)")
    person.type(b"\r")


def operator_events(site: Site) -> list[dict[str, object]]:
    """Return what people did."""
    return site.recorder.solrecctl("events", "node1", "--kind", "operator")
