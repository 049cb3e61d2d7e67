"""Reloading the real daemon with a thousand consoles, and what people are told."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from solrecd.api.client import Client
from solrecd.cli.program import Exit, run
from solrecd.cli.solrecctl import PROGRAM
from solrecd.storage.index import FILE_NAME, Index, IndexFileError
from tests.support.recorder import Recorder, wait_until
from tests.support.simulators import PASSWORD, USERNAME, BmcFleet

CONSOLES = 1000
SPARE = 20
"""BMCs that get a console later."""

PROBE_EVERY = 0.002
UNHURRIED = 2.0
"""Seconds that an answer of the API may take while a fleet is reloaded: it passes
through the loop a dozen times, and the machine that runs tests does other things."""

ANSWERS = 10
"""Answers meanwhile, at least: a loop that stands still gives one."""

Settings = Mapping[str, str]
"""Keys of each console (TOML) beside its BMC, by name."""

DEFAULTS = f'[defaults]\nusername = "{USERNAME}"\npassword = "{PASSWORD}"\n'


class Site:
    """A daemon that records a fleet, and the configuration to change."""

    def __init__(self, recorder: Recorder, fleet: BmcFleet, journal: str) -> None:
        self.recorder = recorder
        self.fleet = fleet
        self._daemon = f'journal = "{journal}/journal"\n'

    def configure(self, consoles: Settings, daemon: str = "") -> None:
        """Write the configuration for these consoles."""
        tables = (
            f'[console.{name}]\nbmc = "{self.fleet.addresses[name]}"\n{keys}\n'
            for name, keys in consoles.items()
        )
        self.recorder.configure(self._daemon + daemon + DEFAULTS + "".join(tables))

    def wait_up(self, count: int) -> None:
        """Wait until so many sessions are up."""
        up = wait_until(
            lambda: self.recorder.total("solrecd_sol_session_up"),
            lambda found: found == count,
            seconds=60,
        )
        assert up == count, self.recorder.messages[-2000:]


@contextmanager
def site(folder: Path, count: int) -> Iterator[Site]:
    """Run a daemon that records so many of a few more BMCs."""
    with (
        TemporaryDirectory(dir="/dev/shm") as memory,
        BmcFleet(count + SPARE) as fleet,
        Recorder(folder) as recorder,
    ):
        found = Site(recorder, fleet, memory)
        found.configure(dict.fromkeys(list(fleet.addresses)[:count], ""))
        recorder.start()
        found.wait_up(count)
        yield found


@contextmanager
def watched_loop(client: Client) -> Iterator[list[float]]:
    """Ask the daemon over and over; the list holds the seconds of each answer."""
    answers: list[float] = []
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.wait(PROBE_EVERY):
            began = time.perf_counter()
            client.get("/v1/version")
            answers.append(time.perf_counter() - began)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answers
    finally:
        is_over.set()
        thread.join()


@pytest.mark.alone
def test_a_fleet_reloads_without_a_pause_and_keeps_what_did_not_change(
    tmp_path: Path,
) -> None:
    with site(tmp_path, CONSOLES) as one:
        names = list(one.fleet.addresses)
        removed, changed, labelled = names[:10], names[10:20], names[20:30]
        kept, added = names[20:CONSOLES], names[CONSOLES:]
        before = one.fleet.sessions()
        one.configure(
            dict.fromkeys(kept + added, "")
            | dict.fromkeys(changed, "keepalive = 15")
            | dict.fromkeys(labelled, 'labels = { rack = "r1" }')
        )
        client = Client(str(tmp_path / "control.sock"))

        with watched_loop(client) as answers:
            plan = client.post("/v1/reload", timeout=60)

        one.wait_up(CONSOLES - len(removed) + len(added))
        after = one.fleet.sessions()

    assert (plan["start"], plan["stop"]) == (added, removed)
    assert (plan["restart"], plan["update"]) == (changed, labelled)
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert all(not after[name] for name in removed), "the consoles are given back"
    assert all(after[name] != before[name] for name in changed)
    assert plan["seconds"] < 20
    assert len(answers) >= ANSWERS
    assert max(answers) < UNHURRIED, sorted(answers)[-5:]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Site]:
    """Run a daemon that records four consoles."""
    with site(tmp_path, 4) as one:
        yield one


Ctl = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ctl(small: Site, capsys: pytest.CaptureFixture[str]) -> Ctl:
    """Return `solrecctl` for that daemon: status, output, errors."""

    def call(*arguments: str) -> tuple[int, str, str]:
        control = str(small.recorder.directory / "control.sock")
        status = run(PROGRAM, ["-s", control, *arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def test_a_dry_run_prints_the_plan_and_changes_nothing(small: Site, ctl: Ctl) -> None:
    names = list(small.fleet.addresses)
    before = small.fleet.sessions()
    small.configure(
        {names[1]: "", names[2]: "keepalive = 15", names[3]: "yield_for = 60"}
        | dict.fromkeys(names[4:6], "")
    )

    status, output, _ = ctl("reload", "--dry-run")
    again, *_ = ctl("reload", "-n", "--json")

    assert (status, again) == (Exit.DONE, Exit.DONE)
    assert output.splitlines() == [
        "start\tn[0004-0005]\tadded",
        "stop\tn0000\tremoved",
        "restart\tn0002\tkeepalive changed",
        "update\tn0003\tyield_for changed",
    ]
    assert small.fleet.sessions() == before


def test_a_dry_run_of_what_runs_already_answers_no(ctl: Ctl) -> None:
    status, output, errors = ctl("reload", "--dry-run")

    assert (status, output, errors) == (Exit.NO, "", "")


def test_a_bad_configuration_changes_nothing_and_all_mistakes_are_told(
    small: Site, ctl: Ctl
) -> None:
    name = next(iter(small.fleet.addresses))
    before = small.fleet.sessions()
    small.configure({name: 'keepalive = 900\nusernam = "x"'})

    status, _, errors = ctl("reload")
    small.recorder.reload()

    assert status == Exit.USAGE
    assert f"solrecd.toml:14: console.{name}.keepalive" in errors
    assert f"solrecd.toml:15: console.{name}.usernam" in errors
    assert "nothing was changed" in errors
    assert small.fleet.sessions() == before
    assert small.recorder.messages.count("reload.refused") == 1
    assert f"console.{name}.keepalive" in small.recorder.messages
    assert small.recorder.total("solrecd_sol_session_up") == 4


def test_mistakes_are_objects_for_scripts(small: Site, ctl: Ctl) -> None:
    name = next(iter(small.fleet.addresses))
    small.configure({name: "keepalive = 900"})

    _, output, _ = ctl("reload", "--json")

    assert '"line": 14' in output
    assert f'"key": "console.{name}.keepalive"' in output


def test_what_counts_from_the_next_start_on_is_told_until_then(
    small: Site, ctl: Ctl
) -> None:
    names = list(small.fleet.addresses)[:4]
    small.configure(dict.fromkeys(names, ""), 'retention_age = "30d"\n')

    plans = [ctl("reload", "--json")[1] for _ in range(2)]
    _, _, errors = ctl("reload")

    assert "[daemon] retention_age: takes effect at the next start" in errors
    assert ['"daemon": ["retention_age"]' in plan for plan in plans] == [True, True]


def test_a_removed_console_is_said_to_be_down(small: Site, tmp_path: Path) -> None:
    first, *rest = list(small.fleet.addresses)[:4]
    small.configure(dict.fromkeys(rest, ""))

    small.recorder.reload()

    path = tmp_path / "state" / FILE_NAME

    def titles() -> list[str]:
        try:
            index = Index.read(path)
        except IndexFileError:
            return []  # nothing was written yet
        with closing(index):
            events = index.events([first], kinds=["session"])
            return [event["title"] for event in events if event["name"] == "down"]

    told = wait_until(titles, bool, seconds=10)
    assert told == ["session down: no longer in the configuration"]
