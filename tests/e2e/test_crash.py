"""Promise 1: what was acknowledged is recorded, also when the daemon is killed."""

import re
import time
from pathlib import Path

import pytest

from tests.support.recorder import Recorder, wait_until
from tests.support.simulators import PASSWORD, USERNAME, BmcFleet

PORT = 9623
"""A port that takes no privilege."""
RATE = 50
"""Packets per second, of two numbered lines each."""

CONFIGURATION = f"""
[defaults]
username = "{USERNAME}"
password = "{PASSWORD}"
on_conflict = "take"
"""


# A host that is busy starts a daemon more slowly than the BMC's buffer fills.
@pytest.mark.alone
@pytest.mark.parametrize("wait", [0.1, 0.37])
def test_a_killed_daemon_loses_no_acknowledged_line(
    tmp_path: Path, wait: float
) -> None:
    """The BMC forgets what was acknowledged and keeps the rest for the next session."""
    with (
        BmcFleet(1, "history", port=PORT, rate=RATE) as fleet,
        Recorder(tmp_path / "solrecd") as recorder,
    ):
        (console, address) = next(iter(fleet.addresses.items()))
        recorder.configure(CONFIGURATION + f'[console.{console}]\nbmc = "{address}"\n')

        for lines in (100, 200, 300):
            recorder.start()
            _wait_lines(recorder, console, lines)
            # Into the middle of a drain interval, and into another place of the next.
            time.sleep(wait)
            recorder.kill()
        recorder.start()
        _wait_lines(recorder, console, 400)
        recorder.stop()

        numbers = _numbers(recorder.raw(console))
        assert set(numbers) == set(range(max(numbers) + 1))


def _wait_lines(recorder: Recorder, console: str, count: int) -> None:
    recorded = wait_until(
        lambda: len(_numbers(recorder.raw(console))),
        lambda lines: lines > count,
        seconds=120,
    )
    assert recorded > count, recorder.messages


def _numbers(raw: bytes) -> list[int]:
    return [int(number) for number in re.findall(rb"(?m)^bmc0000 (\d{8}) ", raw)]
