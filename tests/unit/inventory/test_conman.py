"""conman.conf as consoles of ours."""

from solrecd.cli.inventory import read_conman


def test_global_options_hold_for_every_console_that_has_none_of_its_own() -> None:
    text = """
        global ipmiopts="U:admin,P:secret,C:3,L:op,W:solpayloadsize,W:ignoresolport"
        console name="n1" dev="ipmi:n1-bmc"
        CONSOLE name='n2' dev='ipmi:10.0.0.2' ipmiopts='U:root,K:0x00ff'
    """

    first, second = read_conman(text).consoles

    assert (first.name, first.bmc) == ("n1", "n1-bmc")
    assert first.settings == {
        "username": "admin",
        "password": "secret",
        "cipher_suites": [3],
        "privilege": "operator",
        "quirks": ["solpayloadsize", "solport"],
    }
    assert second.settings == {"username": "root", "kg": "0x00ff"}


def test_a_password_in_hexadecimal_ends_at_its_first_nul() -> None:
    text = 'console name="n" dev="ipmi:h" ipmiopts="P:0x61620063"'

    assert read_conman(text).consoles[0].settings == {"password": "ab"}


def test_a_directive_goes_on_behind_a_backslash_and_stands_at_its_first_line() -> None:
    text = '# comment\nCONSOLE name="s" \\\n  dev="/dev/ttyS0"  # local\n'

    inventory = read_conman(text)

    assert not inventory.consoles
    assert [(remark.line, remark.what) for remark in inventory.remarks] == [(2, "s")]


def test_what_follows_a_program_is_never_repeated_it_may_be_a_password() -> None:
    text = 'console name="s" dev="/usr/lib/conman/exec/x.exp host user topsecret"'

    (remark,) = read_conman(text).remarks

    assert "x.exp" in remark.why
    assert "topsecret" not in remark.why


def test_a_program_that_is_ipmitool_is_an_ipmi_console() -> None:
    text = 'console name="n" dev="/usr/bin/ipmitool -I lanplus -H h -U u sol activate"'

    (console,) = read_conman(text).consoles

    assert (console.bmc, console.settings) == ("h", {"username": "u"})


def test_every_console_that_is_left_out_has_its_remark() -> None:
    text = """
        console name="suite" dev="ipmi:h" ipmiopts="C:99"
        console name="level" dev="ipmi:h" ipmiopts="L:king"
        console name="flag" dev="ipmi:h" ipmiopts="W:magic"
        console name="option" dev="ipmi:h" ipmiopts="X:1"
        console dev="ipmi:h"
        nonsense
    """

    inventory = read_conman(text)

    assert not inventory.consoles
    assert [remark.what for remark in inventory.remarks] == [
        "suite",
        "level",
        "flag",
        "option",
        "console",
        "nonsense",
    ]


def test_a_name_that_is_no_folder_is_changed_and_a_second_one_is_refused() -> None:
    text = 'console name="a b" dev="ipmi:h"\nconsole name="a_b" dev="ipmi:i"'

    inventory = read_conman(text)

    assert [(one.name, one.bmc) for one in inventory.consoles] == [("a_b", "h")]
    assert [remark.line for remark in inventory.remarks] == [1, 2]
