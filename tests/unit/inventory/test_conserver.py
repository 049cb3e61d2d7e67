"""conserver.cf as consoles of ours."""

import pytest
from hypothesis import given, strategies as st

from solrecd.cli.inventory import read_conserver


def test_defaults_are_included_and_the_one_named_star_always_is() -> None:
    text = """
        default * { master localhost; username everyone; }
        default ipmi { type ipmi; password "pa;ss \\"x\\""; }
        console n1 { include ipmi; host 10.0.0.1; ipmiprivlevel admin; }
        console n2 { include ipmi; host 10.0.0.2; username me; }
    """

    first, second = read_conserver(text).consoles

    assert first.settings == {
        "username": "everyone",
        "password": 'pa;ss "x"',
        "privilege": "administrator",
    }
    assert second.settings == {"username": "me", "password": 'pa;ss "x"'}


def test_a_key_with_octal_characters_becomes_hexadecimal_digits() -> None:
    text = "console n { type ipmi; host h; ipmikg \\\\001\\\\377a; }"

    (console,) = read_conserver(text).consoles

    assert console.settings == {"kg": "0x01ff61"}


def test_workarounds_that_are_switched_off_are_none() -> None:
    text = (
        "console n { type ipmi; host h; ipmiworkaround !integrity,ignore-payload-size;}"
    )

    (console,) = read_conserver(text).consoles

    assert console.settings == {"quirks": ["solpayloadsize"]}


def test_a_command_gets_the_console_s_name_where_it_asks_for_it() -> None:
    text = """
        default tool { type exec; execsubst &=cs,%=hs;
                       exec "exec ipmitool -H & -U % -f /etc/pw -p 6230 sol activate"; }
        console n1 { include tool; host user1; }
    """

    (console,) = read_conserver(text).consoles

    assert console.place == "n1:6230"
    assert console.settings == {"username": "user1", "password_file": "/etc/pw"}


def test_a_comment_ends_with_its_line_and_a_value_may_hold_spaces() -> None:
    text = (
        "default my defs { type ipmi; } # and {\nconsole n { include my defs; host h; }"
    )

    assert [one.place for one in read_conserver(text).consoles] == ["h"]


def test_an_include_is_remarked_on_in_column_0_only() -> None:
    text = "#include /etc/more.cf\n  #include comment\n"

    remarks = read_conserver(text).remarks

    assert [(remark.line, remark.what) for remark in remarks] == [
        (1, "#include /etc/more.cf")
    ]


def test_what_has_no_equivalent_is_said_once_where_it_first_stands() -> None:
    text = """console a { type ipmi; host a; logfile x; }
console b { type ipmi; host b; logfile y; rw *; }
console c { type device; device /dev/ttyS0; }
access * { trusted localhost; }
"""

    remarks = [(one.line, one.what) for one in read_conserver(text).remarks]

    assert remarks == [(1, "logfile"), (2, "rw"), (4, "access")]


@pytest.mark.parametrize(
    ("words", "place", "settings"),
    [
        (
            "type host; host ts1; portbase 7000; port 3;",
            {"address": "ts1:7003"},
            {"kind": "tcp", "protocol": "telnet"},
        ),
        (
            "type host; host 10.0.0.9; port 4001; protocol raw;",
            {"address": "10.0.0.9:4001"},
            {"kind": "tcp", "protocol": "raw"},
        ),
        (
            "type host; host ts1;",
            {"address": "ts1:23"},
            {"kind": "tcp", "protocol": "telnet"},
        ),
        (
            "type device; device /dev/ttyUSB&; devicesubst &=cs; baud 115200;",
            {"device": "/dev/ttyUSBc1"},
            {"kind": "tty", "baud": 115200},
        ),
        (
            "type device; device /dev/ttyC.; devicesubst .=Pd; portbase -1; port 6;",
            {"device": "/dev/ttyC5"},
            {"kind": "tty", "baud": 9600},
        ),
        (
            "type device; device /dev/tty@_+; devicesubst @=p03X,+=b5d; port 31;",
            {"device": "/dev/tty01F_ 9600"},
            {"kind": "tty", "baud": 9600},
        ),
        (
            "type uds; uds /run/&.sock; udssubst &=cs;",
            {"path": "/run/c1.sock"},
            {"kind": "unix"},
        ),
        (
            "type exec; exec exec virsh console &; execsubst &=cs;",
            {"command": ["virsh", "console", "c1"]},
            {"kind": "exec"},
        ),
        (
            "type exec; exec a | b;",
            {"command": ["/bin/sh", "-c", "a | b"]},
            {"kind": "exec"},
        ),
    ],
)
def test_what_is_no_bmc_is_of_another_kind(
    words: str, place: dict[str, object], settings: dict[str, object]
) -> None:
    (console,) = read_conserver(f"console c1 {{ {words} }}").consoles

    assert (console.located, console.settings) == (place, settings)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("type host; host h; port telnet;", "port 'telnet' is not a number; left out"),
        (
            "type device; device /dev/ttyS0; parity even;",
            "only 8n1 is supported; left out",
        ),
        (
            "type device; device /dev/ttyC.; devicesubst .=pd;",
            "port '' is not a number; left out",
        ),
        ("type exec;", "names no program; left out"),
        ("type noop;", "type noop is not known; left out"),
    ],
)
def test_what_cannot_be_taken_over_says_why(words: str, why: str) -> None:
    inventory = read_conserver(f"console c1 {{ {words} }}")

    assert not inventory.consoles
    assert inventory.remarks[0].why.endswith(why)


def test_a_file_that_ends_inside_a_block_says_so_and_keeps_what_came_before() -> None:
    inventory = read_conserver('console a { type ipmi; host a; }\nconsole b { type "x')

    assert [one.name for one in inventory.consoles] == ["a"]
    assert inventory.remarks[-1].what == "end of file"


@given(st.text(alphabet='{}; #"\\\nconsoletyphdfau1'))
def test_no_text_makes_it_fail(text: str) -> None:
    inventory = read_conserver(text)

    assert all(console.place for console in inventory.consoles)
