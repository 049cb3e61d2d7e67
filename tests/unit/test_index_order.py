"""In which order the index tells events."""

from contextlib import closing

from solrecd.events.event import Event, Kind, Severity
from solrecd.storage.index import Batch, Index

NOON = 1_795_348_800_000_000


def said(name: str, line: int, boot: int) -> Event:
    return Event(NOON, "a", Kind.STAGE, name, Severity.INFO, name, boot, line)


def test_events_of_one_packet_come_in_the_order_of_their_lines() -> None:
    with closing(Index.in_memory()) as index:
        late = [said("loader", 3, 2), said("bootdev", 2, 2), said("firmware", 1, 2)]
        index.write(Batch(events=[*late, said("reboot", 400, 1)]))

        everything = [event["name"] for event in index.events()]
        newest = [event["name"] for event in index.events(newest=2)]

    assert everything == ["reboot", "firmware", "bootdev", "loader"]
    assert newest == ["bootdev", "loader"]
