"""The long proofs of ``tests/reliability``, cut short: each still has to hold."""

from __future__ import annotations

import os

import pytest

from tests.reliability.__main__ import main
from tests.support.frozen_disk import CannotMountError


@pytest.mark.parametrize(
    "command",
    [
        "torture --kills 5 --consoles 10",
        "soak --minutes 0.7 --consoles 10 --kills 1",
        "hostile --datagrams 200000",
        pytest.param(
            "neighbours --consoles 50 --seconds 4 --patience 1000 --floods escapes",
            marks=pytest.mark.alone,
        ),
        pytest.param(
            "disks --consoles 10 --seconds 4 --patience 1000",
            marks=[
                pytest.mark.alone,
                pytest.mark.skipif(os.geteuid() != 0, reason="mounts"),
            ],
        ),
        pytest.param(
            "chaos --consoles 8 --minutes 0.7",
            marks=[
                pytest.mark.alone,
                pytest.mark.skipif(os.geteuid() != 0, reason="mounts"),
            ],
        ),
    ],
)
def test_a_short_proof_holds(command: str) -> None:
    try:
        status = main(command.split())
    except CannotMountError as error:
        pytest.skip(f"no file system of our own here: {error}")
    assert status == 0
