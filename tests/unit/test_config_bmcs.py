"""Addresses, passwords and keys that cannot be what was meant, each told by name."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from solrecd.cli.program import run
from solrecd.cli.solrecd import PROGRAM
from solrecd.config import ConfigError
from solrecd.config.addresses import address
from solrecd.config.lines import line_warnings
from tests.support.configs import DEFAULTS, bmc_of, machine, mistakes, read

NO_NAME = "no IPv4 address (four numbers, without zeros in front) and no name"


@pytest.mark.parametrize(
    ("bmc", "why"),
    [
        ("127.0.0.010", NO_NAME),
        ("010.0.0.1:623", NO_NAME),
        ("10.1", NO_NAME),
        ("1234", NO_NAME),
        ("10.0.0.256", NO_NAME),
        ("10.0.0.1.2", NO_NAME),
        ("10.0.0.1.", NO_NAME),
        ("0x7f.0.0.1", NO_NAME),
        ("bmc.0x1", NO_NAME),
        ("fe80::1", "a link-local address without its interface (fe80::1%eth0)"),
        ("[fe80::1]:623", "a link-local address without its interface (fe80::1%eth0)"),
        ("255.255.255.255", "which is an address of many machines"),
        ("224.0.0.1", "which is an address of many machines"),
        ("ff02::1%eth0", "which is an address of many machines"),
        ("0.0.0.0", "which is the address of no machine"),
        ("::", "which is the address of no machine"),
    ],
)
def test_an_address_of_no_machine_is_refused(bmc: str, why: str) -> None:
    (told,) = mistakes(f'{DEFAULTS}[console.n1]\nbmc = "{bmc}"\n')

    expected = f'solrecd.toml:5: console.n1.bmc: found "{bmc}", {why}; allowed: "host"'
    assert told.startswith(expected)


@pytest.mark.parametrize(
    "bmc",
    ["10.0.0.1", "node7-bmc", "7.example.net", "bmc-10", "fe80::1%eth0", "2001:db8::7"],
)
def test_names_and_addresses_are_taken(bmc: str) -> None:
    assert address(bmc) == (bmc, None)


@given(st.from_regex(r"(0[xX][0-9a-f]{1,4}|[0-9]{1,4})(\.[0-9]{1,4}){0,4}\.?\Z"))
def test_no_number_stands_for_another_address(text: str) -> None:
    try:
        host, _ = address(text)
        read_as = socket.inet_ntoa(socket.inet_aton(host))
    except (ValueError, OSError):
        return
    assert read_as == host


def test_a_number_that_a_range_has_made_is_refused_too() -> None:
    told = mistakes(f'{DEFAULTS}[console."n[08-10]"]\nbmc = "127.0.0.0{{n}}"\n')

    assert any('found "127.0.0.08", no IPv4 address' in line for line in told)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (
            b"\xef\xbb\xbfsecret\n",
            "/f begins with a byte order mark, which is not part of",
        ),
        (
            b"\xff\xfes\0e\0c\0",
            "/f begins with a byte order mark, which is not part of",
        ),
        (b"secret\nsecond\n", "/f has 2 lines; allowed: one line"),
        (b"\nsecret\n", "/f has 2 lines; allowed: one line"),
        (b"secret\r\nx\r\n", "/f has 2 lines; allowed: one line"),
        (b"", "/f is empty; allowed: one line"),
        (b"\n", "/f is empty; allowed: one line"),
        (b"\r\n", "/f is empty; allowed: one line"),
    ],
)
@pytest.mark.parametrize("key", ["password_file", "kg_file"])
def test_a_secret_file_holds_one_line(key: str, content: bytes, why: str) -> None:
    more = "" if key == "password_file" else 'password = "x"\n'
    text = f'[console.n1]\nusername = "u"\nbmc = "b"\n{key} = "/f"\n{more}'

    with pytest.raises(ConfigError) as caught:
        read(text, environment=machine({"/f": (0o600, content)}))

    (told,) = str(caught.value).splitlines()
    assert told.startswith(f"solrecd.toml:4: console.n1.{key}: {why}")
    assert "secret" not in told


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\n\n"])
def test_the_end_of_the_line_is_no_part_of_a_password(end: bytes) -> None:
    text = '[console.n1]\nusername = "u"\nbmc = "b"\npassword_file = "/f"\n'

    config = read(text, environment=machine({"/f": (0o600, b"se cret " + end)}))

    assert bmc_of(config, "n1").password.reveal() == b"se cret "


@pytest.mark.parametrize("kg", ["0x00", "0x" + 20 * "00"])
def test_a_key_of_zeros_is_none(kg: str) -> None:
    config = read(f'{DEFAULTS}[console.n1]\nbmc = "b"\nkg = "{kg}"\n')

    assert bmc_of(config, "n1").kg is None


# --- two consoles on one BMC ----------------------------------------------------------


def warnings(text: str) -> list[str]:
    """Return what is said of consoles that are one."""
    return list(line_warnings(read(DEFAULTS + text).enabled.values()))


def test_consoles_with_one_bmc_are_told_by_name() -> None:
    (told,) = warnings('[console."n[1-9]"]\nbmc = "N1-bmc"\n')

    assert told == (
        "n1, n2, n3, n4, n5 and 4 more are the same console, n1-bmc, SoL instance 1:"
        " they take it from each other; is {n} or {name} missing?"
    )


@pytest.mark.parametrize(
    "text",
    [
        '[console."n[1-9]"]\nbmc = "{name}-bmc"\n',
        '[console.a]\nbmc = "b"\n[console.c]\nbmc = "b"\nsol_instance = 2\n',
        '[console.a]\nbmc = "b"\n[console.c]\nbmc = "b:6230"\n',
        '[console.a]\nbmc = "b"\n[console.c]\nbmc = "b"\nenabled = false\n',
    ],
)
def test_consoles_that_are_different_are_not_warned_of(text: str) -> None:
    assert warnings(text) == []


def test_consoles_with_one_socket_are_told_as_well() -> None:
    told = warnings('[console."n[1-2]"]\nkind = "unix"\npath = "/run/vm"\n')

    assert [line.partition(":")[0] for line in told] == [
        "n1, n2 are the same console, /run/vm"
    ]


def test_check_warns_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "solrecd.toml"
    file.touch(mode=0o600)
    file.write_text(
        f'[daemon]\nmarkers_dir = "{tmp_path}/markers"\n{DEFAULTS}'
        '[console."n[1-2]"]\nbmc = "b"\n'
    )

    status = run(PROGRAM, ["check", "-c", str(file)])

    captured = capsys.readouterr()
    assert status == 0
    assert captured.err.startswith("warning: n1, n2 are the same console, b, SoL")
    assert "ok, 2 consoles" in captured.out
