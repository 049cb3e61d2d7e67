"""The index: what is written is found again, and no file stops the recorder."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from solrecd.events.boots import Boot, Outcome
from solrecd.events.event import Event, Kind, Severity
from solrecd.events.stages import Stage
from solrecd.process.stamps import parse_stamp
from solrecd.storage.index import (
    Batch,
    Index,
    IndexFileError,
    SegmentRow,
    open_or_replace,
)
from solrecd.storage.index.boot_history import BootHistory, KnownBoots
from solrecd.storage.index.schema import STAGES

NOON = parse_stamp("2026-11-22T12:00:00.000001Z")
HOUR = 3_600_000_000


def boot(console: str = "a", number: int = 1, **changes: object) -> Boot:
    plain = Boot(console, number, NOON + number * HOUR)
    return replace(plain, **changes)  # type: ignore[arg-type]


def event(console: str = "a", at: int = NOON, **changes: object) -> Event:
    plain = Event(at, console, Kind.FAILURE, "panic", Severity.FATAL, "Kernel panic", 1)
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.fixture
def index() -> Iterator[Index]:
    with closing(Index.in_memory()) as index:
        yield index


def numbers(index: Index, *args: object, **filters: object) -> list[int]:
    return [found["boot"] for found in index.boots(*args, **filters)]  # type: ignore[arg-type]


def test_a_boot_comes_back_as_the_contracts_object(index: Index) -> None:
    full = boot(
        ended=NOON + 2 * HOUR,
        cause="power",
        outcome=Outcome.FAILED,
        last_stage=Stage.KERNEL,
        stages={"firmware": 0.0, "kernel": 12.3},
        kernel="6.1.0-56-amd64",
        cmdline="quiet",
        title="Kernel panic",
        failures=2,
        gaps=1,
        bytes=4096,
        facts={"bios": "1.2"},
    )

    index.write(Batch(boots=[full]))

    assert list(index.boots()) == [full.as_dict()]
    assert index.good_boots("a", [full.outcome.value], 1) == [full]


def test_the_events_of_a_removed_segment_go_with_it(index: Index) -> None:
    rows = [
        SegmentRow("a", f"s{n}", n, 1, NOON + n * HOUR, NOON + n * HOUR + 9, 0, 1)
        for n in (1, 2)
    ]
    times = [NOON + HOUR, NOON + HOUR + 9, NOON + HOUR + 10, NOON + 2 * HOUR]
    mine = [event(at=at, title=f"at {at}") for at in times]
    others = [event("b", at=at) for at in times]
    index.write(Batch([boot()], [*mine, *others], rows))

    index.write(Batch(removed=[("a", "s1")]))

    assert list(index.events(["a"])) == [each.as_dict() for each in mine[2:]]
    assert len(list(index.events(["b"]))) == len(others)
    assert numbers(index) == [1]
    texts = index._connection.execute("SELECT text FROM texts")
    assert not {mine[0].title, mine[1].title} & {text for (text,) in texts}


def test_a_segment_that_the_index_does_not_know_takes_no_event_with_it(
    index: Index,
) -> None:
    index.write(Batch(events=[event()]))

    index.write(Batch(removed=[("a", "unknown")]))

    assert len(list(index.events(["a"]))) == 1


def test_an_event_comes_back_as_the_contracts_object(index: Index) -> None:
    full = event(line=812, signature="abc", fields={"kernel": "6.1", "taint": True})
    bare = event(at=NOON + 1, boot=None, name="lost", kind=Kind.SESSION)

    index.write(Batch(events=[full, bare]))

    assert list(index.events()) == [full.as_dict(), bare.as_dict()]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NUMBER = st.integers() | st.floats(allow_nan=False)


@given(
    title=st.sampled_from(["", "Kernel panic", "7", "null"]) | TEXT,
    signature=st.none() | TEXT,
    fields=st.dictionaries(TEXT, TEXT | NUMBER | st.booleans(), max_size=6),
    headlined=st.booleans(),
)
def test_whatever_an_event_holds_comes_back_in_its_order(
    title: str,
    signature: str | None,
    fields: dict[str, str | int | float | bool],
    headlined: bool,  # noqa: FBT001 - an example's value
) -> None:
    told = {**fields, **({"headline": title} if headlined else {})}
    sent = event(title=title, signature=signature, fields=told)

    with closing(Index.in_memory()) as index:
        index.write(Batch(events=[sent]))
        (found,) = index.events()

    assert found == sent.as_dict()
    assert repr(found["fields"]) == repr(told)


def test_texts_of_the_same_hash_are_kept_apart(index: Index) -> None:
    # Their CRC-32 is the same.
    alike = [event(title="plumless"), event(at=NOON + 1, title="buckeroo")]

    index.write(Batch(events=alike))

    assert [found["title"] for found in index.events()] == ["plumless", "buckeroo"]


def test_stages_come_back_in_the_order_in_which_they_were_entered(
    index: Index,
) -> None:
    stages = {"loader": 0.25, "firmware": 3.000001, "login": 80.5}

    index.write(Batch([boot(stages=stages)]))

    (found,) = index.boots()
    assert list(found["stages"].items()) == list(stages.items())


def test_every_stage_of_the_vocabulary_has_its_column() -> None:
    assert tuple(Stage) == STAGES


def test_what_came_back_can_be_changed_without_changing_other_rows(
    index: Index,
) -> None:
    index.write(Batch([boot(number=n, facts={"bios": "1.2"}) for n in (1, 2)]))

    first, second = index.boots()
    first["facts"]["bios"] = "changed"

    assert second["facts"] == {"bios": "1.2"}


def test_an_event_of_a_kind_takes_few_bytes(tmp_path: Path) -> None:
    path, count = tmp_path / "index.sqlite", 3000

    def told(n: int) -> Event:
        title = "EDAC MC0: 1 CE on CPU_SrcID#0"
        fields = {"headline": title, "rule": "hw.edac", "kernel_time": n / 7}
        return event(at=NOON + n, title=title, signature="552c07869695", fields=fields)

    with closing(Index.create(path)) as index:
        index.write(Batch(events=[told(n) for n in range(count)]))

    assert path.stat().st_size / count < 60


def test_a_later_snapshot_of_a_boot_replaces_the_earlier_one(index: Index) -> None:
    index.write(Batch(boots=[boot()]))

    index.write(Batch(boots=[boot(outcome=Outcome.OK, ended=NOON)]))

    assert [found["outcome"] for found in index.boots()] == ["ok"]


def test_an_event_that_is_replayed_after_a_crash_is_kept_once(index: Index) -> None:
    index.write(Batch(events=[event()]))

    index.write(Batch(events=[event()]))

    assert len(list(index.events())) == 1


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, [1, 2, 3, 4]),
        ({"consoles": ["a"]}, [1, 2, 3]),
        ({"consoles": []}, []),
        ({"boot": 2}, [2]),
        ({"since": NOON + 2 * HOUR}, [2, 3, 4]),
        ({"until": NOON + 2 * HOUR}, [1]),
        ({"kernel": "6.1"}, [1]),
        ({"kernel": "*-56"}, [1]),
        ({"outcomes": ["failed", "stuck"]}, [1, 3]),
        ({"newest": 1}, [3, 4]),
        ({"outcomes": ["ok", "failed"], "newest": 1}, [3]),
    ],
)
def test_boots_are_filtered(
    index: Index, filters: dict[str, object], found: list[int]
) -> None:
    index.write(
        Batch(
            boots=[
                boot(number=1, outcome=Outcome.FAILED, kernel="6.1.0-56"),
                boot(number=2, outcome=Outcome.OK, kernel="6.12.1"),
                boot(number=3, outcome=Outcome.FAILED),
                boot("b", number=4),
            ]
        )
    )

    assert numbers(index, **filters) == found


def test_events_are_filtered_by_kind_and_time(index: Index) -> None:
    stage = event(at=NOON + 5, kind=Kind.STAGE, name="kernel")
    index.write(Batch(events=[event(), stage, event("b", at=NOON + 9)]))

    found = index.events(["a"], kinds=["stage"], since=NOON, until=NOON + 6, boot=1)

    assert [each["name"] for each in found] == ["kernel"]


def test_consoles_and_segments_are_listed_in_order(index: Index) -> None:
    late = SegmentRow("a", "20261122T13", 2, 1, NOON + HOUR, None, 10, 5)
    early = SegmentRow("a", "20261122T12", 1, 1, NOON, NOON + HOUR, 0, 10)

    index.write(Batch([boot("b"), boot("a")], segments=[late, early]))

    assert index.consoles() == ["a", "b"]
    assert list(index.segments(["a"])) == [early, late]


def test_a_console_that_never_printed_is_known_by_its_events(index: Index) -> None:
    index.write(Batch(events=[event("silent", boot=None)]))

    assert index.consoles() == ["silent"]


def test_a_replay_replaces_only_what_a_replay_can_find(index: Index) -> None:
    lost = event(kind=Kind.SESSION, name="lost", at=NOON + 1)
    other = event(boot=7, at=NOON + 2)
    index.write(Batch([boot(cause="power", gaps=3)], [event(), lost, other]))

    index.replace("a", {1}, Batch([boot(cause="attach", kernel="6.1")]))

    (found,) = index.boots()
    assert (found["cause"], found["gaps"], found["kernel"]) == ("power", 3, "6.1")
    assert list(index.events()) == [lost.as_dict(), other.as_dict()]


def test_nothing_of_a_batch_is_written_when_one_row_is_refused(index: Index) -> None:
    class Refused(str):
        """A value that SQLite cannot store."""

        __slots__ = ()

        def __conform__(self, protocol: object) -> object:
            """Offer SQLite what it knows nothing of, in place of the text."""
            return object()

    bad = boot(number=2, kernel=Refused())

    with pytest.raises(sqlite3.Error):
        index.write(Batch([boot(), bad]))

    assert list(index.boots()) == []


def test_rows_that_may_be_missing_are_remembered(index: Index) -> None:
    index.mark_stale(NOON)
    before = index.stale_since
    index.mark_stale(None)

    assert (before, index.stale_since) == (NOON, None)


def test_an_index_on_disk_is_read_by_another_process(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"

    with closing(Index.create(path)) as writer:
        writer.write(Batch([boot()]))
        with closing(Index.read(path)) as reader:
            while_open = numbers(reader)
    with closing(Index.read(path)) as reader:
        after = numbers(reader)

    assert while_open == after == [1]


def test_a_good_file_is_opened_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    with closing(Index.create(path)) as first:
        first.write(Batch([boot()]))

    opened = open_or_replace(path, "old")

    with closing(opened.index):
        assert opened.set_aside is None
        assert numbers(opened.index) == [1]


def _garbage(path: Path) -> None:
    path.write_bytes(b"no database at all" * 100)


def _foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE cookies (x)")


def _newer(path: Path) -> None:
    with closing(Index.create(path)):
        pass
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 999")


def _older(path: Path) -> None:
    """Leave what the first version of the index left."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("""CREATE TABLE boots (console TEXT, boot INTEGER);
            PRAGMA application_id = 0x501EECD0; PRAGMA user_version = 1;""")


def _torn(path: Path) -> None:
    with closing(Index.create(path)) as index:
        index.write(Batch([boot(number=n, title="x" * 500) for n in range(1, 200)]))
    content = bytearray(path.read_bytes())
    content[8192:16384] = bytes(8192)
    path.write_bytes(content)


@pytest.mark.parametrize("spoil", [_garbage, _foreign, _newer, _older, _torn])
def test_a_file_of_no_use_is_set_aside_and_an_empty_index_made(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    path = tmp_path / "index.sqlite"
    spoil(path)

    opened = open_or_replace(path, "20261122T120000Z")

    with closing(opened.index):
        assert opened.set_aside == tmp_path / "index.sqlite.20261122T120000Z"
        assert opened.set_aside.exists()
        assert numbers(opened.index) == []


@pytest.mark.parametrize("spoil", [_garbage, _foreign, _newer, _older])
def test_a_reader_is_told_the_file_and_what_to_do(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    path = tmp_path / "index.sqlite"
    spoil(path)

    with pytest.raises(IndexFileError, match=r"index\.sqlite"):
        Index.read(path)


def test_a_reader_of_a_missing_file_is_told_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(IndexFileError, match="solrecctl reindex"):
        Index.read(tmp_path / "index.sqlite")


def test_a_folder_that_is_not_there_is_no_damage(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        open_or_replace(tmp_path / "missing" / "index.sqlite", "old")


def test_events_are_found_by_name_and_by_how_new_they_are(index: Index) -> None:
    found = [event(at=NOON + n, name=name) for n, name in enumerate(("oom", "oops"))]
    index.write(Batch(events=[*found, event(at=NOON + 2)]))

    def names(**filters: object) -> list[str]:
        return [each["name"] for each in index.events(**filters)]  # type: ignore[arg-type]

    assert names(names=["oo*"]) == ["oom", "oops"]
    assert names(newest=2) == ["oops", "panic"]
    assert names(names=["oom", "panic"], newest=1) == ["panic"]


def test_what_is_known_of_a_console_is_recalled_at_once(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    boots = [boot(number=n, outcome=Outcome.OK) for n in range(1, 5)]
    boots += [boot(number=5, outcome=Outcome.FAILED), boot("b", 9)]
    told = [event(at=NOON + 5), event(at=NOON + 9, kind=Kind.POWER, name="on")]
    with closing(Index.create(path)) as index:
        index.write(Batch(boots, told))

    known = BootHistory(path, outcomes=["ok"], count=3).recall("a")

    assert known.boot == boots[4]
    assert [each.boot for each in known.good] == [2, 3, 4]
    assert known.told == NOON + 5


def test_an_index_stays_open_for_those_who_still_ask(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    history = BootHistory(path, outcomes=["ok"], count=3)
    with closing(Index.create(path)) as index, history.kept_open():
        index.write(Batch([boot(number=1)]))
        with history.kept_open():
            history.recall("a")
        path.rename(tmp_path / "elsewhere")

        known = history.recall("a")

        index.write(Batch([boot(number=2)]))
        newer = history.recall("a")
    gone = history.recall("a")

    assert [it.boot and it.boot.boot for it in (known, newer, gone)] == [1, 2, None]


def test_an_index_without_a_writer_is_opened_again_for_readers(
    tmp_path: Path,
) -> None:
    path = tmp_path / "index.sqlite"
    history = BootHistory(path, outcomes=["ok"], count=3)
    with closing(Index.create(path)) as index:
        index.write(Batch([boot(number=1)]))

    with history.kept_open():
        before = history.recall("a")
        path.unlink()
        after = history.recall("a")

    assert before.boot is not None
    assert after.boot is None


def test_an_index_that_is_damaged_meanwhile_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    history = BootHistory(path, outcomes=["ok"], count=3)
    with closing(Index.create(path)) as index, history.kept_open():
        index.write(Batch([boot(number=1)]))
        history.recall("a")
        with closing(sqlite3.connect(path)) as other:
            other.execute("ALTER TABLE events RENAME TO gone")

        known = history.recall("a")

    assert known == KnownBoots()


def test_an_index_that_is_not_there_recalls_nothing(tmp_path: Path) -> None:
    known = BootHistory(tmp_path / "none", outcomes=["ok"], count=3).recall("a")

    assert (known.boot, known.good, known.told) == (None, (), 0)
