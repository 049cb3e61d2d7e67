"""Following an archive's text by position: nothing twice, nothing left out."""

import os
from pathlib import Path

from hypothesis import given, strategies as st

from solrecd.alerts.shipping.reading import REST, Entry, Position, Reader
from tests.support.archives import Printed, write_segment

AT = 1_795_000_000_000_000
NOW = AT / 1e6
CONSOLE = "n1"
MUCH = 1 << 20


def lines(boot: int, count: int = 5) -> list[Printed]:
    """Return what a boot printed."""
    start = AT + boot * 10_000_000
    return [Printed(start + n, f"boot {boot} line {n}") for n in range(count)]


def grow(archive: Path, text: str, *, rested: bool = True, at: int = 0) -> None:
    """Let the open segment end with a text, from an offset of it on."""
    path = (archive / CONSOLE / "current.log").resolve()
    with path.open("r+b") as file:
        file.seek(at)
        file.truncate()
        file.write(text.encode())
    age = REST + 1 if rested else 0
    os.utime(path, (NOW - age, NOW - age))


def stamped(n: int, text: str, mark: str = "|") -> str:
    """Return a line of a log without its end."""
    return f"2026-11-18T11:06:40.{n:06d}Z {mark} {text}"


def follow(
    archive: Path, start: Position, limit: int = MUCH
) -> tuple[list[str], Position]:
    """Return the texts behind a position, and the one behind them."""
    piece = Reader(archive).read(CONSOLE, start, limit, NOW)
    return [entry.text for entry in piece.entries], piece.position


def test_segments_are_read_in_order_closed_and_open(tmp_path: Path) -> None:
    for boot in (1, 2):
        write_segment(tmp_path, CONSOLE, lines(boot), boot=boot, closed=True)
    write_segment(tmp_path, CONSOLE, lines(3), boot=3)

    texts, position = follow(tmp_path, Position())

    assert texts == [line.text for boot in (1, 2, 3) for line in lines(boot)]
    assert follow(tmp_path, position) == ([], position)


@given(limit=st.integers(1, 400))
def test_small_pieces_give_the_same_lines(tmp_path_factory: object, limit: int) -> None:
    archive = tmp_path_factory.mktemp("log")  # type: ignore[attr-defined]
    # 70 KiB in lines: more than is read at once beyond any limit.
    long = [Printed(AT + n, "x" * 7000 + str(n)) for n in range(10)]
    write_segment(archive, CONSOLE, long, boot=1, closed=True)
    write_segment(archive, CONSOLE, lines(2), boot=2)

    found, position = follow(archive, Position(), limit)
    while (more := follow(archive, position, limit))[0]:
        found, position = found + more[0], more[1]

    assert found == [line.text for line in (*long, *lines(2))]


def test_a_position_holds_over_the_compression_of_its_segment(tmp_path: Path) -> None:
    write_segment(tmp_path, CONSOLE, lines(1), boot=1)
    texts, position = follow(tmp_path, Position())
    for path in (tmp_path / CONSOLE).glob("2*"):
        path.unlink()
    write_segment(tmp_path, CONSOLE, lines(1, count=8), boot=1, closed=True)
    write_segment(tmp_path, CONSOLE, lines(2), boot=2)

    more, _ = follow(tmp_path, position)

    assert texts + more == [line.text for line in (*lines(1, count=8), *lines(2))]


def test_a_segment_that_retention_removed_is_passed_over(tmp_path: Path) -> None:
    write_segment(tmp_path, CONSOLE, lines(1), boot=1)
    _, position = follow(tmp_path, Position())
    for path in (tmp_path / CONSOLE).glob("2*"):
        path.unlink()
    write_segment(tmp_path, CONSOLE, lines(3), boot=3)

    texts, _ = follow(tmp_path, position)

    assert texts == [line.text for line in lines(3)]


def test_a_line_without_an_end_waits_for_it(tmp_path: Path) -> None:
    write_segment(tmp_path, CONSOLE, lines(1), boot=1)
    grow(tmp_path, stamped(1, "one") + "\n" + stamped(2, "login: "))

    texts, position = follow(tmp_path, Position())
    grow(tmp_path, stamped(1, "one") + "\n" + stamped(2, "login: root") + "\n")

    assert texts == ["one"]
    assert follow(tmp_path, position)[0] == ["login: root"]


def test_a_note_behind_half_a_line_is_given_out_once_it_rests(tmp_path: Path) -> None:
    write_segment(tmp_path, CONSOLE, lines(1), boot=1)
    loose = stamped(2, "login: ") + "\n" + stamped(3, "gap: 1 s", "#") + "\n"
    grow(tmp_path, stamped(1, "one") + "\n" + loose, rested=False)

    before, position = follow(tmp_path, Position())
    grow(tmp_path, stamped(1, "one") + "\n" + loose)
    rested, position = follow(tmp_path, position)

    assert before == ["one"]
    assert rested == ["login: ", "gap: 1 s"]
    assert follow(tmp_path, position) == ([], position)


def test_a_line_that_goes_on_behind_its_note_is_given_out_again(tmp_path: Path) -> None:
    write_segment(tmp_path, CONSOLE, lines(1), boot=1)
    note = stamped(3, "gap: 1 s", "#") + "\n"
    grow(tmp_path, stamped(2, "login: ") + "\n" + note)
    _, position = follow(tmp_path, Position())
    grow(tmp_path, stamped(2, "login: root") + "\n" + note + stamped(4, "hi") + "\n")

    assert follow(tmp_path, position)[0] == ["login: root", "hi"]


def test_lines_of_one_packet_have_times_of_their_own(tmp_path: Path) -> None:
    same = [Printed(AT, text) for text in ("", "", "x", "")]
    write_segment(tmp_path, CONSOLE, [*same, Printed(AT + 1, "later")])

    entries = Reader(tmp_path).read(CONSOLE, Position(), MUCH, NOW).entries

    assert [entry.ns - AT * 1000 for entry in entries] == [0, 1, 2, 3, 1000]
    assert entries[0] == Entry(AT * 1000, "", 1, is_note=False)


def test_a_file_without_line_ends_is_passed_on_and_does_not_hold_it_up(
    tmp_path: Path,
) -> None:
    write_segment(tmp_path, CONSOLE, lines(1), boot=1)
    grow(tmp_path, "x" * 200_000 + "\n" + stamped(1, "after") + "\n")

    position, found = Position(), []
    while True:
        texts, position = follow(tmp_path, position, 1000)
        if not texts:
            break
        found += texts

    assert sum(map(len, found)) >= 190_000
    assert found[-1] == "after"
