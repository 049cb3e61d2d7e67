"""A stop is over in 20 s whatever hangs, and the next start recovers what it left.

One table: what hangs in a real daemon, all of them at once, for they mostly wait. Each
records a BMC of its own, has something hang, and gets SIGTERM; then it is started again
without the trouble, and has to have every byte that the BMC was told to have arrived.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio

from solrecd.process.stopping import LIMIT
from solrecd.simbmc.faults import Misbehaviour
from solrecd.simbmc.fleet import Member
from solrecd.simbmc.payload import SolSettings
from solrecd.storage.index.files import is_complete
from tests.reliability.comparison import count_repeated
from tests.reliability.fleet import Load, recorder_of, simulated, until_acknowledged
from tests.support.recorder import Recorder

BIN = Path(sys.executable).parent

HANGS_FOR = 4.0
"""Seconds from the beginning of the trouble to the signal."""

PATIENCE = 120.0
"""Seconds for all of the table to start at once."""

FIRST = 2000
"""Bytes that a console delivers before anything hangs, and again after it."""

SETTINGS = SolSettings(buffers_without_owner=True, retry_interval=0.2)

SESSIONS = 'kinds = ["session"]\nseverity = "info"\ndamping = "off"\n'


@dataclass(frozen=True, slots=True)
class Scene:
    """What an act can reach."""

    name: str
    """Of the console."""
    recorder: Recorder
    member: Member
    stack: ExitStack
    """Ends what it begins."""


Act = Callable[[Scene], None]
Prepare = Callable[[Recorder, ExitStack], None]


@dataclass(frozen=True, slots=True)
class Hang:
    """One trouble."""

    place: str = ""
    """See `hanging_recorder`; empty: nothing in the process itself hangs."""
    tables: str = ""
    """Of the configuration; ``{mute}`` is a server that answers nothing."""
    prepare: Prepare | None = None
    """Done before the first start."""
    is_there_at_first: bool = False
    """It hangs from the start on."""
    act: Act | None = None
    """What makes it hang."""
    named: str = ""
    """As what the log tells it."""


def run_solrecctl(*arguments: str) -> Act:
    """Ask the daemon something, and wait for no answer."""

    def act(scene: Scene) -> None:
        words = [word.format(name=scene.name) for word in arguments]
        command: list[str | Path] = [
            BIN / "solrecctl",
            *words,
            "-c",
            scene.recorder.configuration,
        ]
        asking = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        scene.stack.callback(asking.wait)
        scene.stack.callback(asking.kill)

    return act


def reload(scene: Scene) -> None:
    """Have the configuration read again."""
    os.kill(scene.recorder.pid, signal.SIGHUP)


def have_one_more_console(scene: Scene) -> None:
    """Add a console with an archive to be opened, and reload."""
    text = scene.recorder.configuration.read_text()
    scene.stack.callback(scene.recorder.configuration.write_text, text)
    more = '[console.more]\nbmc = "127.0.0.1:9"\n'
    scene.recorder.configuration.write_text(text + more)
    reload(scene)


def read_nothing(scene: Scene) -> None:
    """Ask for everything there is, also to attach, and read nothing of it."""
    control = str(scene.recorder.directory / "control.sock")
    metrics = "127.0.0.1", scene.recorder.metrics_port
    for path in ("/v1/tail", "/v1/watch", f"/v1/consoles/{scene.name}/attach"):
        reader = scene.stack.enter_context(closing(socket.socket(socket.AF_UNIX)))
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        reader.connect(control)
        reader.sendall(_request(path))
    scraping = scene.stack.enter_context(closing(socket.create_connection(metrics)))
    scraping.sendall(_request("/metrics"))
    follower = subprocess.Popen(
        [BIN / "solrecctl", "tail", scene.name, "-c", scene.recorder.configuration],
        stdout=subprocess.DEVNULL,
    )
    scene.stack.callback(follower.wait)
    scene.stack.callback(follower.kill)
    time.sleep(1.0)
    follower.send_signal(signal.SIGSTOP)


def _request(path: str) -> bytes:
    upgrade = (
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        if path.endswith("attach")
        else ""
    )
    return f"GET {path} HTTP/1.1\r\nHost: solrecd\r\n{upgrade}\r\n".encode()


def fall_silent(scene: Scene) -> None:
    """Let the BMC answer nothing any more."""
    scene.member.bmc.misbehaviour = Misbehaviour(mute=True)
    scene.stack.callback(setattr, scene.member.bmc, "misbehaviour", Misbehaviour())


def fill_the_log(scene: Scene) -> None:
    """Let the log be a pipe that is full and is not read."""
    pipe = os.open(scene.recorder.directory / "pipe", os.O_RDWR | os.O_NONBLOCK)
    scene.stack.callback(os.close, pipe)
    with suppress(BlockingIOError):
        while True:
            os.write(pipe, b"." * 4096)


def log_to_a_pipe(recorder: Recorder, stack: ExitStack) -> None:
    """Have standard error be a pipe."""
    path = recorder.directory / "pipe"
    os.mkfifo(path)
    # Held open, so that writers need no other reader.
    stack.callback(os.close, os.open(path, os.O_RDWR | os.O_NONBLOCK))
    script = f'exec "$0" "$@" 2>{path}'
    recorder.program = ("sh", "-c", script, *recorder.program)


def ask_a_silent_systemd(recorder: Recorder, _stack: ExitStack) -> None:
    """Have systemctl never answer, and not end when it is told to."""
    programs = recorder.directory / "bin"
    programs.mkdir()
    script = programs / "systemctl"
    script.write_text("#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 60; done\n")
    script.chmod(0o755)
    recorder.environment |= {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "SOLRECD_UNIT": "solrecd.service",
    }


LOKI = '[loki]\nurl = "{mute}"\n'
WEBHOOK = f'[alerts.hook]\ntype = "webhook"\nurl = "{{mute}}"\n{SESSIONS}'
RECEIVERS = f"""
[alerts.manager]
type = "alertmanager"
urls = ["{{mute}}"]
{SESSIONS}
[alerts.program]
type = "exec"
command = ["/bin/sh", "-c", "trap '' TERM; while :; do sleep 60; done"]
timeout = "1h"
{SESSIONS}
"""
NAMED = '[console.named]\nbmc = "bmc.example.net"\n'

HANGS: Mapping[str, Hang] = {
    "the archive's files": Hang("archive write", named="the archive"),
    "fsync": Hang("archive fsync", named="the archive's fsync"),
    "a console's archive": Hang(
        "archive open", act=have_one_more_console, named="the opening of an archive"
    ),
    "every console's archive": Hang("archive open", is_there_at_first=True),
    "the index, written": Hang(
        "index write",
        act=run_solrecctl("note", "{name}", "a row"),
        named="the index",
    ),
    "the index, closed": Hang("index close", named="the index"),
    "doctor's recall": Hang(
        "recall",
        act=run_solrecctl("doctor", "{name}"),
        named="the index of earlier boots",
    ),
    "a reload's files": Hang("reload", act=reload, named="the configuration's files"),
    "Loki's reading": Hang(
        "Loki read", LOKI, named="the archive, for receivers of logs"
    ),
    "Loki's positions": Hang(
        "Loki save", LOKI, named="the saving of the positions of logs"
    ),
    "the queue of a webhook": Hang("webhook queue", WEBHOOK, named="the queue of a"),
    "what fires": Hang("what fires", WEBHOOK, named="the saving of what fires"),
    "a name server": Hang(
        "name server", NAMED, is_there_at_first=True, named="the name server"
    ),
    "the disk of state_dir": Hang(
        "index write,Loki save,webhook queue,what fires,recall",
        LOKI + WEBHOOK,
        act=run_solrecctl("doctor", "{name}"),
        named="the saving of the positions of logs",
    ),
    "both disks": Hang(
        "archive write,archive fsync,index write,Loki read,webhook queue,free space",
        LOKI + WEBHOOK,
        named="the archive",
    ),
    "readers": Hang(act=read_nothing),
    "a BMC": Hang(act=fall_silent),
    "Loki, receivers, a program": Hang(tables=LOKI + WEBHOOK + RECEIVERS),
    "the log": Hang(prepare=log_to_a_pipe, act=fill_the_log),
    "systemd": Hang(prepare=ask_a_silent_systemd),
}


@dataclass(slots=True)
class Seen:
    """What came of one trouble."""

    seconds: float = 0.0
    """From the signal to the end of the process."""
    status: int | None = None
    """What it ended with; None: it did not."""
    said: str = ""
    """The log of the first process."""
    different: str = ""
    """How the archive differs from what was acknowledged."""
    index_is_complete: bool = False


@contextmanager
def silent_server() -> Iterator[str]:
    """Accept connections, and answer nothing; yield the URL."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


async def suffer(hang: Hang, scene: Scene, seen: Seen) -> None:
    """Record, have something hang, stop, and start once more without it."""
    recorder, alone = scene.recorder, {scene.name: scene.member}
    flag = recorder.directory / "hang"
    usual = recorder.program, dict(recorder.environment)
    if hang.place:
        entry = "tests.support.hanging_recorder"
        recorder.program = (sys.executable, "-m", entry, hang.place, flag)
    if hang.prepare is not None:
        hang.prepare(recorder, scene.stack)
    if hang.is_there_at_first:
        flag.touch()
    recorder.launch()
    if hang.place == "archive open" and hang.is_there_at_first:
        await until((recorder.directory / "control.sock").exists)
    else:
        await until_acknowledged(recorder, alone, FIRST, PATIENCE)
    flag.touch()
    if hang.act is not None:
        await trio.to_thread.run_sync(hang.act, scene)
    await trio.sleep(HANGS_FOR)
    seen.seconds, seen.status = await stop(recorder)
    seen.said = recorder.messages
    scene.stack.close()
    recorder.program, recorder.environment = usual
    end = scene.member.bmc.ledger.acknowledged
    await trio.to_thread.run_sync(recorder.start)
    await until_acknowledged(recorder, alone, FIRST, PATIENCE)
    index = recorder.directory / "state" / "index.sqlite"
    seen.index_is_complete = await until(lambda: is_complete(index))
    await stop(recorder)
    try:
        count_repeated(
            recorder.raw(scene.name), bytes(scene.member.bmc.ledger.kept), [end]
        )
    except AssertionError as error:
        seen.different = str(error)


async def until(is_so: Callable[[], bool], patience: float = 90.0) -> bool:
    """Wait until something is so; return whether it is."""
    with trio.move_on_after(patience):
        while not is_so():  # noqa: ASYNC110 - another process brings it about
            await trio.sleep(0.1)
    return is_so()


async def stop(recorder: Recorder) -> tuple[float, int | None]:
    """Stop a recorder as systemd does; return how long that takes, and its status."""
    began = time.monotonic()
    recorder.terminate()
    await until(lambda: recorder.has_ended, 2 * LIMIT)
    lasted = time.monotonic() - began
    if recorder.has_ended:
        return lasted, recorder.wait()
    recorder.kill()
    return lasted, None


async def suffer_all(directory: Path) -> Mapping[str, Seen]:
    """Have everything of the table happen at once, each to a recorder of its own."""
    load = Load(len(HANGS), rate=10.0, keep=1 << 30)
    all_seen = {name: Seen() for name in HANGS}
    with ExitStack() as stack:
        mute = stack.enter_context(silent_server())
        async with simulated(load, SETTINGS) as (_, members), trio.open_nursery() as at:
            for (name, hang), (console, member) in zip(
                HANGS.items(), members.items(), strict=True
            ):
                tables = hang.tables.replace("{mute}", mute)
                folder = directory / console
                recorder = stack.enter_context(
                    recorder_of(folder, {console: member}, tables=tables)
                )
                acts = stack.enter_context(ExitStack())
                scene = Scene(console, recorder, member, acts)
                at.start_soon(suffer, hang, scene, all_seen[name])
    return all_seen


@pytest.mark.alone
async def test_a_stop_ends_within_20_s_whatever_hangs_and_the_next_start_recovers_all(
    tmp_path: Path,
) -> None:
    all_seen = await suffer_all(tmp_path)

    lasted = {name: round(seen.seconds, 1) for name, seen in all_seen.items()}
    print(lasted)  # noqa: T201 - for people who wonder
    assert {name: s for name, s in lasted.items() if s > LIMIT} == {}
    assert {name for name, seen in all_seen.items() if seen.status} == {"the log"}
    unnamed = [
        name
        for name, hang in HANGS.items()
        if f'"waiting_for": "{hang.named}' not in all_seen[name].said and hang.named
    ]
    assert unnamed == []
    assert {n: s.different for n, s in all_seen.items() if s.different} == {}
    assert [n for n, seen in all_seen.items() if not seen.index_is_complete] == []
