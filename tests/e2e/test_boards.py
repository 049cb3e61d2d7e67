"""Firmwares and loaders that are no PC's, or fail: real ones, over a socket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from solrecd.analysis.boot.progress import ENDING_BOOT
from tests.e2e.lab import boards
from tests.support.peers import need
from tests.support.recorder import Recorder, wait_until

PATIENCE = 240.0
"""Seconds in which all of them have come to their end, beside other tests."""

EXPECTED = {
    "ipxe-no-dhcp": ({"firmware", "bootdev"}, {"pxe_error", "no_device"}),
    "ipxe-no-file": ({"firmware", "bootdev"}, {"pxe_error", "no_device"}),
    "uboot-arm64": ({"firmware", "loader"}, {"loader_shell"}),
    "opensbi": ({"firmware", "loader"}, {"loader_shell"}),
    "slof": ({"firmware"}, {"no_device"}),
    "edk2-arm64": ({"firmware", "bootdev"}, {"no_device"}),
    "memtest": ({"firmware", "loader"}, set()),
    "syslinux": ({"firmware", "bootdev", "loader"}, {"loader_error"}),
    "grub-no-kernel": ({"firmware", "bootdev", "loader"}, {"loader_error"}),
    "grub-luks": ({"firmware", "bootdev", "loader"}, {"waiting_for_input"}),
    "systemd-boot": ({"bootdev", "loader"}, {"loader_error"}),
}
"""Stages and failures of each, as users see them."""

LEADING = {"loader_error", "pxe_error"}
"""Failures of which a boot may tell more on its way to the last one."""


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """All machines run, and are recorded."""
    need(boards.MISSING, available=boards.AVAILABLE)
    folder = tmp_path_factory.mktemp("boards")
    with Recorder(folder / "solrecd") as recorder, boards.running(folder) as sockets:
        tables = (
            f'[console.{name}]\nkind = "unix"\npath = "{path}"\n'
            for name, path in sockets.items()
        )
        recorder.configure("".join(tables))
        recorder.start()
        yield recorder


@pytest.mark.parametrize("board", boards.BOARDS)
def test_a_machine_is_understood_however_it_boots(
    recorder: Recorder, board: str
) -> None:
    stages, failures = EXPECTED[board]

    events = wait_until(
        lambda: recorder.solrecctl("events", board),
        lambda found: (
            stages <= named(found, "stage") and failures <= named(found, "failure")
        ),
        seconds=PATIENCE,
    )

    assert named(events, "stage") >= stages
    assert named(events, "failure") >= failures
    # And nothing else: at most what led to it.
    assert named(events, "failure") <= failures | LEADING
    (boot,) = recorder.boots(board)
    assert boot["outcome"] == ("failed" if failures & ENDING_BOOT else "running")


def named(events: list[dict[str, Any]], kind: str) -> set[str]:
    """Return the names of a kind of events."""
    return {event["name"] for event in events if event["kind"] == kind}
