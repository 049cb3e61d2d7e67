"""What a boot met last says whether a reset is news, and whether all may end well."""

from __future__ import annotations

import pytest

from solrecd.events.boots import Boot
from solrecd.events.event import Event
from tests.support.golden import interpret

KERNEL = "[    0.000000] Linux version 6.1.0-1-amd64 (a@b) #1 SMP\n"
LOGIN = "\nnode01 login: \n"
OOPS = (
    "[   50.000001] BUG: kernel NULL pointer dereference, address: 0000000000000010\n"
    "[   50.000002] Oops: 0000 [#1] PREEMPT SMP\n"
    "[   50.000003] RIP: 0010:example_read+0x1c/0x80\n"
    "[   50.000100] ---[ end trace 0000000000000000 ]---\n"
)
PANIC = "[   50.000200] Kernel panic - not syncing: Fatal exception\n"
ALIVE = "[   90.000000] eth0: link is up\n"
RESET = "SeaBIOS (version 1.16.2)\n"


def read(text: str) -> tuple[list[Event], list[Boot]]:
    return interpret(text.encode(), 1 << 20)


def names(text: str) -> list[str]:
    events, _ = read(text)
    return [event.name for event in events if event.kind == "failure"]


def test_a_reset_right_after_a_crash_is_no_failure_of_its_own() -> None:
    assert names(KERNEL + LOGIN + OOPS + RESET) == ["oops"]


def test_a_reset_long_after_a_survived_crash_is_one() -> None:
    assert names(KERNEL + LOGIN + OOPS + ALIVE + RESET) == ["oops", "reboot"]


def test_a_crash_before_the_login_prompt_was_survived() -> None:
    assert names(KERNEL + OOPS + LOGIN + RESET) == ["oops", "reboot"]


def test_nothing_survives_a_panic() -> None:
    late = "[   90.000000] watchdog: something\n"

    assert names(KERNEL + LOGIN + OOPS + PANIC + late + RESET) == ["oops"]


def test_a_survived_crash_leaves_a_failed_boot() -> None:
    _, (boot,) = read(KERNEL + LOGIN + OOPS + ALIVE)

    assert boot.outcome == "failed"


def test_a_boot_that_a_user_helped_on_is_a_good_one() -> None:
    rescued = "Entering rescue mode...\ngrub rescue> normal\n" + KERNEL + LOGIN

    _, (boot,) = read("Welcome to GRUB!\n" + rescued)

    assert (boot.outcome, boot.failures) == ("ok", 1)
    assert boot.facts["helped"] == "yes"


def test_a_shutdown_that_was_called_off_does_not_hide_a_reset() -> None:
    off = "[  OK  ] Reached target reboot.target - System Reboot.\n"
    init = "Welcome to Debian GNU/Linux 12 (bookworm)!\n"

    assert names(KERNEL + init + off + RESET) == []
    assert names(KERNEL + init + off + LOGIN + RESET) == ["reboot"]


@pytest.mark.parametrize(
    "line",
    [
        "[  OK  ] Reached target shutdown.target - System Shutdown.",
        "[  OK  ] Reached target Power-Off.",
        "[   99.000000] systemd-shutdown[1]: Syncing filesystems and block devices.",
        "[   99.000000] kexec_core: Starting new kernel",
        "INIT: Switching to runlevel: 6",
        "The system is going down for reboot NOW!",
    ],
)
def test_an_announced_reset_is_no_failure(line: str) -> None:
    assert names(f"{KERNEL}{LOGIN}{line}\n{RESET}") == []


def test_a_users_own_systemd_announces_nothing() -> None:
    line = "Sep 21 16:36:42 host systemd[1083]: Reached target Shutdown.\n"

    assert names(KERNEL + LOGIN + line + RESET) == ["reboot"]


def test_a_boot_names_the_units_that_failed() -> None:
    text = (
        "[FAILED] Failed to start lab.service - Lab application server.\n"
        "[FAILED] Failed to mount /data.\n"
        "[DEPEND] Dependency failed for Local File Systems.\n"
        "[FAILED] Failed to start lab.service - Lab application server.\n"
    )

    _, (boot,) = read(KERNEL + text)

    assert boot.facts["failed_units"] == "lab.service, /data, Local File Systems"


def test_a_crash_kernel_explains_the_reset_before_it() -> None:
    line = "[    0.000000] Command line: ro irqpoll nr_cpus=1 reset_devices\n"
    early = "[    0.000000] KERNEL supported cpus:\n"

    assert names(KERNEL + LOGIN + ALIVE + KERNEL + early + line) == ["kdump_started"]


def test_going_down_through_targets_is_one_boot() -> None:
    down = (
        "[  OK  ] Reached target shutdown.target - System Shutdown.\n"
        "[  OK  ] Reached target umount.target - Unmount All Filesystems.\n"
        "[  OK  ] Reached target final.target - Late Shutdown Services.\n"
        "[  OK  ] Reached target reboot.target - System Reboot.\n"
        "[   99.000000] reboot: Restarting system\n"
    )

    events, boots = read(KERNEL + LOGIN + down + RESET)

    assert [boot.boot for boot in boots] == [1, 2]
    assert [event.name for event in events] == ["kernel", "login", "firmware"]


def test_a_survived_crash_makes_no_boot_of_a_late_target() -> None:
    late = "[  OK  ] Reached target printer.target - Printer Support.\n"

    _, boots = read(KERNEL + LOGIN + OOPS + late)

    assert [boot.boot for boot in boots] == [1]


def test_a_loader_that_is_a_linux_itself_is_no_reset() -> None:
    skiroot = "[    0.000000] Linux version 5.10.50-openpower1 (r@b) (gcc 6) #2 SMP\n"
    cmdline = "[    0.000000] Kernel command line: console=hvc0 quiet\n"
    busy = "[   12.000000] tg3 0003:04:00.0 enP3p4s0: Link is up\n"
    menu = "Petitboot (v1.13-p1a2b3c4)   9006-12P 1302NXA\n"
    kexec = "[   30.000000] kexec_core: Starting new kernel\n"

    events, boots = read(skiroot + cmdline + busy + menu + kexec + KERNEL + LOGIN)

    (boot,) = boots
    assert [event.name for event in events] == [
        "kernel",
        "loader",
        "kernel",
        "login",
    ]
    assert (boot.kernel, boot.cmdline, boot.outcome) == ("6.1.0-1-amd64", None, "ok")
    assert list(boot.stages) == ["loader", "kernel", "login"]
