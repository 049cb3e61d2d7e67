"""Two processes that record one fleet, as users run them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from solrecd.cluster.places import beside
from solrecd.cluster.plan import shard_of
from tests.support.recorder import Recorder, wait_until
from tests.support.simulators import PASSWORD, USERNAME, BmcFleet

BIN = Path(sys.executable).parent
NAMES = [f"n{number:04d}" for number in range(8)]
PATIENCE = 60.0
DEFAULTS = f'[defaults]\nusername = "{USERNAME}"\npassword = "{PASSWORD}"\n'


class Shards:
    """The shards of one recorder, each a process."""

    def __init__(self, recorder: Recorder, fleet: BmcFleet) -> None:
        self.recorder = recorder
        self.fleet = fleet
        self.running: dict[int, subprocess.Popen[bytes]] = {}

    def configure(self, shards: int) -> None:
        """Write the configuration for so many."""
        cluster = f'[cluster]\nengine = "static"\nshards = {shards}\n'
        consoles = "".join(
            f'[console.{name}]\nbmc = "{self.fleet.addresses[name]}"\n'
            for name in NAMES
        )
        self.recorder.configure(cluster + DEFAULTS + consoles)

    def start(self, shard: int) -> None:
        """Run one."""
        folder = self.recorder.directory
        with (folder / f"stderr-{shard}").open("ab") as log:
            self.running[shard] = subprocess.Popen(
                [
                    *(BIN / "solrecd", "run", f"--shard={shard}"),
                    *("-c", folder / "solrecd.toml"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self, shard: int) -> None:
        """End one as kill -9 does."""
        process = self.running.pop(shard)
        process.kill()
        process.wait()

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ``solrecctl``."""
        return subprocess.run(
            [BIN / "solrecctl", "-c", self.recorder.configuration, *words],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "NO_COLOR": "1"},
        )

    def rows(self) -> dict[str, dict[str, Any]]:
        """Return what ``ls --json`` tells, by console."""
        lines = self.ask("ls", "--json").stdout.splitlines()
        return {row["console"]: row for row in map(json.loads, lines)}

    def wait_up(self, names: list[str]) -> dict[str, dict[str, Any]]:
        """Wait until all of these are up; return what ``ls`` tells then."""

        def up(rows: dict[str, dict[str, Any]]) -> bool:
            return all(rows.get(name, {}).get("session") == "up" for name in names)

        return wait_until(self.rows, up, seconds=PATIENCE)


@pytest.fixture
def shards(tmp_path: Path) -> Iterator[Shards]:
    """Two shards, running, and all consoles up."""
    with BmcFleet(len(NAMES)) as fleet:
        found = Shards(Recorder(tmp_path / "r"), fleet)
        found.configure(2)
        try:
            found.start(1)
            found.start(2)
            found.wait_up(NAMES)
            yield found
        finally:
            for shard in list(found.running):
                found.kill(shard)


def test_commands_show_the_consoles_of_all_shards(shards: Shards) -> None:
    rows = shards.wait_up(NAMES)

    assert {name: row["instance"] for name, row in rows.items()} == {
        name: f"shard-{shard_of(name, 2)}" for name in NAMES
    }
    for name in NAMES:
        status = shards.ask("status", name, "--json")
        assert json.loads(status.stdout)["console"] == name
    events = shards.ask("events", "--json")
    assert events.returncode == 0, events.stderr
    told = {json.loads(line)["console"] for line in events.stdout.splitlines()}
    assert told >= set(NAMES)


def test_a_shard_that_does_not_answer_is_named_and_the_rest_is_shown(
    shards: Shards,
) -> None:
    shards.kill(2)

    answer = shards.ask("ls", "--json")

    shown = {json.loads(line)["console"] for line in answer.stdout.splitlines()}
    assert shown == {name for name in NAMES if shard_of(name, 2) == 1}
    assert answer.returncode == 3
    assert "shard-2: no answer" in answer.stderr


def test_a_third_shard_takes_its_consoles_over_and_no_other_moves(
    shards: Shards,
) -> None:
    before, sessions = shards.rows(), shards.fleet.sessions()
    shards.configure(3)
    plan = shards.ask("reload", "--json")
    shards.start(3)

    moved = {name for name in NAMES if shard_of(name, 3) == 3}
    after = wait_until(
        shards.rows,
        lambda rows: all(rows.get(n, {}).get("session") == "up" for n in NAMES),
        seconds=PATIENCE,
    )

    assert moved
    # The third does not run yet.
    assert plan.returncode == 3
    assert set(json.loads(plan.stdout)["stop"]) == moved
    assert {n for n in NAMES if after[n]["instance"] != before[n]["instance"]} == moved
    stayed = set(NAMES) - moved
    found = shards.fleet.sessions()
    assert all(found[name] == sessions[name] for name in stayed)


def test_a_process_that_is_no_shard_is_refused(shards: Shards) -> None:
    control = str(shards.recorder.directory / "control.sock")

    run = subprocess.run(
        [BIN / "solrecd", "run", "-c", shards.recorder.configuration],
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 2
    assert "run needs --shard" in run.stderr
    assert Path(beside(control, 1)).is_socket()
