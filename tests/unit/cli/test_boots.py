"""What ``boots --verbose`` says below a boot."""

from contextlib import closing
from dataclasses import replace

from solrecd.cli.commands.boots import _Details
from solrecd.events.boots import Boot, Outcome
from solrecd.events.event import Event, Kind, Severity
from solrecd.process.stamps import parse_stamp
from solrecd.storage.index import Batch, Index

NOON = parse_stamp("2026-11-22T12:00:00.000000Z")
SECOND = 1_000_000


def entry(seconds: int, text: str, **fields: str) -> Event:
    """Return an event of the BMC's log, so many seconds after noon."""
    return Event(
        NOON + seconds * SECOND,
        "n1",
        Kind.SEL,
        "asserted",
        Severity.CRITICAL,
        text,
        fields=fields,
    )


def told(*events: Event) -> list[list[str]]:
    """Return the lines about the BMC's log below two boots of ten minutes each."""
    first = Boot("n1", 1, NOON, NOON + 600 * SECOND, outcome=Outcome.FAILED)
    second = replace(first, boot=2, started=NOON + 700 * SECOND, ended=None)
    with closing(Index.in_memory()) as index:
        index.write(Batch(boots=[first, second], events=events))
        rows = list(index.boots(["n1"]))
        details = _Details(index, rows)
        return [
            [cell.text for cell in details(row) if "BMC:" in cell.text] for row in rows
        ]


def test_entries_stand_with_the_boot_that_they_fell_into() -> None:
    found = told(
        entry(-60, "before"), entry(599, "as it died"), entry(1300, "in the second")
    )

    assert found == [["+599.0 s  BMC: as it died"], ["+600.0 s  BMC: in the second"]]


def test_what_a_bmc_says_just_around_a_boot_counts_as_its_own() -> None:
    found = told(entry(-2, "power on"), entry(620, "late"), entry(650, "between"))

    assert found == [["-2.0 s  BMC: power on", "+620.0 s  BMC: late"], []]


def test_an_entry_without_a_time_says_so() -> None:
    found = told(entry(30, "whenever", clock="unknown"))

    assert found == [["time unknown  BMC: whenever"], []]
