"""Notes in a log that matter for a boot; what a console prints is none."""

from pathlib import Path

from solrecd.events.operator_acts import Order
from solrecd.process.stamps import parse_stamp
from solrecd.storage.history.notes import Note, read_notes
from solrecd.storage.history.segments import Archive
from tests.support.archives import Printed, write_segment

NOON = parse_stamp("2026-11-22T12:00:00.000000Z")


def test_power_orders_and_gaps_are_read_and_nothing_else(tmp_path: Path) -> None:
    noted = [
        Printed(NOON, "power: on", note=True),
        Printed(NOON + 1, "# power: off"),
        Printed(NOON + 2, "2026-11-22T12:00:00.000000Z # power: off"),
        Printed(NOON + 3, "jo asked for power cycle", note=True),
        Printed(NOON + 4, "jo asked for power plants", note=True),
        Printed(NOON + 5, "gap: 11.8 s without a session", note=True),
        Printed(NOON + 6, "jo attached", note=True),
    ]
    write_segment(tmp_path, "n1", noted, closed=True)
    (segment,) = Archive(tmp_path).segments("n1")

    found = list(read_notes(segment, lambda _: None))

    assert found == [
        Note(NOON, power=True),
        Note(NOON + 3, order=Order("reset", "power_cycle")),
        Note(NOON + 5, gap=True),
    ]


def test_a_line_without_an_end_takes_no_memory(tmp_path: Path) -> None:
    write_segment(tmp_path, "n1", [Printed(NOON, "x")])
    (segment,) = Archive(tmp_path).segments("n1")
    segment.files["log"].write_bytes(b"x" * (1 << 20) + b"\n")

    assert not list(read_notes(segment, lambda _: None))
