"""Lists of BMCs, and command lines of ipmitool and ipmiconsole."""

import pytest

from solrecd.cli.inventory import read_hosts
from solrecd.cli.inventory.commands import read_command


def test_a_line_of_hosts_is_named_by_its_last_name() -> None:
    text = "10.0.0.7 n7-bmc n7 # rack 1\nfe80::1 six\nplain\n\n# comment\n"

    found = [(one.name, one.place) for one in read_hosts(text).consoles]

    assert found == [("n7", "10.0.0.7"), ("six", "[fe80::1]"), ("plain", "plain")]


def test_commands_stand_among_them_and_their_host_is_the_name() -> None:
    text = "ipmitool -I lanplus -H h9 -U u -P 'p w' -v sol activate\n"

    (console,) = read_hosts(text).consoles

    assert (console.name, console.place) == ("h9", "h9")
    assert console.settings == {"username": "u", "password": "p w"}


@pytest.mark.parametrize(
    ("command", "bmc", "settings"),
    [
        (
            "ipmitool -H a -p 6230 -C 17 -L OPERATOR -y 00ff -o icts sol activate",
            "a:6230",
            {
                "cipher_suites": [17],
                "privilege": "operator",
                "kg": "0x00ff",
                "quirks": ["icts"],
            },
        ),
        (
            "env X=1 /bin/ipmiconsole -h b -u u -p 0x6162 -I 0 -W intel20,solstatus",
            "b",
            {
                "username": "u",
                "password": "ab",
                "cipher_suites": [0],
                "insecure": True,
                "quirks": ["intel20", "solstatus"],
            },
        ),
        ("ipmiconsole --hostname=::1 --dont-steal", "[::1]", {}),
    ],
)
def test_options_become_settings(
    command: str, bmc: str, settings: dict[str, object]
) -> None:
    target = read_command(command)

    assert (target.bmc, target.settings) == (bmc, settings)


def test_an_option_without_equivalent_is_named() -> None:
    assert read_command("ipmitool -H a -t 0x20 sol activate").ignored == ("-t",)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("telnet h", "neither"),
        ("ipmitool -U u sol activate", "no host"),
        ("ipmitool -H h -9 sol activate", "-9"),
        ("ipmitool -H 'h", "quotation"),
    ],
)
def test_a_command_that_cannot_be_kept_says_why(command: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_command(command)
