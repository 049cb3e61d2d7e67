"""Other clients take the console from us: ipmitool on ipmi_sim, and our own ghost."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.ipmi_sim import PASSWORD, USERNAME, IpmiSim
from tests.support.recorder import Recorder, wait_until
from tests.support.simulators import BmcFleet

NOTICED_WITHIN = 20.0
"""Seconds; the keepalive that asks for the owner is as long by default."""

OBEYED_WITHIN = 10.0
"""Seconds for what a policy says, once the theft is known."""

PORT = 9624
"""A port that takes no privilege."""


@contextmanager
def recorded(folder: Path, policy: str) -> Iterator[tuple[IpmiSim, Recorder]]:
    """Record one BMC of OpenIPMI's, everything but the policy as by default."""
    with (
        IpmiSim(folder / "bmc") as bmc,
        Recorder(folder / "solrecd") as recorder,
    ):
        recorder.configure(
            f'[console.n1]\nbmc = "{bmc.address}"\nusername = "{USERNAME}"\n'
            f'password = "{PASSWORD}"\ncipher_suites = [3]\n'
            f'quirks = ["opensesspriv"]\n{policy}\n'
        )
        recorder.start()
        assert recorder.wait_session("n1", "up")["session"] == "up"
        yield bmc, recorder


@contextmanager
def thief(bmc: IpmiSim, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Take the console with ipmitool, on a terminal as it wants it; then let it go."""
    ipmitool = shlex.join(bmc.ipmitool_command())
    take = f"{ipmitool} sol deactivate && {ipmitool} sol activate"
    said = folder / "thief"
    # Who is robbed in turn does not come back; who came too late tries again.
    once = f"{take} || grep -q operational {shlex.quote(str(said))}"
    with said.open("wb") as output:
        process = subprocess.Popen(
            ["script", "-qefc", f"until {once}; do sleep 0.1; done", "/dev/null"],
            stdin=subprocess.PIPE,
            stdout=output,
            start_new_session=True,
        )
    try:
        operational = wait_until(
            lambda: b"operational" in said.read_bytes(), bool, seconds=60
        )
        assert operational, said.read_bytes()
        yield process
    finally:
        try:
            process.communicate(b"\r~.", timeout=5)
        except subprocess.TimeoutExpired:
            # It has no console to leave.
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def stolen(recorder: Recorder) -> bool:
    """Whether a theft has been counted."""
    return bool(recorder.metric("solrecd_sol_session_stolen_total", "n1"))


@pytest.mark.alone
@pytest.mark.parametrize(
    ("policy", "meanwhile"),
    [
        ('on_stolen = "wait"', "yielded"),
        ("", "yielded"),
        ('on_stolen = "take"', "up"),
    ],
)
def test_a_thief_is_noticed_and_the_policy_obeyed(
    bmc_software: None, tmp_path: Path, policy: str, meanwhile: str
) -> None:
    with recorded(tmp_path, policy) as (bmc, recorder):
        with thief(bmc, tmp_path):
            began = time.monotonic()
            noticed = wait_until(
                lambda: stolen(recorder), bool, seconds=NOTICED_WITHIN + 2
            )
            lasted = time.monotonic() - began
            obeyed = recorder.wait_session("n1", meanwhile, seconds=OBEYED_WITHIN)
        back = recorder.wait_session("n1", "up", seconds=OBEYED_WITHIN)
        bmc.wire.emit(b"ours again\r\n")
        wait_until(
            lambda: recorder.log("n1"), lambda log: "ours again" in log, seconds=5
        )
        log, events = recorder.log("n1"), recorder.solrecctl("events", "n1")

    assert noticed
    assert lasted < NOTICED_WITHIN
    assert obeyed["session"] == meanwhile
    assert back["session"] == "up"
    assert "ours again" in log
    assert any(event["fields"].get("reason") == "stolen" for event in events)
    assert "without a session (" in log


@pytest.mark.alone
def test_a_ghost_of_a_killed_daemon_is_not_waited_for(tmp_path: Path) -> None:
    with (
        BmcFleet(1, "history", port=PORT, rate=20) as fleet,
        Recorder(tmp_path / "solrecd") as recorder,
    ):
        (address,) = fleet.addresses.values()
        recorder.configure(
            f'[console.n0000]\nbmc = "{address}"\nusername = "recorder"\n'
            'password = "secret"\n'
        )
        recorder.start()
        assert recorder.wait_session("n0000", "up")["session"] == "up"
        recorder.kill()
        recorder.start()
        began = time.monotonic()
        row = recorder.wait_session("n0000", "up", seconds=OBEYED_WITHIN)
        lasted = time.monotonic() - began
        sessions = fleet.sessions()

    assert row["session"] == "up"
    # The BMC keeps the dead session for a minute, and with it the console.
    assert lasted < OBEYED_WITHIN
    assert len(sessions["n0000"]) == 2, recorder.messages
