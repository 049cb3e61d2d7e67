"""A whole daemon and a real object store: killed in the middle, stopped, and read back.

What the daemon prints while it records is not the matter here: the archive is there.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from solrecd.process.stamps import SECOND
from solrecd.storage.offload.keys import MANIFESTS
from solrecd.storage.offload.store import Store
from tests.support.archives import Printed, write_segment
from tests.support.offloading import HOUR, NOON
from tests.support.recorder import Recorder
from tests.support.stores import (
    ACCESS_KEY,
    SECRET_KEY,
    Trouble,
    config_of,
    moto_store,
)

pytestmark = pytest.mark.e2e

PATIENCE = 120.0
"""Seconds for what takes a few, on a host that is busy with other tests."""

CONSOLES = ("node001", "node002", "node003")
BOOTS = 6


@pytest.fixture
def trouble() -> Trouble:
    return Trouble()


@pytest.fixture
def port(trouble: Trouble) -> Iterator[int]:
    with moto_store(trouble) as port:
        yield port


@pytest.fixture
def recorder(tmp_path: Path, port: int) -> Iterator[Recorder]:
    with Recorder(tmp_path / "rec") as recorder:
        for console in CONSOLES:
            fill(recorder.archive, console)
        secret = recorder.directory / "secret"
        secret.write_text(SECRET_KEY)
        secret.chmod(0o600)
        configure(recorder, port)
        yield recorder


def configure(recorder: Recorder, port: int) -> None:
    recorder.configure(
        f'[offload]\nurl = "s3://consoles/hall2"\nmember = "rec1"\n'
        f'endpoint = "http://127.0.0.1:{port}"\naccess_key = "{ACCESS_KEY}"\n'
        f'secret_key_file = "{recorder.directory}/secret"\n'
    )


def fill(archive: Path, console: str) -> None:
    for boot in range(1, BOOTS + 1):
        start = NOON + boot * HOUR
        text = os.urandom(2000).hex()
        printed = [Printed(start + n * SECOND, f"{n} {text}") for n in range(5)]
        write_segment(archive, console, printed, boot=boot, closed=boot < BOOTS)


def wait_for(what: str, condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def number(recorder: Recorder, name: str) -> float:
    """Return a metric without labels."""
    url = f"http://127.0.0.1:{recorder.metrics_port}/metrics"
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        text = answer.read().decode()
    found = re.search(rf"(?m)^{name} (\S+)$", text)
    assert found, name
    return float(found[1])


def is_all_there(recorder: Recorder) -> bool:
    return number(recorder, "solrecd_offload_queue_segments") == 0 and is_copied(
        recorder
    )


def is_copied(recorder: Recorder) -> bool:
    folder = recorder.directory / "state" / "offload"
    return {path.stem for path in folder.glob("*.json")} == set(CONSOLES)


def assert_identical(recorder: Recorder, port: int) -> None:
    """Compare every closed file with its copy."""
    store = Store(config_of(port))
    found = {item.key for item in store.list("") if MANIFESTS not in item.key}
    files = {
        f"{path.parent.name}/{path.name}": path.read_bytes()
        for path in recorder.archive.glob("*/*.zst")
    }
    assert len(files) == len(CONSOLES) * (BOOTS - 1) * 3
    assert files.keys() <= found
    for key, content in files.items():
        assert store.get(key) == content, key


def test_a_daemon_killed_while_it_copies_goes_on_where_it_was(
    recorder: Recorder, port: int, trouble: Trouble
) -> None:
    for puts in (7, 25, 60):
        reached = threading.Event()
        seen: list[str] = []

        def hold(
            path: str,
            seen: list[str] = seen,
            reached: threading.Event = reached,
            puts: int = puts,
        ) -> None:
            seen.append(path)
            if len(seen) >= puts:
                # In the middle of this upload the daemon is killed.
                reached.set()
                time.sleep(0.5)

        trouble.on_put = hold
        recorder.start()
        assert reached.wait(PATIENCE)
        recorder.kill()

    trouble.on_put = lambda _: None
    recorder.start()
    wait_for("all is copied", lambda: is_all_there(recorder))

    assert_identical(recorder, port)
    assert number(recorder, "solrecd_offload_failures_total") == 0


def test_a_store_that_is_down_at_the_start_costs_nothing_but_delay(
    recorder: Recorder, port: int, trouble: Trouble
) -> None:
    trouble.down = True
    recorder.start()
    wait_for(
        "a failure is counted",
        lambda: number(recorder, "solrecd_offload_failures_total") > 0,
    )
    waiting = len(CONSOLES) * (BOOTS - 1)
    assert number(recorder, "solrecd_offload_queue_segments") == waiting

    trouble.down = False
    wait_for("all is copied", lambda: is_all_there(recorder))
    assert_identical(recorder, port)


def test_a_store_that_hangs_does_not_hold_up_a_stop(
    recorder: Recorder, trouble: Trouble
) -> None:
    trouble.slow = 8.0
    recorder.start()
    wait_for("a request hangs", lambda: len(trouble.seen) > 2)

    assert recorder.stop(60) == 0


def test_what_is_copied_is_read_with_the_daemons_configuration(
    recorder: Recorder, port: int, tmp_path: Path
) -> None:
    recorder.start()
    wait_for("all is copied", lambda: is_all_there(recorder))

    command = [
        *(
            str(Path(sys.executable).with_name("solrecctl")),
            "--dir",
            "s3://consoles/hall2",
        ),
        *("-c", str(recorder.configuration), "log", "node002@3", "--no-stamps"),
    ]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    shown = subprocess.run(
        command, capture_output=True, text=True, check=True, env=environment
    )
    assert [line.split()[0] for line in shown.stdout.splitlines()] == list("01234")


def test_the_secret_is_neither_in_the_log_nor_among_the_arguments(
    recorder: Recorder, trouble: Trouble
) -> None:
    trouble.down = True
    recorder.start()
    wait_for(
        "a failure is counted",
        lambda: number(recorder, "solrecd_offload_failures_total") > 0,
    )

    arguments = Path(f"/proc/{recorder.pid}/cmdline").read_bytes()
    assert SECRET_KEY.encode() not in arguments
    recorder.stop()
    assert SECRET_KEY not in (recorder.directory / "stderr").read_text()
