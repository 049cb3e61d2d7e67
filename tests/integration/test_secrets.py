"""Passwords stay where they belong: in the configuration and in the daemon's memory."""

import json
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from solrecd.api.client import Client
from tests.support.recorder import Recorder, wait_until
from tests.support.simulators import USERNAME, BmcFleet

RIGHT, WRONG, LATER = "Tr0ub4dor", "c0rrecthorse", "b4tterystaple"
SECRETS = (RIGHT, WRONG, LATER)
CONSOLE = '[console.{name}]\nbmc = "{bmc}"\npassword = "{password}"\n'


def configure(recorder: Recorder, passwords: Mapping[str, tuple[str, str]]) -> None:
    """Write a configuration with BMC and password of each console."""
    tables = (
        CONSOLE.format(name=name, bmc=bmc, password=password)
        for name, (bmc, password) in passwords.items()
    )
    head = f'log_level = "debug"\n[defaults]\nusername = "{USERNAME}"\n'
    recorder.configure(head + "".join(tables))


@pytest.fixture
def seen(tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """Return all that a daemon shows whose passwords are right, wrong and changed."""
    with (
        TemporaryDirectory(dir="/dev/shm") as memory,
        BmcFleet(2, password=RIGHT, rate=5.0) as fleet,
        Recorder(Path(memory) / "site") as recorder,
    ):
        good, bad = fleet.addresses.items()
        passwords = {good[0]: (good[1], RIGHT), bad[0]: (bad[1], WRONG)}
        configure(recorder, passwords)
        recorder.start()
        recorder.wait_session(good[0], "up")
        recorder.wait_session(bad[0], "down")
        configure(recorder, passwords | {bad[0]: (bad[1], LATER)})
        client = Client(str(recorder.directory / "control.sock"))
        plan = client.post("/v1/reload", timeout=30)
        wait_until(lambda: recorder.recorded, bool, seconds=10)
        yield {
            "plan": json.dumps(plan),
            "status": json.dumps(recorder.solrecctl("status", *passwords)),
            "metrics": metrics(recorder),
            "log": recorder.messages,
            "process": process(recorder.pid),
            "files": files(recorder),
        }


def metrics(recorder: Recorder) -> str:
    """Return what Prometheus gets."""
    connection = HTTPConnection("127.0.0.1", recorder.metrics_port, timeout=10)
    connection.request("GET", "/metrics", headers={"Connection": "close"})
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def process(pid: int) -> str:
    """Return what others see of a process: arguments, environment."""
    folder = Path(f"/proc/{pid}")
    seen = ((folder / name).read_bytes() for name in ("cmdline", "environ"))
    return b"".join(seen).decode(errors="replace")


def files(recorder: Recorder) -> str:
    """Return all that the daemon has written, the journal too."""
    paths = (path for path in recorder.directory.rglob("*") if path.is_file())
    mine = (path for path in paths if path != recorder.configuration)
    return b"".join(path.read_bytes() for path in mine).decode(errors="replace")


def test_no_password_is_seen_anywhere(seen: Mapping[str, str]) -> None:
    found = {
        place: secret
        for place, text in seen.items()
        for secret in SECRETS
        if secret in text
    }

    assert not found
    assert USERNAME in seen["status"], "what may be seen is found"
    assert "bad_password" in seen["log"], "the wrong one was tried"
    assert "password changed" in seen["plan"]
    assert all(seen.values())
