"""The whole daemon in this process, recording simulated BMCs over loopback.

Everything is real here but the BMCs: sockets, journal, writer threads, index, API.
"""

from __future__ import annotations

import errno
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio

from solrecd.api.client import ApiError, Client
from solrecd.config import Config, ConsoleConfig, DaemonConfig, Secret
from solrecd.daemon import Daemon
from solrecd.metrics import Format
from solrecd.process.systemd import Notifier
from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.faults import Faults, Misbehaviour, Mishap
from solrecd.simbmc.fleet import Fleet, Member
from solrecd.simbmc.ledger import Ledger
from solrecd.simbmc.machine import ChassisControl, Machine, NumberedLines, numbered
from solrecd.simbmc.options import OPENBMC, BmcOptions, Habits, User
from solrecd.simbmc.payload import SolSettings
from solrecd.sources.ipmi.options import OnConflict
from solrecd.storage import marker_files
from solrecd.storage.archive.files import FileSystem, OsFileSystem
from solrecd.storage.archive.sink import ArchiveError
from solrecd.storage.index import FILE_NAME, Index, is_complete
from solrecd.storage.index.boot_history import BootHistory
from tests.support.archives import Printed, write_segment
from tests.support.configs import bmc_console

TIMEOUT = 180
"""Seconds for what normally takes one or two."""

TOTAL = 12_800
PACKET = 128
"""Bytes that a machine prints."""


def make_bmc(
    name: str,
    *,
    total: int | None = TOTAL,
    rate: float = 100,
    habits: Habits = Habits.ORDINARY,
) -> Bmc:
    """Return a BMC whose machine prints numbered lines.

    It keeps them for an owner, which OpenBMC does not: there the machine waits.
    """
    options = BmcOptions(
        users=(User(b"recorder", b"secret"),),
        sol=SolSettings(buffers_without_owner=True, retry_interval=0.05),
    )
    source = NumberedLines(name, rate=rate, size=PACKET, total=total)
    if habits is Habits.OPENBMC:
        return Bmc(OPENBMC, PatientMachine(source), ledger=Ledger(keep=1 << 20))
    return Bmc(options, Machine(source), ledger=Ledger(keep=1 << 20))


class PatientMachine(Machine):
    """Prints nothing before it is told to."""

    is_held = True

    @property
    def deadline(self) -> float | None:
        """See `Machine`."""
        return None if self.is_held else super().deadline

    def output(self, now: float) -> bytes:
        """See `Machine`."""
        return b"" if self.is_held else super().output(now)


def console_config(member: Member, name: str, **changes: Any) -> ConsoleConfig:
    """Return the configuration of a console behind a simulated BMC."""
    place = {"host": member.host, "port": member.port}
    return bmc_console(name, **(place | changes))


class Site:
    """A fleet and a folder; daemons come and go."""

    def __init__(self, folder: Path, fleet: Fleet | None = None) -> None:
        self.folder = folder
        self._fleet = fleet
        self.consoles: dict[str, ConsoleConfig] = {}
        self.habits = Habits.ORDINARY
        """Of BMCs that tests make for it."""
        self.later = 0
        """Microseconds by which the daemon's clock is ahead: time that has passed."""

    @property
    def fleet(self) -> Fleet:
        """The BMCs."""
        assert self._fleet is not None, "this site has none"
        return self._fleet

    def add(self, bmc: Bmc, name: str, **changes: Any) -> Member:
        """Put a BMC and its console into the configuration."""
        member = self.fleet.add(bmc, faults=changes.pop("faults", Faults()))
        self.consoles[name] = console_config(member, name, **changes)
        return member

    def config(self) -> Config:
        """Return the configuration as it is now."""
        daemon = DaemonConfig(
            log_dir=str(self.folder / "log"),
            state_dir=str(self.folder / "state"),
            control=str(self.folder / "control.sock"),
            markers_dir=str(self.folder / "markers.d"),
            journal_size=1 << 20,
            metrics=None,
            compress=False,
        )
        return Config(daemon=daemon, consoles=dict(self.consoles))

    @asynccontextmanager
    async def recording(self, files: FileSystem | None = None) -> AsyncIterator[Daemon]:
        """Run a daemon; on leaving, stop it as SIGTERM does."""
        daemon = Daemon(
            self.config(),
            rules=marker_files.load(),
            read_config=self.config,
            notifier=Notifier(),
            wall_clock=lambda: time.time_ns() // 1000 + self.later,
            files=files,
        )
        async with trio.open_nursery() as nursery:
            await nursery.start(daemon.run)
            yield daemon
            daemon.stop()

    async def begin(self, member: Member, name: str) -> None:
        """Let a patient machine print, once its console is recorded."""
        machine = member.bmc.machine
        if isinstance(machine, PatientMachine):
            await self.wait(name, session="up")
            machine.is_held = False
            self.fleet.poke(member)

    def raw(self, name: str) -> bytes:
        """Return everything recorded of a console, its segments in order."""
        files = sorted((self.folder / "log" / name).glob("2*.raw"))
        return b"".join(file.read_bytes() for file in files)

    def text(self, name: str) -> str:
        """Return the text of a console's segments in order."""
        files = sorted((self.folder / "log" / name).glob("2*.log"))
        return "".join(file.read_text() for file in files)

    def switch(self, member: Member, control: ChassisControl) -> None:
        """Press the machine's power button."""
        member.bmc.controller.control(control, trio.current_time())
        self.fleet.poke(member)

    def events(self, name: str, kind: str) -> list[tuple[str, int | None]]:
        """Return name and boot of a console's events, as the index has them."""
        with closing(Index.read(self.folder / "state" / FILE_NAME)) as index:
            found = index.events([name], kinds=[kind])
            return [(event["name"], event["boot"]) for event in found]

    def boots(self, name: str) -> list[dict[str, Any]]:
        """Return a console's boots, as the index has them."""
        with closing(Index.read(self.folder / "state" / FILE_NAME)) as index:
            return list(index.boots([name]))

    async def ls(self, name: str) -> Mapping[str, Any]:
        """Ask the daemon about a console, through its socket."""
        return next(row for row in await self.rows() if row["console"] == name)

    async def rows(self) -> list[dict[str, Any]]:
        """Ask the daemon about all consoles."""
        client = Client(str(self.folder / "control.sock"))
        rows: list[dict[str, Any]] = await trio.to_thread.run_sync(
            client.get, "/v1/consoles"
        )
        return rows

    async def wait(self, name: str, **wanted: object) -> Mapping[str, Any]:
        """Return the console's ``ls`` object once it has these values."""
        with trio.fail_after(TIMEOUT):
            row = await self.ls(name)
            while any(row[key] != value for key, value in wanted.items()):
                await trio.sleep(0.05)
                row = await self.ls(name)
            return row


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that the daemon or a BMC brings about."""
    with trio.fail_after(TIMEOUT):
        while not condition():  # noqa: ASYNC110 - a BMC has no trio.Event
            await trio.sleep(0.02)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Return a site whose fleet is served."""
    with Fleet(seed=7) as fleet:
        async with trio.open_nursery() as nursery:
            await nursery.start(fleet.run)
            yield Site(tmp_path, fleet)
            nursery.cancel_scope.cancel()


async def test_every_acknowledged_byte_is_recorded_once_and_in_order(
    site: Site,
) -> None:
    bmc = make_bmc("node1")
    site.add(bmc, "node1")

    async with site.recording():
        await until(lambda: bmc.ledger.acknowledged == TOTAL)

    assert site.raw("node1") == numbered("node1", 0, TOTAL)


@pytest.mark.parametrize(
    "faults",
    [
        Faults(loss=0.2),
        Faults(duplication=0.5),
        Faults(reordering=0.3, reorder_hold=0.03),
        Faults(corruption=0.2),
        Faults(loss=0.1, duplication=0.2, delay=0.005, jitter=0.02, corruption=0.05),
    ],
    ids=["loss", "duplication", "reordering", "corruption", "all"],
)
async def test_a_bad_network_costs_no_byte_and_repeats_none(
    site: Site, faults: Faults
) -> None:
    bmc = make_bmc("node1", total=TOTAL // 4)
    site.add(bmc, "node1", faults=faults)

    async with site.recording():
        await until(lambda: bmc.ledger.acknowledged == TOTAL // 4)

    assert site.raw("node1") == numbered("node1", 0, TOTAL // 4)


async def test_text_is_in_the_log_while_the_daemon_runs(site: Site) -> None:
    bmc = make_bmc("node1")
    site.add(bmc, "node1")

    async with site.recording():
        await until(lambda: bmc.ledger.acknowledged == TOTAL)
        await until(lambda: site.text("node1").count("\n") == TOTAL // 64)
        row = await site.wait("node1", session="up")

    assert row["last_output"] is not None
    assert row["error"] is None


async def test_a_daemon_that_comes_back_goes_on_and_marks_the_gap(site: Site) -> None:
    # Slow enough that the BMC has room for a gap of five seconds.
    bmc = make_bmc("node1", rate=25)
    site.add(bmc, "node1")

    async with site.recording():
        await until(lambda: bmc.ledger.acknowledged > TOTAL // 4)
    before = site.raw("node1")
    async with site.recording():
        await until(lambda: bmc.ledger.acknowledged == TOTAL)

    printed = numbered("node1", 0, TOTAL)
    # A packet that crossed our goodbye is recorded, and kept by the BMC as well.
    again = before + printed[len(before) - PACKET :]
    assert site.raw("node1") in (printed, again)
    assert site.text("node1").count("# gap: ") == 1
    assert "s without a session (stopped)" in site.text("node1")


async def test_a_bmc_that_restarts_is_recorded_again_and_the_gap_is_marked(
    site: Site,
) -> None:
    bmc = make_bmc("node1", total=None)
    member = site.add(bmc, "node1", keepalive=2.0)

    async with site.recording():
        await until(lambda: bmc.ledger.acknowledged > 1000)
        bmc.inject(Mishap.RESET, trio.current_time())
        site.fleet.poke(member)
        acknowledged = bmc.ledger.acknowledged
        await until(lambda: bmc.ledger.acknowledged > acknowledged + 1000)

    assert "# gap: " in site.text("node1")


@pytest.mark.parametrize(
    ("changes", "misbehaviour", "words"),
    [
        ({"password": Secret(b"wrong")}, {}, "bad_password"),
        ({"username": b"nobody"}, {}, "bad_username"),
        ({"cipher_suites": (3,)}, {"open_session_status": 0x11}, "suite_refused"),
        ({}, {"refusals": {(0x06, 0x48): 0x81}}, "sol_disabled"),
    ],
    ids=["password", "user", "suite", "disabled"],
)
async def test_a_refusal_is_one_clear_line_with_the_next_try(
    site: Site,
    changes: dict[str, Any],
    misbehaviour: dict[str, Any],
    words: str,
) -> None:
    bmc = make_bmc("node1")
    bmc.misbehaviour = Misbehaviour(**misbehaviour)
    site.add(bmc, "node1", **changes)

    async with site.recording():
        row = await site.wait("node1", session="down")

    assert row["error"].startswith(f"{words}: ")
    assert "\n" not in row["error"]
    assert row["next_try"] is not None


async def test_a_stolen_console_is_noticed_and_left_to_the_thief(site: Site) -> None:
    bmc = make_bmc("node1", total=None)
    member = site.add(bmc, "node1", keepalive=1.0)

    async with site.recording():
        await site.wait("node1", session="up")
        bmc.inject(Mishap.STEAL, trio.current_time())
        site.fleet.poke(member)
        yielded = await site.wait("node1", session="yielded")
        bmc.inject(Mishap.RELEASE, trio.current_time())
        site.fleet.poke(member)
        await site.wait("node1", session="up")

    assert yielded["error"].startswith("foreign_owner: ")


async def test_a_stolen_console_is_taken_back_where_that_is_the_policy(
    site: Site,
) -> None:
    bmc = make_bmc("node1", total=None)
    member = site.add(bmc, "node1", keepalive=1.0, on_stolen=OnConflict.TAKE)

    async with site.recording():
        await site.wait("node1", session="up")
        bmc.inject(Mishap.STEAL, trio.current_time())
        site.fleet.poke(member)
        acknowledged = bmc.ledger.acknowledged
        await until(lambda: bmc.ledger.acknowledged > acknowledged + 1000)

    assert "(stolen)" in site.text("node1")


async def test_a_reload_touches_only_what_changed(site: Site) -> None:
    kept, dropped, late = (make_bmc(f"node{n}", total=None) for n in (1, 2, 3))
    site.add(kept, "node1")
    site.add(dropped, "node2")

    async with site.recording():
        await site.wait("node1", session="up")
        await site.wait("node2", session="up")
        sessions = set(kept.controller.sessions)
        del site.consoles["node2"]
        site.add(late, "node3")
        client = Client(str(site.folder / "control.sock"))
        plan = await trio.to_thread.run_sync(client.post, "/v1/reload")
        await site.wait("node3", session="up")
        still = set(kept.controller.sessions)
        rows = await trio.to_thread.run_sync(client.get, "/v1/consoles")

    assert (plan["start"], plan["stop"], plan["keep"]) == (["node3"], ["node2"], 1)
    assert still == sessions
    assert [row["console"] for row in rows] == ["node1", "node3"]
    assert not dropped.controller.sessions


async def test_a_clean_stop_gives_the_console_back(site: Site) -> None:
    bmc = make_bmc("node1", total=None)
    site.add(bmc, "node1")

    async with site.recording():
        await site.wait("node1", session="up")

    assert bmc.controller.owner is None
    assert not bmc.controller.sessions


@pytest.mark.alone
async def test_a_silent_bmc_cannot_hold_shutdown_up(site: Site) -> None:
    bmc = make_bmc("node1", total=None)
    site.add(bmc, "node1")

    async with site.recording():
        await site.wait("node1", session="up")
        bmc.inject(Mishap.MUTE, trio.current_time())
        began = trio.current_time()

    assert trio.current_time() - began < 5


async def test_the_power_is_known_soon_after_the_session_is_up(site: Site) -> None:
    on, off = make_bmc("node1", total=None), make_bmc("node2", total=None)
    site.add(on, "node1")
    site.switch(site.add(off, "node2"), ChassisControl.POWER_DOWN)

    async with site.recording():
        await site.wait("node1", power="on")
        await site.wait("node2", power="off")

    assert site.events("node1", "power") == site.events("node2", "power") == []


async def test_a_power_cut_ends_the_boot_and_power_begins_the_next(site: Site) -> None:
    bmc = make_bmc("node1", total=None)
    member = site.add(bmc, "node1")

    async with site.recording():
        await site.wait("node1", power="on")
        await until(lambda: bmc.ledger.acknowledged > 1000)
        site.switch(member, ChassisControl.POWER_DOWN)
        off = await site.wait("node1", power="off")
        site.switch(member, ChassisControl.POWER_UP)
        on = await site.wait("node1", power="on")
        acknowledged = bmc.ledger.acknowledged
        await until(lambda: bmc.ledger.acknowledged > acknowledged + 1000)

    first, second = site.boots("node1")
    assert (off["stage"], on["boot"]) == ("off", 2)
    assert (first["ended"] is not None, second["cause"]) == (True, "power")
    assert site.events("node1", "power") == [("off", 1), ("on", 2)]
    assert "# power: off\n" in site.text("node1")


async def test_power_that_changed_unseen_is_told(site: Site) -> None:
    bmc = make_bmc("node1", total=None)
    member = site.add(bmc, "node1")

    async with site.recording():
        await site.wait("node1", power="on")
        site.switch(member, ChassisControl.POWER_DOWN)
        await site.wait("node1", power="off")
    async with site.recording():
        quiet = await site.wait("node1", power="off")
    site.switch(member, ChassisControl.POWER_UP)
    async with site.recording():
        await site.wait("node1", power="on")

    assert (quiet["stage"], quiet["boot"]) == ("off", 1)
    assert site.events("node1", "power") == [("off", 1), ("on", 2)]


async def test_a_bmc_that_does_not_tell_the_power_is_recorded_all_the_same(
    site: Site,
) -> None:
    bmc = make_bmc("node1")
    bmc.misbehaviour = Misbehaviour(refusals={(0x00, 0x01): 0xC1})
    site.add(bmc, "node1")

    async with site.recording():
        await until(lambda: bmc.ledger.acknowledged == TOTAL)
        row = await site.ls("node1")

    assert (row["power"], row["session"]) == ("unknown", "up")


@pytest.mark.parametrize("damage", ["removed", "garbage"])
async def test_a_lost_index_is_rebuilt_and_the_archive_left_alone(
    site: Site, damage: str
) -> None:
    bmc = make_bmc("node1")
    site.add(bmc, "node1")
    index = site.folder / "state" / "index.sqlite"
    async with site.recording():
        await until(lambda: bmc.ledger.acknowledged == TOTAL)
    before = site.raw("node1")

    if damage == "garbage":
        index.write_bytes(b"no index at all\n" * 100)
    else:
        index.unlink()
    async with site.recording():
        await until(lambda: is_complete(index))

    assert site.raw("node1") == before
    assert BootHistory(index, outcomes=(), count=0).recall("node1").boot is not None


OWN_RULE = """
[[marker]]
id = "site.raid"
role = "failure"
name = "raid"
severity = "critical"
pattern = 'RAID degraded'
example = "RAID degraded: disk 3"
"""


async def test_an_index_is_rebuilt_with_the_rules_of_this_daemon(site: Site) -> None:
    site.add(make_bmc("node1"), "node1")
    write_segment(site.folder / "log", "node0", [Printed(1, "RAID degraded: disk 3")])
    (site.folder / "markers.d").mkdir()
    (site.folder / "markers.d" / "own.toml").write_text(OWN_RULE)

    async with site.recording():
        await until(lambda: is_complete(site.folder / "state" / FILE_NAME))

    assert site.events("node0", "failure") == [("raid", 1)]


async def test_a_second_daemon_on_a_log_folder_is_refused(site: Site) -> None:
    site.add(make_bmc("node1"), "node1")
    config = site.config()
    other = replace(config.daemon, control=str(site.folder / "other" / "control.sock"))

    async with site.recording():
        with pytest.raises(ArchiveError, match=r"another solrecd \(pid \d+\) records"):
            Daemon(
                replace(config, daemon=other),
                rules=marker_files.load(),
                read_config=site.config,
                notifier=Notifier(),
                wall_clock=lambda: time.time_ns() // 1000,
            )


class _Unreadable(OsFileSystem):
    """A disk on which one console's folder cannot be read, for now."""

    def __init__(self, console: str) -> None:
        self.console: str | None = console

    def device(self, folder: Path) -> int:
        if folder.name == self.console:
            raise OSError(errno.EIO, "Input/output error")
        return super().device(folder)


async def test_a_file_that_is_removed_is_marked_everywhere_once(site: Site) -> None:
    bmc = make_bmc("node1")
    site.add(bmc, "node1")

    async with site.recording() as daemon:
        await until(lambda: bmc.ledger.acknowledged == TOTAL)
        await until(lambda: len(site.raw("node1")) == TOTAL)
        (raw,) = (site.folder / "log" / "node1").glob("2*.raw")
        raw.unlink()
        await until(lambda: "was removed" in site.text("node1"))
        scrape = b"".join(daemon._scrape(Format.TEXT)).decode()

    assert site.text("node1").count("# gap: ") == 1
    assert site.events("node1", "gap") == [("crash", 1)]
    assert f'lost_bytes_total{{console="node1",reason="crash"}} {TOTAL}' in scrape


async def test_a_console_that_cannot_be_opened_is_in_ls_with_why(site: Site) -> None:
    for name in ("node1", "node2"):
        site.add(make_bmc(name), name, labels={"rack": "r1"})
    files = _Unreadable("node1")

    async with site.recording(files) as daemon:
        await site.wait("node2", session="up")
        row = await site.ls("node1")
        client = Client(str(site.folder / "control.sock"))
        status = await trio.to_thread.run_sync(client.get, "/v1/consoles/node1")
        scrape = b"".join(daemon._scrape(Format.TEXT)).decode()
        with pytest.raises(ApiError, match="node1 is not recorded: "):
            await trio.to_thread.run_sync(client.post, "/v1/consoles/node1/reconnect")
        files.console = None
        await site.wait("node1", session="up")

        recorded = await site.ls("node1")

    assert row["session"] == status["session"] == "down"
    assert "Input/output error" in row["error"]
    assert row["next_try"] is not None
    assert row.keys() == recorded.keys()
    assert recorded["error"] is None
    assert 'console="node1",state="down",reason="not_opened"' in scrape
