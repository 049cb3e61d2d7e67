"""Each log in tests/golden is understood as the .golden file beside it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from solrecd.simbmc import captures
from tests.support.golden import interpret, render

GOLDEN = Path(__file__).parents[1] / "golden"
LOGS = sorted(GOLDEN.glob("*.log"))


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_a_log_is_understood_as_expected(log: Path) -> None:
    understood = render(*interpret(log.read_bytes(), 1 << 20))

    assert understood == log.with_suffix(".golden").read_text()


@pytest.mark.parametrize("size", [1, 7, 255])
@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_packet_sizes_do_not_change_what_is_understood(log: Path, size: int) -> None:
    understood = render(*interpret(log.read_bytes(), size))

    assert understood == log.with_suffix(".golden").read_text()


@pytest.mark.parametrize("size", [7, 255, 1 << 20])
@pytest.mark.parametrize("name", captures.NAMES)
def test_a_recorded_boot_is_understood_as_expected(name: str, size: int) -> None:
    understood = render(*interpret(captures.load(name).data, size))

    assert understood == (GOLDEN / "captures" / f"{name}.golden").read_text()
