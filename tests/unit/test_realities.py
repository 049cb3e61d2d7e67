"""What the wire really carries: each reality of consoles, down to the events.

The text layer's own tests say what the lines are; these say that nothing is lost in
them, and nothing invented, in whatever pieces the bytes come.
"""

from __future__ import annotations

from typing import Any

import pytest

from solrecd.analysis.text import LINE_LIMIT, Assembler
from solrecd.events.event import Event
from solrecd.events.lines import Chunk, Line
from tests.support.golden import interpret

KERNEL = b"[    0.000000] Linux version 6.1.0 (builder@example.org) (gcc) #1\r\n"
PANIC = b"Kernel panic - not syncing: example"
NOISE = b"\xe0\xe0\xe0\xfc\xfc\x80\xfc\xfc\x8e\x1c\xfc\x80\xe0\x06\xfc\x98\xe6\x18\r\n"

SIZES = [1, 7, 255, 1 << 20]


def events(data: bytes, size: int) -> list[Event]:
    return interpret(data, size)[0]


def names(data: bytes, size: int) -> list[str]:
    return [event.name for event in events(data, size)]


def lines(data: bytes) -> list[Line]:
    assembler = Assembler()
    return [*assembler.feed([Chunk(0, data)]), *assembler.flush()]


def case(name: str, data: bytes, *expected: str) -> Any:
    return pytest.param(data, list(expected), id=name)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        case(
            "words split by moves to where the cursor is",
            b"Entering re\x1b[07;12Hscue mode...\r\n"
            b"grub re\x1b[08;08H\x1b[08;08Hscue> ",
            "grub_rescue",
        ),
        case(
            "a banner painted by address",
            b"\x1b[2J\x1b[01;01H\x1b[=3h\x1b[2J\x1b[01;01HSeaBIOS (version 1.16.2)"
            b"\x1b[03;01HBooting from Hard Disk...\x1b[05;01H",
            *("firmware", "bootdev"),
        ),
        case(
            "bold by overprinting",
            b"S\bSe\bea\baB\bBI\bIO\bOS\bS (version 1.16.2)\r\n",
            "firmware",
        ),
        case(
            "a spinner before the words",
            b"|\b/\b-\b\\\bNo bootable device.\r\n",
            "no_device",
        ),
        case(
            "a progress bar and what follows it",
            b"Copying data : [  0.3 %]\rCopying data : [ 99.0 %]\rCopying data : "
            b"[100.0 %]\r\nkdump: saving vmcore complete\r\n",
            "kdump_saved",
        ),
        case(
            "a status line that is painted over",
            KERNEL + b"[ ***  ] A start job is running for x (1s / no limit)\r\x1b[K"
            b"[\x1b[0;1;31mFAILED\x1b[0m] Failed to start \x1b[0;1;39mx\x1b[0m.\r\n",
            *("kernel", "unit_failed"),
        ),
        case(
            "LF CR",
            b"Welcome to GRUB!\n\r\n\rerror: no such partition.\n\r",
            *("loader", "loader_error"),
        ),
        case(
            "CR CR LF",
            b"Welcome to GRUB!\r\r\n\r\r\nerror: no such partition.\r\r\n",
            *("loader", "loader_error"),
        ),
        case("CR before and after", b"\rWelcome to GRUB!\r\n\r", "loader"),
        case(
            "a banner wrapped at 80 columns",
            b"iPXE 1.21.1+ (g4e456) -- Open Source Network Boot Firmware -- http:/\r\n"
            b"/ipxe.org\r\nNo more network devices\r\n",
            *("bootdev", "pxe_error"),
        ),
        case(
            "a line that a terminal would wrap by itself",
            b'BdsDxe: failed to load Boot0001 "UEFI QEMU DVD-ROM QM00005 " from '
            b"PciRoot(0x0)/Pci(0x1F,0x2)/Sata(0x2,0xFFFF,0x0): Not Found\r\n",
            "bootopt_failed",
        ),
        case(
            "frames in UTF-8",
            "┌────────────┐\r\n│ Entering Setup │\r\n└───────────┘\r\n".encode(),
            "firmware",
        ),
        case(
            "frames of a VT100",
            b"\x0elqqqqqqqqqqqqqqqqqqk\x0f\r\n\x0ex\x0f Entering Setup   \x0ex\x0f\r\n"
            b"\x1b(0mqqqqqqqqqqqqqqqqqqj\x1b(B\r\n",
            "firmware",
        ),
        case(
            "frames of a PC",
            b"\xc9" + b"\xcd" * 18 + b"\xbb\r\n\xba Entering Setup   \xba\r\n"
            b"\xc8" + b"\xcd" * 18 + b"\xbc\r\n\xda" + b"\xc4" * 18 + b"\xbf\r\n",
            "firmware",
        ),
        case(
            "NULs between and within words",
            b"\x00\x00Sea\x00BIOS (ver\x00sion 1.16.2)\x00\r\n\x00\x00",
            "firmware",
        ),
        case(
            "a kernel's line glued to a prompt",
            KERNEL + b"node01 login: [   10.400000] " + PANIC + b"\r\n",
            *("kernel", "login", "panic"),
        ),
        case(
            "two CPUs on one line",
            KERNEL
            + b"[    9.000000][    C1] example: fine[    9.000001][   T62] "
            + PANIC
            + b"\r\n",
            *("kernel", "panic"),
        ),
        case(
            "colours that a collector wrote as text",
            b"^[[0;1;31mWelcome to GRUB!^[[0m\r\n",
            "loader",
        ),
        case(
            "wrong baud",
            NOISE * 5 + KERNEL + NOISE * 3,
            *("console_noise", "kernel"),
        ),
        case(
            "noise on the line of the kernel",
            b"\xe0\xfc\x80\x8e\x1c" + KERNEL + b"[    1.000000] " + PANIC + b"\r\n",
            *("kernel", "panic"),
        ),
        case(
            "noise that switches to line drawing",
            b"\xfc\x0e\xfc\r\n" + KERNEL + b"\xfc\x1b(0\xfc\r\n[    1.000000] " + PANIC,
            *("kernel", "panic"),
        ),
        case(
            "noise that begins an escape sequence",
            b"\xfc\x1b]\xfc\r\n" + KERNEL + b"\xfc\x1b[\xfc\r\n[    1.000000] " + PANIC,
            *("kernel", "panic"),
        ),
        case(
            "a line of more than 8 KiB before the words",
            b"x" * (LINE_LIMIT - 10)
            + b"Welcome to GRUB!"
            + b"y" * LINE_LIMIT
            + b"\r\n",
            "loader",
        ),
        case(
            "no final newline", KERNEL + b"[    1.000000] " + PANIC, "kernel", "panic"
        ),
        case(
            "a window title and a query of busybox",
            b"\x1b]0;node01\x07" + KERNEL + b"\x1b[6n\x1b[?2004hnode01 login: ",
            *("kernel", "login"),
        ),
    ],
)
def test_what_the_wire_carries_is_understood(
    data: bytes, expected: list[str], size: int
) -> None:
    assert names(data, size) == expected


def test_a_painted_screen_is_read_row_by_row() -> None:
    data = (
        b"\x1b[2J\x1b[1;1H+-----------+\x1b[2;1H| GNU GRUB  |\x1b[3;1H+-----------+"
        b"\x1b[2;3H GNU GRUB\x1b[24;1H"
    )

    assert [line.text for line in lines(data)][:3] == [
        "+-----------+",
        "| GNU GRUB  |",
        "+-----------+",
    ]


def test_no_line_is_longer_than_its_limit_whatever_writes_it() -> None:
    data = (
        b"x" * 20_000
        + b"\x1b[9000C"
        + b"y" * 20_000
        + b"\t" * 5000
        + b"\xc3\xa9" * 9000
    )

    found = lines(data)

    assert max(len(line.text) for line in found) <= LINE_LIMIT
    assert sum(line.text.count("y") for line in found) == 20_000
