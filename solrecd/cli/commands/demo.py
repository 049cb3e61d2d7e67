"""``solrecd demo``: the real daemon, recording a fleet of simulated machines.

The machines replay boots of real ones: they boot, fail and boot again, endlessly. The
BMCs in front of them speak RMCP+ over UDP on loopback, so everything else is what it
will be with real ones.
"""

from __future__ import annotations

import argparse
import io
import math
import os
import shlex
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

_ASK = Job("the link to the pages", "solrecctl web gives another")

CONFIG = """\
# Written by `solrecd demo`; a real one needs little more.
[daemon]
log_dir = "{folder}/log"
state_dir = "{folder}/state"
control = "{folder}/control.sock"
journal = "{folder}/journal"
journal_size = "8MiB"
metrics = "127.0.0.1:{metrics}"
retention_total = "{bound}"

[web]
listen = "127.0.0.1:{web}"

[defaults]
username = "recorder"
password = "demo"

"""

_CONSOLE = '[console.{name}]\nbmc = "127.0.0.1:{port}"\n'

_WELCOME = """\
{count} simulated machines boot, fail and boot again, and are recorded. {end}

In another terminal:
  {environment}
  solrecctl top                        all consoles, problems first
  solrecctl events --group             each failure once, and where it happened
  solrecctl diff demo1                 the last good boot against the last one
  solrecctl export demo1 -o boot.html  a boot as one HTML page
  solrecctl log demo1                  what it printed; opens at the failure
  solrecctl tail -f 'demo[1-8]'        what they print now
  solrecctl attach demo1               connect to its console; &. disconnects

archive    {folder}/log/NAME/ (at most {bound})
log        {folder}/solrecd.log
metrics    http://127.0.0.1:{metrics}/metrics
"""

_GOODBYE = """\
The recordings remain ({size}): {ctl} --dir {folder}/log boots
To remove them: rm -r {folder}
"""

ARCHIVE_BOUND = "32MiB"
LOG_BOUND = 1 << 20
"""Bytes after which the log of the demonstration starts again."""


class BoundedLog(io.StringIO):
    """A file for log lines that starts again when it is full."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path.open("w", encoding="utf-8", buffering=1)

    def write(self, text: str) -> int:
        """Write a line; return its characters."""
        if self._file.tell() + len(text) > LOG_BOUND:
            self._file.seek(0)
            self._file.truncate()
        return self._file.write(text)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


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
    log.configure(stream=BoundedLog(folder / "solrecd.log"))
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
    size = f"{_size_of(folder) / 1e6:.0f} MB"
    print(_GOODBYE.format(size=size, folder=folder, ctl=_solrecctl()), end="")


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
    consoles = "".join(
        _CONSOLE.format(name=f"demo{number}", port=member.port)
        for number, member in enumerate(fleet.members, 1)
    )
    path = folder / "solrecd.toml"
    path.touch(mode=0o600)
    text = CONFIG.format(
        folder=folder, metrics=_free_port(), web=_free_port(), bound=ARCHIVE_BOUND
    )
    path.write_text(text + consoles)
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
        environment=_environment(config_file),
        bound=ARCHIVE_BOUND,
        end=end,
    )


def _environment(config_file: Path) -> str:
    """Return what a shell needs for `solrecctl` to find itself and this recorder."""
    command = f"export SOLRECCTL_CONFIG={shlex.quote(str(config_file))}"
    folder = Path(_solrecctl()).parent
    if folder == Path():
        return command
    return f'{command} PATH="{folder.absolute()}:$PATH"'


def _solrecctl() -> str:
    """Return what to type for `solrecctl` here: from a checkout it is not in PATH."""
    beside = Path(sys.executable).with_name("solrecctl")
    if shutil.which("solrecctl") or not beside.exists():
        return "solrecctl"
    return os.path.relpath(beside)


def _size_of(folder: Path) -> int:
    """Return the bytes on disk of the files below a folder."""
    files = (path.lstat() for path in folder.rglob("*"))
    return sum(found.st_blocks * 512 for found in files)


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number
