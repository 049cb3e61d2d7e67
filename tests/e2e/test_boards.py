"""Firmwares, loaders and early user space: real ones, recorded over a socket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Any

import pytest

from tests.e2e.lab import boards, kernels
from tests.e2e.lab.media import Media
from tests.support.peers import need
from tests.support.recorder import Recorder, wait_until

PATIENCE = 480.0
"""Seconds in which all of them have come to their end, beside other tests."""


@dataclass(frozen=True, slots=True)
class Story:
    """What users are to read of a machine."""

    stages: str
    failures: str
    outcomes: str = "failed"
    """Of its boots, in order."""


EXPECTED = {
    "opensbi": Story("firmware loader", "loader_shell"),
    "uboot-arm64": Story("firmware loader", "pxe_error loader_shell"),
    "grub-no-kernel": Story("firmware bootdev loader", "loader_error grub_shell"),
    "grub-luks": Story("firmware bootdev loader", "waiting_for_input", "running"),
    "syslinux": Story("firmware bootdev loader", "loader_error", "running"),
    "memtest": Story("firmware loader", "", "running"),
    "edk2-arm64": Story("firmware bootdev", "no_device loader_shell"),
    "ipxe-no-file": Story("firmware bootdev", "pxe_error no_device"),
    "ipxe-no-dhcp": Story("firmware bootdev", "pxe_error no_device"),
    "luks": Story("firmware kernel initramfs", "waiting_for_input", "running"),
    "kexec": Story("firmware kernel initramfs init login", "", "shutdown ok"),
    "kdump": Story(
        "firmware kernel initramfs",
        "panic kdump_started kdump_saved",
        # It restarts in the end, which ends QEMU; what follows would settle this boot.
        "failed running",
    ),
    "slof": Story("firmware bootdev", "no_device loader_shell"),
    "systemd-boot": Story(
        "bootdev loader", "loader_error bootopt_failed no_device loader_shell"
    ),
}


@dataclass(frozen=True, slots=True)
class Lab:
    """All machines, started at once, and what records them."""

    recorder: Recorder
    machines: boards.Machines
    deadline: float
    """On the monotonic clock: when the last of them is to be done."""


@pytest.fixture(scope="module")
def lab(media: Media, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """All machines run, and are recorded."""
    need(boards.MISSING, available=boards.AVAILABLE)
    folder = tmp_path_factory.mktemp("boards")
    machines = boards.Machines(folder, {**boards.BOARDS, **kernels.machines(media)})
    with Recorder(folder / "solrecd") as recorder, machines:
        tables = (
            f'[console.{name}]\nkind = "unix"\npath = "{path}"\n'
            for name, path in machines.sockets.items()
        )
        recorder.configure("".join(tables))
        recorder.start()
        yield Lab(recorder, machines, monotonic() + PATIENCE)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_machine_is_understood_however_it_boots(lab: Lab, name: str) -> None:
    story = EXPECTED[name]
    stages, failures = set(story.stages.split()), set(story.failures.split())

    events = wait_until(
        lambda: lab.recorder.solrecctl("events", name),
        lambda found: (
            stages <= named(found, "stage") and failures <= named(found, "failure")
        ),
        seconds=max(1, lab.deadline - monotonic()),
    )

    assert named(events, "stage") >= stages
    assert named(events, "failure") == failures
    outcomes = wait_until(
        lambda: [boot["outcome"] for boot in lab.recorder.boots(name)],
        lambda found: found == story.outcomes.split(),
        seconds=10,
    )
    assert outcomes == story.outcomes.split()
    lab.machines.end(name)


def named(events: list[dict[str, Any]], kind: str) -> set[str]:
    """Return the names of a kind of events."""
    return {event["name"] for event in events if event["kind"] == kind}
