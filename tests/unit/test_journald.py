"""The journal's native protocol: what arrives is what was sent, and no caller waits."""

import re
from pathlib import Path

from hypothesis import given, strategies as st

from solrecd.events.event import Event, Kind, Severity
from solrecd.process.log.entries import MESSAGE_IDS, field_name, journal_fields, keys_of
from solrecd.process.log.journald import MAX_VALUE, Journal, encode
from tests.support.journal import decode, fake_journal

CATALOG = Path(__file__).parents[2] / "systemd/solrecd.catalog"

PANIC = Event(
    time=1_800_000_000_000_000,
    console="node001",
    boot=42,
    kind=Kind.FAILURE,
    name="panic",
    severity=Severity.FATAL,
    title="Kernel panic - not syncing",
    signature="panic:sysrq",
    fields={"kernel": "6.1.0", "no.letter": True},
)

names = st.from_regex(r"\A[A-Z][A-Z0-9_]{0,20}\Z")
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@given(st.dictionaries(names, texts))
def test_every_value_arrives_as_it_was_sent(fields: dict[str, str]) -> None:
    assert decode(encode(fields)) == fields


def test_a_line_end_in_a_value_begins_no_field() -> None:
    entry = decode(encode({"MESSAGE": "x\nPRIORITY=0\n", "PRIORITY": "6"}))

    assert entry == {"MESSAGE": "x\nPRIORITY=0\n", "PRIORITY": "6"}


def test_an_endless_value_is_cut() -> None:
    entry = decode(encode({"A": "x" * (MAX_VALUE + 1)}))

    assert len(entry["A"]) == MAX_VALUE


@given(st.text(max_size=100))
def test_any_key_becomes_a_name_that_the_journal_takes(key: str) -> None:
    assert re.fullmatch(r"SOLRECD_[A-Z0-9_]{0,56}", field_name(key))


def test_an_event_becomes_fields_that_can_be_asked_for() -> None:
    entry = journal_fields(keys_of(PANIC), "node001: panic", "critical")

    assert entry == {
        "MESSAGE": "node001: panic",
        "PRIORITY": "2",
        "SYSLOG_IDENTIFIER": "solrecd",
        "MESSAGE_ID": MESSAGE_IDS[Kind.FAILURE],
        "SOLRECD_TIME": "2027-01-15T08:00:00.000000Z",
        "SOLRECD_CONSOLE": "node001",
        "SOLRECD_BOOT": "42",
        "SOLRECD_KIND": "failure",
        "SOLRECD_NAME": "panic",
        "SOLRECD_SEVERITY": "fatal",
        "SOLRECD_TITLE": "Kernel panic - not syncing",
        "SOLRECD_SIGNATURE": "panic:sysrq",
        "SOLRECD_FIELD_KERNEL": "6.1.0",
        "SOLRECD_FIELD_NO_LETTER": "True",
    }


def test_the_catalog_explains_every_kind_of_event() -> None:
    explained = re.findall(r"^-- (\w+)$", CATALOG.read_text(), re.MULTILINE)

    assert sorted(explained) == sorted(MESSAGE_IDS.values())
    assert MESSAGE_IDS.keys() == set(Kind)


def test_an_entry_larger_than_a_datagram_arrives_in_a_sealed_file(
    tmp_path: Path,
) -> None:
    fields = {f"FIELD{number}": "x" * MAX_VALUE for number in range(10)}

    with fake_journal(tmp_path) as journal:
        writer = Journal(journal.path)
        assert writer.send(encode(fields))
        entries = journal.read()
        writer.close()

    assert entries == [fields]
    assert journal.in_files == 1


def test_a_journal_that_does_not_read_holds_no_caller_up(tmp_path: Path) -> None:
    with fake_journal(tmp_path) as journal:
        writer = Journal(journal.path)
        while not writer.dropped:
            assert writer.send(encode({"MESSAGE": "x"}))
        arrived = len(journal.read())
        assert writer.send(encode({"MESSAGE": "after"}))
        last = journal.read()
        writer.close()

    assert arrived > 0
    assert last == [{"MESSAGE": "after"}]
    assert writer.dropped == 0


def test_without_a_journal_the_caller_is_told(tmp_path: Path) -> None:
    with fake_journal(tmp_path) as journal:
        writer = Journal(journal.path)

    assert not writer.send(encode({"MESSAGE": "refused"}))
    journal.path.unlink()
    assert not writer.send(encode({"MESSAGE": "no such socket"}))
    writer.close()
