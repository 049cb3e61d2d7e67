"""Real boots, from power on through IPMI to what solrecctl tells about them.

Firmware, GRUB and kernel are the real ones; the truth is what left the UARTs.
One daemon records all of them; they run one after the other.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.lab.machine import Firmware, Machine, Scenario
from tests.e2e.lab.media import Media
from tests.support.ipmi_sim import PASSWORD, USERNAME
from tests.support.recorder import Recorder, wait_until

CONSOLES = {
    "login-bios": (Scenario.LOGIN, Firmware.SEABIOS),
    "login-uefi": (Scenario.LOGIN, Firmware.OVMF),
    "crash": (Scenario.CRASH, Firmware.SEABIOS),
    "hang": (Scenario.HANG, Firmware.SEABIOS),
    "rescue": (Scenario.GRUB_RESCUE, Firmware.SEABIOS),
    "blank": (Scenario.BLANK_DISK, Firmware.SEABIOS),
    "nodisk-bios": (Scenario.NO_DISK, Firmware.SEABIOS),
    "nodisk-uefi": (Scenario.NO_DISK, Firmware.OVMF),
}

STUCK_AFTER = 5
"""Seconds in the init stage; a healthy lab machine needs one."""

DEFAULTS = f"""
[defaults]
username = "{USERNAME}"
password = "{PASSWORD}"
cipher_suites = [3]
quirks = ["opensesspriv"]
[stages.timeout]
init = {STUCK_AFTER}
"""


@dataclass(frozen=True, slots=True)
class Lab:
    """One daemon and the machines that it records."""

    recorder: Recorder
    machines: Mapping[str, Machine]
    kernel_release: str

    def wait_boot(self, console: str, **expected: object) -> dict[str, Any]:
        """Return the console's last boot once it looks as expected."""

        def is_right(boots: list[dict[str, Any]]) -> bool:
            return bool(boots) and expected.items() <= boots[-1].items()

        boots = wait_until(lambda: self.recorder.boots(console), is_right, seconds=120)
        assert boots, f"no boot of {console}: {self.recorder.messages[-2000:]}"
        assert {key: boots[-1].get(key) for key in expected} == expected
        return boots[-1]

    def failures(self, console: str, name: str) -> float | None:
        """Return how often this failure was counted in the metrics."""
        return self.recorder.metric("solrecd_failures_total", console, name=name)

    def settle(self, console: str) -> None:
        """Switch the machine off and compare what was recorded with the truth."""
        machine = self.machines[console]
        machine.power_off()
        self.recorder.wait_raw(console, lambda: machine.wire.sent)


@pytest.fixture(scope="module")
def lab(media: Media, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """All machines off, all sessions up."""
    folder = tmp_path_factory.mktemp("lab")
    with ExitStack() as stack:
        recorder = stack.enter_context(Recorder(folder / "solrecd"))
        machines = {
            console: stack.enter_context(Machine(folder / console, media, *parts))
            for console, parts in CONSOLES.items()
        }
        tables = (
            f'[console.{console}]\nbmc = "{machine.bmc.address}"\n'
            for console, machine in machines.items()
        )
        recorder.configure(DEFAULTS + "".join(tables))
        recorder.start()
        for console in machines:
            assert recorder.wait_session(console, "up")["session"] == "up"
        yield Lab(recorder, machines, media.kernel_release)


@pytest.mark.parametrize("console", ["login-bios", "login-uefi"])
def test_a_boot_to_the_login_prompt_is_ok(lab: Lab, console: str) -> None:
    machine = lab.machines[console]

    machine.power_on()
    machine.wait_output(rb"login: ")

    boot = lab.wait_boot(console, outcome="ok", last_stage="login")
    assert boot["kernel"] == lab.kernel_release
    assert "console=ttyS0,115200n8" in boot["cmdline"]
    assert list(boot["stages"])[-5:] == [
        *("loader", "kernel", "initramfs", "init", "login")
    ]
    lab.settle(console)


def test_a_crash_fails_the_boot_and_names_the_panic(lab: Lab) -> None:
    machine = lab.machines["crash"]

    machine.power_on()
    machine.wait_output(rb"end Kernel panic")

    boot = lab.wait_boot("crash", outcome="failed", last_stage="login")
    assert boot["title"] == "Kernel panic - not syncing: sysrq triggered crash"
    assert boot["kernel"] == lab.kernel_release
    assert lab.failures("crash", "panic") == 1
    lab.settle("crash")


def test_a_machine_that_goes_silent_while_starting_is_stuck(lab: Lab) -> None:
    machine = lab.machines["hang"]

    machine.power_on()
    machine.wait_output(rb"Starting network")

    boot = lab.wait_boot("hang", outcome="stuck", last_stage="init")
    assert boot["kernel"] == lab.kernel_release
    lab.settle("hang")


def test_a_loader_without_its_files_fails_the_boot(lab: Lab) -> None:
    machine = lab.machines["rescue"]

    machine.power_on()
    machine.wait_output(rb"scue>")

    lab.wait_boot("rescue", outcome="failed", last_stage="loader")
    assert lab.failures("rescue", "grub_rescue") == 1
    lab.settle("rescue")


@pytest.mark.parametrize(
    ("console", "last_words"),
    [
        ("nodisk-bios", rb"No bootable device"),
        ("nodisk-uefi", rb"No bootable option|UEFI Interactive Shell"),
        ("blank", rb"No bootable device"),
    ],
)
def test_a_machine_with_nothing_to_start_from_fails_the_boot(
    lab: Lab, console: str, last_words: bytes
) -> None:
    machine = lab.machines[console]

    machine.power_on()
    machine.wait_output(last_words)

    lab.wait_boot(console, outcome="failed", last_stage="bootdev")
    assert lab.failures(console, "no_device")
    lab.settle(console)


def test_each_power_cycle_is_a_boot_of_its_own(lab: Lab) -> None:
    machine = lab.machines["rescue"]
    before = len(lab.recorder.boots("rescue"))
    machine.power_on()
    lab.wait_boot("rescue", boot=before + 1, outcome="failed")

    machine.power_cycle()

    lab.wait_boot("rescue", boot=before + 2, outcome="failed")
    lab.settle("rescue")


@pytest.mark.parametrize("console", ["login-bios", "crash", "rescue", "nodisk-bios"])
def test_the_archive_alone_tells_what_the_bytes_say(lab: Lab, console: str) -> None:
    from_index = lab.recorder.boots(console)

    replayed = lab.recorder.replayed_boots(console)

    assert from_index
    for told, live in zip(replayed, from_index, strict=True):
        assert _said(told) == _said(live)
        # A prompt has no line end: silence tells, and later when live than in replay.
        assert told["stages"] == pytest.approx(live["stages"], abs=0.3)


def _said(boot: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a boot's bytes tell; power, silence and attaching are not in them."""
    keys = ("boot", "started", "outcome", "kernel", "cmdline", "title", "failures")
    return {key: boot[key] for key in (*keys, "bytes", "facts")}
