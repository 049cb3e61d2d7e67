"""What the journal holds of the daemon, read by systemd's own journalctl."""

import json
import shlex
from collections.abc import Iterator

import pytest

from solrecd.events.event import Kind
from solrecd.process.log.entries import MESSAGE_IDS
from tests.systemd.bmcs import Bmcs, record
from tests.systemd.nspawn import Machine
from tests.systemd.service import Service, wait_until


@pytest.fixture
def bmcs(machine: Machine) -> Iterator[Bmcs]:
    """Return a BMC whose host prints a little."""
    with Bmcs(machine, 1, rate=20) as fleet:
        yield fleet


def entries(service: Service, *matches: str) -> list[dict[str, str]]:
    """Return the entries of this start of the unit that have these fields."""
    run_id = service.show("InvocationID")
    asked = [f"_SYSTEMD_INVOCATION_ID={run_id}", *matches]
    words = " ".join(map(shlex.quote, asked))
    found = service.machine.run(f"journalctl --sync; journalctl -q -o json {words}")
    return [json.loads(line) for line in found.splitlines()]


def test_an_event_is_an_entry_whose_fields_can_be_asked_for(
    service: Service, bmcs: Bmcs
) -> None:
    record(service, bmcs)
    wanted = ("SOLRECD_CONSOLE=n0000", f"MESSAGE_ID={MESSAGE_IDS[Kind.SESSION]}")

    wait_until(lambda: entries(service, *wanted), lambda: service.messages)

    entry = entries(service, *wanted)[0]
    assert entry["_TRANSPORT"] == "journal"
    assert (entry["SOLRECD_KIND"], entry["SOLRECD_NAME"]) == ("session", "up")
    assert (entry["PRIORITY"], entry["SYSLOG_IDENTIFIER"]) == ("6", "solrecd")
    assert entry["_SYSTEMD_UNIT"] == "solrecd.service"


def test_what_people_write_cannot_forge_a_field(service: Service, bmcs: Bmcs) -> None:
    record(service, bmcs)
    text = "hello\nSOLRECD_KIND=failure\nPRIORITY=0"

    service.machine.run(f"solrecctl note n0000 {shlex.quote(text)} || :")
    wait_until(lambda: entries(service, "SOLRECD_KIND=operator"))

    (entry,) = entries(service, "SOLRECD_KIND=operator")
    assert entry["PRIORITY"] == "6"
    assert not entries(service, "SOLRECD_KIND=failure")


def test_journalctl_explains_an_event(service: Service, bmcs: Bmcs) -> None:
    record(service, bmcs)
    match = f"MESSAGE_ID={MESSAGE_IDS[Kind.SESSION]}"

    wait_until(lambda: entries(service, match))
    shown = service.machine.run(f"journalctl -q -x {match} SOLRECD_CONSOLE=n0000")

    assert "Subject: Session of console n0000: up" in shown
    assert "solrecctl status n0000" in shown
