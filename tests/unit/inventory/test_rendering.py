"""Inventories as TOML that solrecd takes."""

from collections.abc import Sequence

from hypothesis import given, settings, strategies as st

from solrecd.cli.inventory import FoundConsole, Passwords, read_conserver, render
from solrecd.config import Config, Source, parse
from solrecd.sources.ipmi.options import options_of
from solrecd.sources.stream.exec.place import ExecOptions
from solrecd.sources.table import CONSOLE_KINDS
from tests.support.configs import bmc_of

ACCESS = {"username": "u", "password": "p"}


def read_back(consoles: Sequence[FoundConsole]) -> Config:
    text = render(consoles, Passwords.WRITTEN)
    return parse([Source("test.toml", text)], consoles=CONSOLE_KINDS)


def test_consoles_that_differ_in_their_number_are_one_range() -> None:
    consoles = [
        FoundConsole(f"n{number:02}", f"10.0.0.{number}", ACCESS)
        for number in range(8, 12)
    ]

    text = render(consoles, Passwords.WRITTEN)

    assert '[console."n[08-11]"]\nbmc = "10.0.0.{n}"' in text


def test_what_most_consoles_share_is_said_once() -> None:
    consoles = [
        FoundConsole("a", "1.1.1.1", {**ACCESS, "privilege": "operator"}),
        FoundConsole("b", "1.1.1.2", {**ACCESS, "privilege": "operator"}),
        FoundConsole("c", "1.1.1.3", {**ACCESS, "privilege": "user"}),
    ]

    text = render(consoles, Passwords.WRITTEN)

    assert text.count("username") == 1
    assert text.count("privilege") == 2
    assert bmc_of(read_back(consoles), "c").privilege == "user"


def test_each_password_that_is_not_printed_has_a_file_of_its_own() -> None:
    consoles = [
        FoundConsole("a", "1.1.1.1", ACCESS),
        FoundConsole("b", "1.1.1.2", ACCESS),
        FoundConsole("c", "1.1.1.3", {"username": "u", "password": "other"}),
    ]

    text = render(consoles, Passwords.LEFT_OUT)

    assert 'password_file = "/etc/solrecd/bmc.pw"' in text
    assert 'password_file = "/etc/solrecd/{name}.pw"' in text
    assert "other" not in text


def test_what_is_missing_is_a_comment_in_the_defaults() -> None:
    text = render([FoundConsole("a", "b", {})], Passwords.WRITTEN)

    assert '# username = "..."' in text
    assert "# password_file" in text


def test_consoles_of_all_kinds_are_written_and_read_back_with_ranges_folded() -> None:
    text = """
        console n01 { type ipmi; host n01-bmc; username u; password p; }
        console p7001 { type host; host ts1; portbase 7000; port 1; }
        console p7002 { type host; host ts1; portbase 7000; port 2; }
        console vm1 { type exec; exec virsh console vm1; }
        console vm2 { type exec; exec virsh console vm2; }
        console awk { type exec; exec awk "{print}"; }
        console s { type device; device /dev/ttyS0; baud 9600; }
    """
    consoles = read_conserver(text).consoles

    written = render(consoles, Passwords.WRITTEN)
    found = read_back(consoles).consoles

    assert '[console."p[7001-7002]"]\nkind = "tcp"\naddress = "ts1:{n}"' in written
    assert 'command = ["virsh", "console", "{name}"]' in written
    assert {name: one.kind for name, one in found.items()} == {
        "n01": "ipmi",
        **dict.fromkeys(("p7001", "p7002"), "tcp"),
        **dict.fromkeys(("vm1", "vm2", "awk"), "exec"),
        "s": "tty",
    }
    assert found["vm2"].options == ExecOptions(command=("virsh", "console", "vm2"))
    assert found["awk"].options == ExecOptions(command=("awk", "{print}"))


names = st.from_regex(r"[a-z]{1,3}[0-9]{0,3}[a-z]?[0-9]{0,2}", fullmatch=True)
addresses = st.one_of(
    st.from_regex(r"10\.0\.[1-9]?[0-9]\.[1-9]?[0-9]", fullmatch=True),
    st.from_regex(r"[a-z]{1,3}[0-9]{0,3}-bmc[0-9]{0,2}", fullmatch=True),
)
accounts = st.fixed_dictionaries(
    {"username": st.sampled_from(["u", "v"]), "password": st.just('p"\\\n{')},
    optional={"quirks": st.just(["icts"]), "cipher_suites": st.just([3])},
)


@settings(deadline=None)
@given(st.dictionaries(names, st.tuples(addresses, accounts), min_size=1, max_size=12))
def test_what_is_written_is_read_back_as_it_was(
    fleet: dict[str, tuple[str, dict[str, object]]],
) -> None:
    consoles = [FoundConsole(name, *rest) for name, rest in fleet.items()]

    found = read_back(consoles).consoles

    assert {name: options_of(one).host for name, one in found.items()} == {
        one.name: one.place for one in consoles
    }
    for console in consoles:
        ours, wanted = options_of(found[console.name]), console.settings
        assert ours.username.decode() == wanted["username"]
        assert sorted(ours.quirks) == wanted.get("quirks", [])
