"""The expect scripts that ConMan ships, as consoles of ours."""

from typing import Any

import pytest

from solrecd.cli.inventory import read_conman
from solrecd.cli.inventory.scripts import NAMES


def _conman(device: str) -> str:
    return f'server execpath="/etc/conman/exec:/x"\nconsole name="n" dev="{device}"'


@pytest.mark.parametrize(
    ("device", "located", "settings"),
    [
        (
            "/usr/lib/conman/exec/ipmitool.exp h root pw key",
            {"bmc": "h"},
            {"username": "root", "password": "pw", "kg": "key"},
        ),
        ("ipmiconsole.exp h root", {"bmc": "h"}, {"username": "root"}),
        (
            "/etc/conman/exec/ssh.exp h 22 root pw",
            {"host": "h"},
            {"kind": "ssh", "username": "root", "password": "pw"},
        ),
        ("ssh.exp h 2200", {"host": "h:2200"}, {"kind": "ssh"}),
        (
            "cyclades-telnet.exp ts 7001",
            {"address": "ts:7001"},
            {"kind": "tcp", "protocol": "telnet"},
        ),
    ],
)
def test_a_script_is_read_where_solrecd_does_the_same_itself(
    device: str, located: dict[str, str], settings: dict[str, Any]
) -> None:
    inventory = read_conman(_conman(device))

    (console,) = inventory.consoles
    assert (console.located, console.settings) == (located, settings)
    assert not inventory.remarks


@pytest.mark.parametrize(
    ("device", "command", "advice"),
    [
        (
            "hp-ilo.exp h 23 root topsecret",
            ["/etc/conman/exec/hp-ilo.exp", "h", "23", "root"],
            'kind = "ssh" with vendor = "ilo"',
        ),
        (
            "/opt/exec/sun-ilom.exp h root topsecret",
            ["/opt/exec/sun-ilom.exp", "h", "root"],
            'try kind = "ssh"',
        ),
        (
            "cyclades-telnet.exp ts 7001 root topsecret",
            ["/etc/conman/exec/cyclades-telnet.exp", "ts", "7001", "root"],
            "the script's password file",
        ),
    ],
)
def test_another_script_still_runs_without_its_password_and_with_advice(
    device: str, command: list[str], advice: str
) -> None:
    inventory = read_conman(_conman(device))

    (console,), (remark,) = inventory.consoles, inventory.remarks
    assert console.located == {"command": command}
    assert advice in remark.why


def test_a_port_that_is_not_a_number_is_not_repeated_it_may_be_the_password() -> None:
    inventory = read_conman(_conman("ssh.exp h topsecret"))

    assert not inventory.consoles
    assert inventory.remarks[0].why == "ssh.exp has no number as its PORT; left out"


@pytest.mark.parametrize("name", sorted(NAMES))
def test_no_script_has_its_password_in_a_command(name: str) -> None:
    words = "h 1 u topsecret" if "PORT" in _arguments(name) else "h u topsecret"

    inventory = read_conman(_conman(f"{name} {words}"))

    assert "topsecret" not in "".join(str(one.place) for one in inventory.consoles)


def _arguments(name: str) -> tuple[str, ...]:
    of_host = {"ipmitool", "ipmiconsole", "sun-elom", "sun-ilom", "sun-v20z-v40z"}
    return ("HOST",) if name.removesuffix(".exp") in of_host else ("HOST", "PORT")
