"""`solrecctl events` on an index, and against a daemon's API."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import trio

from solrecd.api.app import api_app
from solrecd.api.server import serve
from solrecd.cli.program import Exit, run
from solrecd.cli.solrecctl import PROGRAM
from solrecd.events.boots import Boot
from solrecd.events.event import Event, Kind, Severity
from solrecd.process.stamps import parse_stamp
from solrecd.storage.history.groups import group
from solrecd.storage.index import FILE_NAME, Batch, Index
from tests.support.fleet import FakeFleet, open_gate

NOON = parse_stamp("2026-11-22T12:00:00.000000Z")
MINUTE = 60_000_000

Ctl = Callable[..., tuple[int, str, str]]


def panic(console: str, minute: int, signature: str = "5ca1ab1e") -> Event:
    return Event(
        NOON + minute * MINUTE,
        console,
        Kind.FAILURE,
        "panic",
        Severity.FATAL,
        "Kernel panic - not syncing: \x1b[2Jhostile",
        1,
        7,
        signature,
    )


def power(console: str, minute: int, name: str) -> Event:
    at = NOON + minute * MINUTE
    return Event(at, console, Kind.POWER, name, Severity.INFO, f"power {name}", 1)


EVENTS = (
    panic("node1", 0),
    power("node1", 1, "off"),
    power("node1", 2, "on"),
    panic("node2", 3),
    panic("node2", 4),
    panic("node3", 5, "0ddba11"),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a state folder with an index, which is also an (empty) archive."""
    with closing(Index.create(tmp_path / FILE_NAME)) as index:
        boots = [Boot(f"node{n}", 1, NOON) for n in (1, 2, 3)]
        index.write(Batch(boots, EVENTS))
    return tmp_path


@pytest.fixture
def ctl(folder: Path, capsys: pytest.CaptureFixture[str]) -> Ctl:
    """Return `solrecctl --dir`: status, output, errors."""

    def call(*arguments: str) -> tuple[int, str, str]:
        status = run(PROGRAM, ["--dir", str(folder), "events", *arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def objects(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def test_events_are_the_objects_of_the_contract(ctl: Ctl) -> None:
    status, output, _ = ctl("--json")

    assert status == Exit.DONE
    assert objects(output) == [event.as_dict() for event in EVENTS]


@pytest.mark.parametrize(
    ("arguments", "minutes"),
    [
        (["node2"], [3, 4]),
        (["--kind", "power"], [1, 2]),
        (["--kind", "power,failure", "node1"], [0, 1, 2]),
        (["--name", "p*"], [0, 3, 4, 5]),
        (["--name", "on,off"], [1, 2]),
        (["--since", "2026-11-22T12:04"], [4, 5]),
        (["--until", "2026-11-22T12:02"], [0, 1]),
        (["-n", "2"], [4, 5]),
        (["-n", "1", "--kind", "power"], [2]),
    ],
)
def test_events_are_chosen(ctl: Ctl, arguments: list[str], minutes: list[int]) -> None:
    _, output, _ = ctl("--json", *arguments)

    stamps = [parse_stamp(event["time"]) for event in objects(output)]
    assert [(stamp - NOON) // MINUTE for stamp in stamps] == minutes


def test_the_same_failure_is_one_line_however_many_machines_have_it(ctl: Ctl) -> None:
    _, output, _ = ctl("--json", "--group")

    first, second = objects(output)
    assert (first["count"], first["machines"]) == (3, 2)
    assert first["consoles"] == ["node1", "node2"]
    assert parse_stamp(first["first"]) == NOON
    assert parse_stamp(first["last"]) == NOON + 4 * MINUTE
    assert (second["signature"], second["consoles"]) == ("0ddba11", ["node3"])


def test_events_without_a_signature_are_grouped_by_their_name() -> None:
    groups = group([power("a", 0, "on").as_dict(), power("b", 1, "on").as_dict()])

    assert [(each["name"], each["machines"]) for each in groups] == [("on", 2)]


@pytest.mark.parametrize("arguments", [[], ["--group"]])
def test_what_a_console_printed_never_obeys_on_a_terminal(
    ctl: Ctl, arguments: list[str]
) -> None:
    _, output, _ = ctl(*arguments)

    assert "\x1b" not in output
    assert "hostile" in output


def test_no_event_is_an_answer_too(ctl: Ctl) -> None:
    assert ctl("--name", "oom") == (Exit.NO, "", "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--kind", "panics"], "allowed: stage, failure"),
        (["-f"], "leave --dir out"),
        (["-f", "--group"], "not allowed with"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_is_allowed(
    ctl: Ctl, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status, _, errors = ctl(*arguments)
    except SystemExit as left:
        status, errors = left.code, capsys.readouterr().err  # type: ignore[assignment]

    assert status == Exit.USAGE
    assert words in errors


async def test_news_follow_and_nothing_is_told_twice(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, fleet = folder / "control.sock", FakeFleet(("node1", "node2"))
    config = folder / "solrecd.toml"
    config.write_text(
        f'[daemon]\nlog_dir = "{folder}"\nstate_dir = "{folder}"\ncontrol = "{path}"\n'
    )
    words = ["-c", str(config), "events", "--json", "-f", "--kind", "failure"]
    ask = functools.partial(trio.to_thread.run_sync, run, PROGRAM, words)

    async with trio.open_nursery() as nursery:
        scope = await nursery.start(_serving, fleet, path)
        nursery.start_soon(ask)
        await fleet.watched.wait()
        # Came between the look at the index and the stream.
        with closing(Index.create(folder / FILE_NAME)) as index:
            index.write(Batch((), [panic("node1", 10)]))
        fleet.viewers.offer("node1", (), [panic("node1", 11), power("node1", 12, "on")])
        fleet.viewers.offer("node2", (), [panic("node2", 13)])
        await trio.sleep(0.5)
        scope.cancel()

    stamps = [parse_stamp(event["time"]) for event in objects(capsys.readouterr().out)]
    assert [(stamp - NOON) // MINUTE for stamp in stamps] == [0, 3, 4, 10, 11, 13]


async def _serving(
    fleet: FakeFleet,
    path: Path,
    task_status: trio.TaskStatus[trio.CancelScope] = trio.TASK_STATUS_IGNORED,
) -> None:
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            await nursery.start(serve, api_app(fleet, "1", open_gate()), str(path))
            task_status.started(scope)
