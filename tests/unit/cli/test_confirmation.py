"""What changes machines is asked for, and never done by a script that says no --yes."""

import os
import pty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trio

from solrecd.api.app import api_app
from solrecd.api.server import serve
from solrecd.cli.program import Exit, run
from solrecd.cli.solrecctl import PROGRAM
from tests.support.fleet import FakeFleet, open_gate

Done = list[tuple[str, ...]]
CHANGES = [
    ["power", "a", "on"],
    ["power", "a", "off"],
    ["power", "a", "cycle"],
    ["power", "a", "reset"],
    ["power", "a", "soft"],
    ["power", "a", "diag"],
    ["break", "a", "b"],
    ["break", "a", "c"],
    ["break", "*"],
    ["break", "*", "w"],
    ["doctor", "--fix", "a"],
]
"""All that a machine or a BMC is changed by, and a break to several of them."""


@pytest.fixture
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with Path(os.devnull).open(encoding="utf-8") as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        yield


@pytest.fixture
def typing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], None]]:
    """Return what types on the terminal that is standard input."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, encoding="utf-8") as terminal:
        monkeypatch.setattr("sys.stdin", terminal)

        def type_(keys: bytes) -> None:
            os.write(ours, keys)

        yield type_
    os.close(ours)


async def ctl(tmp_path: Path, *words: str) -> tuple[int, Done]:
    """Run `solrecctl` at a fleet of a and b; return its status and what was done."""
    fleet, path = FakeFleet(), tmp_path / "control.sock"
    async with trio.open_nursery() as nursery:
        await nursery.start(serve, api_app(fleet, "1", open_gate()), str(path))
        call = ["-s", str(path), *words]
        status = await trio.to_thread.run_sync(run, PROGRAM, call)
        nursery.cancel_scope.cancel()
    operations = fleet.operations.values()
    return status, [(act[0],) for each in operations for act in each.done]


@pytest.mark.usefixtures("no_terminal")
@pytest.mark.parametrize("words", CHANGES, ids=" ".join)
async def test_a_script_that_says_no_yes_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    found = await ctl(tmp_path, *words)

    assert found == (Exit.USAGE, [])
    assert capsys.readouterr().err == "solrecctl: not a terminal, use --yes\n"


@pytest.mark.usefixtures("no_terminal")
@pytest.mark.parametrize(
    "words", [*([*words, "--yes"] for words in CHANGES), ["break", "a"]], ids=" ".join
)
async def test_a_script_that_says_yes_is_obeyed(
    tmp_path: Path, words: list[str]
) -> None:
    status, done = await ctl(tmp_path, *words)

    assert status == Exit.DONE
    assert done, "the daemon was asked"


@pytest.mark.parametrize(("answer", "done"), [(b"y\n", [("power",)]), (b"\n", [])])
async def test_one_machine_is_named_in_the_question(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    typing: Callable[[bytes], None],
    answer: bytes,
    done: Done,
) -> None:
    typing(answer)

    status, found = await ctl(tmp_path, "power", "a", "off")

    assert found == done
    assert status == (Exit.DONE if done else Exit.NO)
    assert "switch off immediately: a? [y/N]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "done"), [(b"2\n", [("power",)] * 2), (b"y\n", []), (b"3\n", [])]
)
async def test_several_machines_are_listed_and_their_number_is_asked_for(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    typing: Callable[[bytes], None],
    answer: bytes,
    done: Done,
) -> None:
    typing(answer)

    _, found = await ctl(tmp_path, "power", "*", "cycle")

    told = capsys.readouterr().err
    assert found == done
    assert "switch off and on: 2 machines: a,b\n" in told
    assert "type their number, 2, to go on:" in told
