"""The long proofs of ``tests/reliability``, cut short: each still has to hold."""

from __future__ import annotations

import pytest

from tests.reliability.__main__ import main


@pytest.mark.parametrize(
    "command",
    [
        "torture --kills 5 --consoles 10",
        "soak --minutes 0.3 --consoles 10 --kills 1",
        "hostile --datagrams 200000",
        "neighbours --consoles 50 --seconds 4 --patience 1000",
    ],
)
def test_a_short_proof_holds(command: str) -> None:
    assert main(command.split()) == 0
