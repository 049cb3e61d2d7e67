"""What a machine's serial console needs, and how it stands."""

import subprocess
from dataclasses import replace

import pytest

from solrecd.cli.hostconsole import (
    Distro,
    Facts,
    Port,
    State,
    Step,
    distro_of,
    plan,
    port_of_firmware,
)

COM2 = Port(unit=1, baud=115200)
BARE = Facts(command_line="root=/dev/sda1 ro", grub_config="/boot/grub/grub.cfg")


def step_about(words: str, steps: list[Step]) -> Step:
    (found,) = [step for step in steps if words in step.title]
    return found


def done(facts: Facts, distro: Distro) -> Facts:
    """What the machine is like after everything was done and it was rebooted."""
    texts = {
        step.file.path: step.file.text
        for step in plan(facts, COM2, distro)
        if step.file is not None
    }
    return replace(
        facts,
        command_line=f"{facts.command_line} {' '.join(COM2.kernel_arguments)}",
        default_grub=facts.default_grub + texts.get("/etc/default/grub", ""),
        grub_snippet=texts.get("/etc/default/grub.d/solrecd.cfg", ""),
        securetty=(facts.securetty or "") + texts.get("/etc/securetty", ""),
    )


@pytest.mark.parametrize("distro", list(Distro))
def test_what_is_done_is_found_done(distro: Distro) -> None:
    facts = replace(BARE, has_boot_entries=True, securetty="tty1\n")

    steps = plan(done(facts, distro), COM2, distro)

    assert {step.state for step in steps} == {State.OK}


def test_debian_gets_a_file_of_our_own_and_update_grub() -> None:
    grub = step_about("GRUB speaks", plan(BARE, COM2, Distro.DEBIAN))

    assert grub.file is not None
    assert grub.file.path == "/etc/default/grub.d/solrecd.cfg"
    assert grub.commands == (("update-grub",),)


@pytest.mark.parametrize("distro", [Distro.RHEL, Distro.SUSE])
def test_others_get_lines_at_the_end_of_the_defaults(distro: Distro) -> None:
    facts = replace(
        BARE, default_grub="GRUB_TIMEOUT=5", grub_config="/boot/grub2/grub.cfg"
    )

    grub = step_about("GRUB speaks", plan(facts, COM2, distro))

    assert grub.file is not None
    assert grub.file.appended
    assert grub.file.text.startswith("\n"), "the last line there has no end"
    assert grub.commands == (("grub2-mkconfig", "-o", "/boot/grub2/grub.cfg"),)


def test_a_shell_keeps_the_arguments_that_were_there() -> None:
    grub = step_about("GRUB speaks", plan(BARE, COM2, Distro.DEBIAN))
    assert grub.file is not None
    script = f'GRUB_CMDLINE_LINUX="net.ifnames=0"\n{grub.file.text}'

    said = subprocess.run(
        ["/bin/sh", "-c", f'{script}echo "$GRUB_CMDLINE_LINUX|$GRUB_TERMINAL"'],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert said == "net.ifnames=0 console=tty0 console=ttyS1,115200n8|console serial\n"


def test_kernels_with_entries_of_their_own_are_changed_by_grubby() -> None:
    facts = replace(BARE, has_boot_entries=True)

    entries = step_about("boot entry", plan(facts, COM2, Distro.RHEL))

    assert entries.shell == (
        "grubby --update-kernel=ALL '--args=console=tty0 console=ttyS1,115200n8'"
    )


@pytest.mark.parametrize(
    ("command_line", "says"),
    [
        ("console=ttyS1,115200n8 console=tty0", "comes after"),
        ("console=tty0 console=ttyS1,9600n8", "another rate"),
        ("console=tty0", "without"),
    ],
)
def test_a_console_that_is_not_quite_right_is_told_from_one_that_is_missing(
    command_line: str, says: str
) -> None:
    facts = replace(BARE, command_line=command_line)

    kernel = step_about("kernel that runs", plan(facts, COM2, Distro.DEBIAN))

    assert kernel.state is State.MISSING
    assert says in kernel.detail


def test_a_quiet_kernel_is_worth_a_word() -> None:
    facts = replace(BARE, command_line="ro quiet splash")

    talkative = step_about("tells what", plan(facts, COM2, Distro.DEBIAN))

    assert talkative.state is State.ADVICE
    assert "quiet splash" in talkative.detail


def test_a_port_without_a_chip_is_named_with_those_that_have_one() -> None:
    driver = "serinfo:1.0 driver revision:\n0: uart:16550A port:03F8\n1: uart:unknown\n"
    facts = replace(BARE, serial_driver=driver)

    port = step_about("ttyS1", plan(facts, COM2, Distro.DEBIAN)[:1])

    assert port.state is State.MISSING
    assert "there are ttyS0" in port.detail


def test_grub_legacy_is_told_what_to_put_where() -> None:
    menu = "default 0\nkernel /vmlinuz root=/dev/sda1\n"
    facts = Facts(legacy_menu=menu)

    (grub,) = [s for s in plan(facts, COM2, Distro.RHEL) if "GRUB" in s.title]

    assert "Legacy" in grub.title
    assert "serial --unit=1 --speed=115200" in grub.detail
    assert "console=ttyS1,115200n8" in grub.detail
    written = f"{COM2.grub_command}\n{menu[:-1]} console=tty0 console=ttyS1,115200n8\n"
    (grub,) = [
        s
        for s in plan(Facts(legacy_menu=written), COM2, Distro.RHEL)
        if "GRUB" in s.title
    ]
    assert grub.state is State.OK


@pytest.mark.parametrize(
    ("os_release", "family"),
    [
        ("ID=debian\n", Distro.DEBIAN),
        ('NAME="Rocky"\nID="rocky"\nID_LIKE="rhel centos fedora"\n', Distro.RHEL),
        ('ID="opensuse-leap"\nID_LIKE="suse opensuse"\n', Distro.SUSE),
        ("ID=arch\n", None),
        ("", None),
    ],
)
def test_a_distribution_is_told_by_its_family(
    os_release: str, family: Distro | None
) -> None:
    assert distro_of(os_release) is family


def make_spcr(address: int, baud: int, space: int = 1) -> bytes:
    table = bytearray(80)
    table[:4] = b"SPCR"
    table[40] = space
    table[44:52] = address.to_bytes(8, "little")
    table[58] = baud
    return bytes(table)


@pytest.mark.parametrize(
    ("table", "port"),
    [
        (make_spcr(0x2F8, 7), Port(1, 115200)),
        (make_spcr(0x3F8, 3), Port(0, 9600)),
        (make_spcr(0xFEDC9000, 7, space=0), None),
        (make_spcr(0x2F8, 0), None),
        (make_spcr(0x2F8, 7)[:50], None),
        (b"", None),
    ],
)
def test_the_firmware_s_own_console_is_read_from_its_table(
    table: bytes, port: Port | None
) -> None:
    assert port_of_firmware(table) == port
