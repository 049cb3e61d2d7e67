"""A recorder with few open files records on, however many clients there are."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.recorder import Recorder, wait_until
from tests.support.simulators import PASSWORD, USERNAME, BmcFleet

_ALLOWED = 300
_CONFIGURATION = f"""
[defaults]
username = "{USERNAME}"
password = "{PASSWORD}"
"""


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="needs util-linux")
def test_clients_of_the_metrics_leave_the_archive_its_files(tmp_path: Path) -> None:
    with (
        BmcFleet(4, port=9625, rate=20) as fleet,
        Recorder(tmp_path / "solrecd") as recorder,
    ):
        recorder.prefix = ("prlimit", f"--nofile={_ALLOWED}")
        tables = (
            f'[console.{name}]\nbmc = "{address}"\n'
            for name, address in fleet.addresses.items()
        )
        recorder.configure(_CONFIGURATION + "".join(tables))
        recorder.launch()
        _wait_for_metrics(recorder)
        with _clients(recorder.metrics_port, _ALLOWED):
            recorded = wait_until(
                lambda: {name: len(recorder.raw(name)) for name in fleet.addresses},
                lambda sizes: min(sizes.values(), default=0) > 4000,
                seconds=60,
            )
            used = len([*Path(f"/proc/{recorder.pid}/fd").iterdir()])
        assert min(recorded.values()) > 4000, recorder.messages[-3000:]
        assert used < _ALLOWED - 50
        assert "Too many open files" not in recorder.messages
        assert recorder.solrecctl("ls")


def _wait_for_metrics(recorder: Recorder) -> None:
    def answers() -> bool:
        try:
            socket.create_connection(("127.0.0.1", recorder.metrics_port)).close()
        except OSError:
            return False
        return True

    assert wait_until(answers, bool, seconds=60), recorder.messages


@contextmanager
def _clients(port: int, count: int) -> Iterator[None]:
    """Connect, and begin a request that never ends."""
    with ExitStack() as opened:
        for _ in range(count):
            client = socket.create_connection(("127.0.0.1", port), 10)
            opened.enter_context(client)
            try:
                client.sendall(b"GET /metrics HTTP/1.1\r\n")
            except OSError:
                continue  # there was no room for it
        time.sleep(0.5)
        yield
