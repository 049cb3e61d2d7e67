"""conman.conf as consoles of ours."""

import pytest

from solrecd.cli.inventory import read_conman


def test_global_options_hold_for_every_console_and_its_own_come_on_top() -> None:
    text = """
        global ipmiopts="U:admin,P:secret,C:3,L:op,W:solpayloadsize,W:ignoresolport"
        console name="n1" dev="ipmi:n1-bmc"
        CONSOLE name='n2' dev='ipmi:10.0.0.2' ipmiopts='U:root,K:0x00ff'
    """

    first, second = read_conman(text).consoles

    assert (first.name, first.place) == ("n1", "n1-bmc")
    assert first.settings == {
        "username": "admin",
        "password": "secret",
        "cipher_suites": [3],
        "privilege": "operator",
        "quirks": ["solpayloadsize", "solport"],
    }
    assert second.settings == {**first.settings, "username": "root", "kg": "0x00ff"}


def test_a_password_in_hexadecimal_ends_at_its_first_nul() -> None:
    text = 'console name="n" dev="ipmi:h" ipmiopts="P:0x61620063"'

    assert read_conman(text).consoles[0].settings == {"password": "ab"}


def test_a_directive_goes_on_behind_a_backslash_and_stands_at_its_first_line() -> None:
    text = '# comment\nCONSOLE name="s" \\\n  dev="/dev/ttyS0"  # local\n'

    inventory = read_conman(text)

    (console,) = inventory.consoles
    assert console.located == {"device": "/dev/ttyS0"}
    assert console.settings == {"kind": "tty", "baud": 9600}


def test_what_follows_a_program_is_never_repeated_it_may_be_a_password() -> None:
    text = 'console name="s" dev="/usr/lib/conman/exec/x.exp host user topsecret"'

    inventory = read_conman(text)

    (console,), (remark,) = inventory.consoles, inventory.remarks
    assert console.located == {
        "command": ["/usr/lib/conman/exec/x.exp", "host", "user", "topsecret"]
    }
    assert "no password should" in remark.why
    assert "topsecret" not in remark.why + repr(console)


@pytest.mark.parametrize(
    ("words", "place", "settings"),
    [
        (
            'dev="ts1:7001"',
            {"address": "ts1:7001"},
            {"kind": "tcp", "protocol": "telnet"},
        ),
        ('dev="unix:/run/%N.sock"', {"path": "/run/s.sock"}, {"kind": "unix"}),
        (
            'dev="/dev/ttyS0" seropts="115200,8n1"',
            {"device": "/dev/ttyS0"},
            {"kind": "tty", "baud": 115200},
        ),
        (
            'dev="/bin/virsh console %N"',
            {"command": ["/bin/virsh", "console", "s"]},
            {"kind": "exec"},
        ),
    ],
)
def test_what_is_no_bmc_is_of_another_kind(
    words: str, place: dict[str, object], settings: dict[str, object]
) -> None:
    (console,) = read_conman(f'console name="s" {words}').consoles

    assert (console.located, console.settings) == (place, settings)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ('dev="/dev/ttyS0" seropts="9600,7e1"', "only 8n1 is supported; left out"),
        ('dev="/dev/ttyS0" seropts="9601"', "9601 bit/s is not supported; left out"),
        ('dev="/dev/ttyS0" seropts="fast"', "not understood; left out"),
        ('dev="unix:run/s"', "not an absolute path; left out"),
        ('dev="something else secret"', "'something' is not understood; left out"),
    ],
)
def test_what_cannot_be_taken_over_says_why(words: str, why: str) -> None:
    inventory = read_conman(f'console name="s" {words}')

    assert not inventory.consoles
    assert inventory.remarks[0].why.endswith(why)


def test_a_program_that_is_ipmitool_is_an_ipmi_console() -> None:
    text = 'console name="n" dev="/usr/bin/ipmitool -I lanplus -H h -U u sol activate"'

    (console,) = read_conman(text).consoles

    assert (console.place, console.settings) == ("h", {"username": "u"})


def test_every_console_that_is_left_out_has_its_remark() -> None:
    text = """
        console name="suite" dev="ipmi:h" ipmiopts="C:99"
        console name="level" dev="ipmi:h" ipmiopts="L:king"
        console dev="ipmi:h"
        nonsense
    """

    inventory = read_conman(text)

    assert not inventory.consoles
    assert [remark.what for remark in inventory.remarks] == [
        "suite",
        "level",
        "console",
        "nonsense",
    ]


def test_a_name_that_is_no_folder_is_changed_and_a_second_one_is_refused() -> None:
    text = 'console name="a b" dev="ipmi:h"\nconsole name="a_b" dev="ipmi:i"'

    inventory = read_conman(text)

    assert [(one.name, one.place) for one in inventory.consoles] == [("a_b", "h")]
    assert [remark.line for remark in inventory.remarks] == [1, 2]


def test_a_flag_that_is_unknown_keeps_the_console() -> None:
    text = """
        CONSOLE name="n8" dev="ipmi:h" ipmiopts="U:r,P:y,W:solpayloadsize,W:foo"
        CONSOLE name="n9" dev="ipmi:h" ipmiopts="U:r,X:topsecret"
    """

    inventory = read_conman(text)

    first, second = inventory.consoles
    assert first.settings == {
        "username": "r",
        "password": "y",
        "quirks": ["solpayloadsize"],
    }
    assert second.settings == {"username": "r"}
    assert [(remark.what, remark.why) for remark in inventory.remarks] == [
        ("n8", "ipmiopts has an unknown flag W:foo; left out"),
        ("n9", "ipmiopts has an unknown option 'X'; left out"),
    ]


@pytest.mark.parametrize(
    ("device", "bmc"),
    [
        ("h", "h"),
        ("h:624", "h:624"),
        ("h:623", "h"),
        ("2001:db8::7", "[2001:db8::7]"),
        ("[2001:db8::7]:624", "[2001:db8::7]:624"),
    ],
)
def test_an_address_may_have_a_port(device: str, bmc: str) -> None:
    text = f'console name="n" dev="ipmi:{device}"'

    assert read_conman(text).consoles[0].place == bmc


def test_the_options_of_a_console_override_the_global_ones_key_by_key() -> None:
    text = """
        global ipmiopts="U:admin,P:secret,K:key,C:3,W:sun20"
        console name="a" dev="ipmi:a" ipmiopts="P:,K:,W:solport"
        console name="b" dev="ipmi:b" ipmiopts="C:17,W:none"
        console name="c" dev="ipmi:c" ipmiopts="W:default,W:solstatus"
    """

    first, second, third = (one.settings for one in read_conman(text).consoles)

    assert first == {
        "username": "admin",
        "cipher_suites": [3],
        "quirks": ["solport", "sun20"],
    }
    assert second == {
        "username": "admin",
        "password": "secret",
        "kg": "key",
        "cipher_suites": [17],
    }
    assert third["quirks"] == ["solstatus"]


def test_options_in_the_old_form_are_user_password_key_and_flags() -> None:
    text = """
        console name="a" dev="ipmi:a" ipmiopts="root,pw,-,solport"
        console name="b" dev="ipmi:b" ipmiopts="-,pw"
    """

    first, second = (one.settings for one in read_conman(text).consoles)

    assert first == {"username": "root", "password": "pw", "quirks": ["solport"]}
    assert second == {"password": "pw"}


def test_a_line_with_an_invalid_end_keeps_the_console_and_repeats_no_password() -> None:
    text = """
        console name="n" dev="ipmi:h" ipmiopts="U:r" ,P:topsecret
        ipmiopts="P:topsecret"
        console name="m" dev="ipmi:i" ipmiopts="U:r,topsecret"
    """

    inventory = read_conman(text)

    assert [one.name for one in inventory.consoles] == ["n", "m"]
    assert "topsecret" not in repr(inventory).lower()


def test_a_test_console_is_left_out() -> None:
    inventory = read_conman('console name="t" dev="test:B:100"')

    assert not inventory.consoles
    assert inventory.remarks[0].why == "is a test console of ConMan; left out"
