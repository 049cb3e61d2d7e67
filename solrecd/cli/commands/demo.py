"""``solrecd demo``: the real daemon, recording a fleet of simulated machines.

The machines replay boots of real ones: they boot, fail and boot again, endlessly. The
BMCs in front of them speak RMCP+ over UDP on loopback, so everything else is what it
will be with real ones.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import trio

from solrecd.api.client import Client
from solrecd.cli.commands import check, run
from solrecd.cli.shared import amounts
from solrecd.config import Config
from solrecd.daemon import Daemon
from solrecd.process import log, systemd
from solrecd.process.clock import SteadyClock
from solrecd.process.threads import Job, in_thread
from solrecd.simbmc import captures
from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.capture import Capture
from solrecd.simbmc.fleet import Fleet
from solrecd.simbmc.machine import Machine, Playlist
from solrecd.simbmc.options import BmcOptions, User
from solrecd.simbmc.payload import SolSettings
from solrecd.storage import marker_files

USER = User(b"recorder", b"demo")

LOG_NAME = "solrecd.log"
"""Of the daemon's own log, in the folder of the demo."""

_ASK = Job("the link to the pages", "solrecctl web gives another")

_CONFIG = """\
# Written by `solrecd demo`; a real one needs little more.
[daemon]
log_dir = "{folder}/log"
state_dir = "{folder}/state"
control = "{folder}/control.sock"
journal = "{folder}/journal"
journal_size = "8MiB"
metrics = "127.0.0.1:{metrics}"

[web]
listen = "127.0.0.1:{web}"

[defaults]
username = "recorder"
password = "demo"

"""

_CONSOLE = '[console.{name}]\nbmc = "127.0.0.1:{port}"\n'

_WELCOME = """\
{count} simulated machines boot, fail and boot again. Their consoles are recorded in
  archive    {folder}/log/NAME/
  metrics    http://127.0.0.1:{metrics}/metrics
  socket     {folder}/control.sock
In another terminal, try
  {ctl} ls
  {ctl} tail -f '*'
  {ctl} boots
  {ctl} boots --failed
  {ctl} log demo1 --boot -1
  {ctl} status demo1
{end}
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "--consoles",
        type=_at_least_one,
        default=8,
        metavar="N",
        help="number of simulated machines (default: %(default)s)",
    )
    parser.add_argument(
        "--speed",
        type=amounts.above_zero,
        default=5.0,
        metavar="X",
        help="boot speed, relative to real machines (default: %(default)s)",
    )
    parser.add_argument(
        "--dir",
        type=Path,
        metavar="DIR",
        help="folder for archive, index and socket (default: a new temporary one)",
    )
    parser.add_argument(
        "--for",
        dest="seconds",
        type=amounts.above_zero,
        default=math.inf,
        metavar="SECONDS",
        help="stop after this time (default: on Ctrl-C)",
    )


def main(args: argparse.Namespace) -> int:
    """Run fleet and daemon in one process until it is enough."""
    folder = (args.dir or Path(tempfile.mkdtemp(prefix="solrecd-demo-"))).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    # Not over the commands that are suggested.
    log.configure(stream=(folder / LOG_NAME).open("a", encoding="utf-8"))
    return run.exit_status_of(_demo, folder, args)


async def _demo(folder: Path, args: argparse.Namespace) -> None:
    with Fleet() as fleet:
        boots = [captures.load(name) for name in captures.NAMES]
        for number in range(args.consoles):
            fleet.add(_machine(boots, number, args.speed))
        config_file = _write_config(folder, fleet)
        config = check.load(str(config_file))
        async with trio.open_nursery() as nursery:
            await nursery.start(fleet.run)
            await _record(config, config_file, args.seconds)
            nursery.cancel_scope.cancel()
    print(f"The recordings are still there: {_solrecctl()} --dir {folder}/log boots")


async def _record(config: Config, config_file: Path, seconds: float) -> None:
    daemon = Daemon(
        config,
        rules=marker_files.load(config.daemon.markers_dir),
        read_config=lambda: check.load(str(config_file)),
        notifier=systemd.Notifier(),
        wall_clock=SteadyClock(),
    )
    async with trio.open_nursery() as nursery:
        ended = trio.Event()
        await nursery.start(_run_daemon, daemon, ended)
        print(await _invitation(config), flush=True)
        print(_welcome(config, config_file, seconds), flush=True)
        with trio.move_on_after(seconds):
            await ended.wait()
        daemon.stop()


async def _invitation(config: Config) -> str:
    """Return a line with a link that opens the pages."""
    client = Client(config.daemon.control)
    found = await in_thread(_ASK, client.get, "/v1/web")
    if found["url"] is None:
        return "There are no pages: their port is taken."
    return f"Open in a browser: {found['url']}/login?key={found['key']}\n"


async def _run_daemon(  # noqa: ASYNC128 - `Daemon.run` calls it
    daemon: Daemon,
    ended: trio.Event,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    try:
        await daemon.run(task_status=task_status)
    finally:
        ended.set()


def _machine(boots: Sequence[Capture], number: int, speed: float) -> Bmc:
    """Return a BMC whose machine begins the story at a place of its own."""
    story = Playlist(boots, speed=speed, first=number % len(boots))
    # Output without a session is kept: the first boot is recorded from its start.
    sol = SolSettings(buffers_without_owner=True)
    return Bmc(BmcOptions(users=(USER,), sol=sol), Machine(story))


def _write_config(folder: Path, fleet: Fleet) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    consoles = "".join(
        _CONSOLE.format(name=f"demo{number}", port=member.port)
        for number, member in enumerate(fleet.members, 1)
    )
    path = folder / "solrecd.toml"
    path.touch(mode=0o600)
    path.write_text(
        _CONFIG.format(folder=folder, metrics=_free_port(), web=_free_port()) + consoles
    )
    return path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _welcome(config: Config, config_file: Path, seconds: float) -> str:
    end = "Ctrl-C ends it." if seconds == math.inf else f"It ends in {seconds:g} s."
    metrics = config.daemon.metrics
    return _WELCOME.format(
        count=len(config.consoles),
        folder=config_file.parent,
        metrics=None if metrics is None else metrics[1],
        ctl=f"{_solrecctl()} -c {config_file}",
        end=end,
    )


def _solrecctl() -> str:
    """Return what to type for `solrecctl` here: from a checkout it is not in PATH."""
    beside = Path(sys.executable).with_name("solrecctl")
    if shutil.which("solrecctl") or not beside.exists():
        return "solrecctl"
    return os.path.relpath(beside)


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number
