"""Programs that are started for alerts: real ones, and those that misbehave."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from solrecd.alerts.senders import AlertSink, Tools
from solrecd.alerts.senders.hook import Hook, execute
from solrecd.config import Config
from tests.support.alerting import EPOCH, event, receiver, until


def shell(script: str, *, timeout: float = 30.0) -> Hook:
    """Return a program that runs a script."""
    return Hook(command=("/bin/sh", "-c", script), timeout=timeout)


@asynccontextmanager
async def alerting(folder: Path, hook: Hook) -> AsyncIterator[AlertSink]:
    """Run a sink with this program."""
    sink = AlertSink(folder, Tools(lambda: EPOCH, "recorder", folder / "alerts"))
    config = receiver("hook", target=hook)
    sink.configure(Config(alerts={"hook": config}))
    async with trio.open_nursery() as nursery:
        await nursery.start(sink.run)
        yield sink
        sink.close()


async def test_a_program_has_the_notice_on_its_input(tmp_path: Path) -> None:
    target = tmp_path / "told"

    async with alerting(
        tmp_path, shell(f"cat > {target}.new; mv {target}.new {target}")
    ) as sink:
        sink.offer([event("panic")])
        await until(target.exists)

    told = json.loads(target.read_text())
    assert (told["name"], told["status"]) == ("panic", "firing")


async def test_a_program_finds_nothing_of_ours_in_its_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/secret")
    target = tmp_path / "env"

    assert await execute(shell(f"env > {target}"), b"{}") is None

    names = {line.partition("=")[0] for line in target.read_text().splitlines()}
    assert names <= {"PATH", "LANG", "PWD", "SHLVL", "_", "OLDPWD"}


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo no route >&2; exit 3", "exit status 3: no route"),
        ("exec 0<&-; exit 0", None),
        ("head -c 100000 /dev/zero; exit 0", None),
        ("kill -9 $$", "exit status -9"),
        ("sleep 60 & exit 0", None),
    ],
)
async def test_what_went_wrong_is_told_in_a_line(script: str, told: str | None) -> None:
    assert await execute(shell(script), b"x" * 100_000) == told


async def test_a_program_that_is_not_there_is_told() -> None:
    problem = await execute(Hook(command=("/nonexistent",)), b"")

    assert problem == "cannot be started: No such file or directory"


async def test_a_program_out_of_time_is_killed_with_its_children(
    tmp_path: Path,
) -> None:
    children = tmp_path / "pids"

    problem = await execute(
        shell(f"sleep 600 & echo $! > {children}; wait", timeout=1.0), b""
    )

    assert problem == "killed after 1 s"
    child = int(children.read_text())
    await until(lambda: not _runs(child))


def _runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


async def test_notices_of_a_console_come_one_after_the_other(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = f"read -r line; echo b >> {log}; sleep 0.05; echo e >> {log}"

    async with alerting(tmp_path, shell(script)) as sink:
        sink.offer([event(name) for name in ("panic", "oops", "bug")])
        await until(lambda: log.exists() and log.read_text().count("e") == 3)

    assert log.read_text().split() == ["b", "e"] * 3


async def test_no_more_programs_than_allowed_run_side_by_side(tmp_path: Path) -> None:
    running = tmp_path / "running"
    running.mkdir()
    most = tmp_path / "most"
    mine = f"{running}/$$"
    script = f"touch {mine}; ls {running} | wc -l >> {most}; sleep 0.1; rm {mine}"

    async with alerting(tmp_path, shell(script)) as sink:
        sink.offer([event("panic", console=f"n{n}") for n in range(8)])
        await until(lambda: sink.statistics()["hook"].delivered == 8)

    assert max(map(int, most.read_text().split())) <= 2
