"""The kind ``ssh``: its configuration, what is typed, what ssh says; without ssh."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from solrecd.events.sessions import LostReason
from solrecd.sources.stream.ssh.client import command_line
from solrecd.sources.stream.ssh.complaints import explain
from solrecd.sources.stream.ssh.dialogue import Dialogue, Progress, Prompt
from solrecd.sources.stream.ssh.options import SshOptions
from solrecd.sources.stream.ssh.vendors import VENDORS
from tests.support.configs import mistakes, read

ACCOUNT = 'username = "recorder"\nidentity_file = "/etc/solrecd/id"\n'


def console(keys: str) -> SshOptions:
    """Return what a console's keys mean."""
    config = read(f'[console.bmc7]\nkind = "ssh"\n{ACCOUNT}{keys}\n')
    options = config.consoles["bmc7"].options
    assert isinstance(options, SshOptions)
    return options


def wrong(keys: str, account: str = ACCOUNT) -> str:
    """Return what is wrong with a console's keys."""
    found = mistakes(f'[console.bmc7]\nkind = "ssh"\n{account}{keys}\n')
    return "\n".join(map(str, found))


# Configuration.


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        ('host = "{name}.example.net"', "recorder@bmc7.example.net"),
        ('host = "h"\nvendor = "openbmc"', "recorder@h:2200"),
        ('host = "h:22"\nvendor = "openbmc"', "recorder@h"),
        ('host = "[2001:db8::7]:2222"', "recorder@[2001:db8::7]:2222"),
    ],
)
def test_a_console_is_where_its_keys_say(keys: str, place: str) -> None:
    assert console(keys).place == place


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_a_vendor_needs_is_known_and_can_be_set(vendor: str) -> None:
    habits = VENDORS[vendor]
    usual = console(f'host = "h"\nvendor = "{vendor}"')
    own = console(
        f'host = "h"\nvendor = "{vendor}"\nprompt = "x>"\nenter = ["go {{n}}", "{{y}}"]'
    )

    assert (usual.prompt, usual.enter) == (habits.prompt, habits.enter)
    assert (own.prompt, own.enter) == ("x>", ("go 7", "{y}"))


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ('host = "h"\nvendor = "drac"', 'found "drac"; allowed: one of "generic"'),
        ('host = "-oProxyCommand=x"', 'found "-oProxyCommand=x"'),
        ('host = "h"\nprompt = "$"', "means nothing without `enter`"),
        ('host = "h"\nenter = "a\\nb"', "a line of at most 500 printable"),
        ('host = "h"\nalgorithms = ["none"]', 'found "none"'),
        ('host = "h"\nhost_key = "any"', '"known", "accept-new"'),
        ('host = "h"\nknown_hosts = "known"', "an absolute path"),
        ('host = "h"\nknown_hosts = "/a${HOME}"', 'without " and $'),
        ("", "has no host"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_allowed(keys: str, text: str) -> None:
    assert text in wrong(keys)


def test_a_console_needs_a_way_to_log_in() -> None:
    assert "identity_file" in wrong('host = "h"', 'username = "u"\n')


def test_no_configuration_of_others_and_no_password_reaches_the_command_line() -> None:
    options = read(
        '[console.a]\nkind = "ssh"\nhost = "h"\nusername = "u"\npassword = "s3cret"\n'
    ).consoles["a"]
    assert isinstance(options.options, SshOptions)
    words = command_line(options.options, "/var/lib/100% mine/known_hosts")

    assert words[:3] == ("ssh", "-F", "none")
    assert words[-2:] == ("--", "h")
    files = '"/var/lib/100%% mine/known_hosts" "/etc/solrecd/known_hosts"'
    assert f"UserKnownHostsFile={files}" in words
    assert "StrictHostKeyChecking=yes" in words
    assert "BatchMode=no" in words
    assert not [word for word in words if "s3cret" in word]


# What is typed.


def entered(dialogue: Dialogue, *pieces: bytes) -> list[bytes]:
    """Feed output; return what was typed."""
    return [typed for piece in pieces if (typed := dialogue.feed(piece))]


def test_commands_are_typed_one_at_each_prompt() -> None:
    dialogue = Dialogue(Prompt("system>"), ("console kill", "console start"), "")
    typed = entered(
        dialogue,
        b"Welcome, system> is the prompt\r\n\x1b[1msyst",
        b"em>\x1b[0m ",
        b"console kill\r\nok\r\nsystem> ",
        b"console start\r\n[    0.000000] Linux",
    )
    dialogue.settle()

    assert typed == [b"console kill\r", b"console start\r"]
    assert dialogue.progress is Progress.ENTERED
    assert dialogue.console == b"[    0.000000] Linux"


def test_a_greeting_is_the_last_line_that_is_none_of_the_consoles() -> None:
    dialogue = Dialogue(Prompt("racadm>>"), ("connect com2",), "Connected to Serial")
    dialogue.feed(b"racadm>>")
    dialogue.feed(b"connect com2\r\nConnected to Serial Device 2. To end ty")
    before = dialogue.progress
    dialogue.feed(b"pe: ^\\\r\nlogin: ")

    assert (before, dialogue.progress) == (Progress.TYPED, Progress.ENTERED)
    assert dialogue.console == b"login: "


def test_a_prompt_that_comes_back_is_a_refusal_with_what_was_printed() -> None:
    dialogue = Dialogue(Prompt("*hpiLO->"), ("vsp",), "")
    dialogue.feed(b"</>hpiLO-> ")
    dialogue.feed(b"vsp\r\n\r\nVirtual Serial Port is in use.\r\n\r\n</>hpiLO-> ")

    assert dialogue.progress is Progress.REFUSED
    assert dialogue.said == "Virtual Serial Port is in use."


@given(st.lists(st.binary(max_size=600), max_size=30))
def test_whatever_a_bmc_prints_is_bounded_and_typed_at_a_prompt_only(
    pieces: list[bytes],
) -> None:
    dialogue = Dialogue(Prompt("system>"), ("a", "b"), "")
    typed = [dialogue.feed(piece[: dialogue.room]) for piece in pieces]
    assert len(b"".join(typed)) <= 4
    assert len(dialogue.console) <= len(b"".join(pieces))
    assert dialogue.said.isprintable()


@given(st.binary(max_size=2000), st.text(max_size=20))
def test_no_output_breaks_a_prompt(output: bytes, spelling: str) -> None:
    Prompt(spelling).ends(output)


# What ssh says.


@pytest.mark.parametrize(
    ("said", "reason", "text"),
    [
        (
            (
                "No ED25519 host key is known for h and you have requested strict"
                " checking.\nHost key verification failed.\n"
            ),
            LostReason.UNTRUSTED,
            (
                "its host key is not known; compare it on the machine itself, then:"
                " ssh-keyscan -p 22 h >> /etc/solrecd/known_hosts"
            ),
        ),
        (
            (
                "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\nThe fingerprint for"
                f" the ED25519 key is\nSHA256:{'a' * 43}.\nHost key verification"
                " failed.\n"
            ),
            LostReason.UNTRUSTED,
            f"its host key has changed, it shows SHA256:{'a' * 43}; find out why",
        ),
        (
            "u@h: Permission denied (publickey,password).\n",
            LostReason.BAD_PASSWORD,
            "permission denied for u (it takes: publickey,password)",
        ),
        (
            (
                "Unable to negotiate with 10.0.0.1 port 22: no matching host key type"
                " found. Their offer: ssh-rsa,ssh-dss\n"
            ),
            LostReason.SUITE_REFUSED,
            (
                "no matching host key type found, it offers ssh-rsa,ssh-dss; algorithms"
                ' = ["ssh-rsa"] allows it'
            ),
        ),
        (
            "ssh: connect to host h port 22: No route to host\n",
            LostReason.UNREACHABLE,
            "u@h: No route to host; see whether",
        ),
        (
            "Timeout, server h not responding.\r\n",
            LostReason.BMC_TIMEOUT,
            "no sign of life any more",
        ),
        (
            "kex_exchange_identification: read: Connection reset by peer\n",
            LostReason.BMC_BUSY,
            "it ends the connection before the login (read: Connection reset",
        ),
        ("something new\n", LostReason.CLOSED, "u@h: something new"),
        ("", LostReason.CLOSED, "ssh ended, and said nothing"),
    ],
)
def test_what_ssh_says_becomes_one_line(
    said: str, reason: LostReason, text: str
) -> None:
    error = explain(said.encode(), SshOptions(host="h", username="u"))

    assert error.reason is reason
    assert text in str(error)
    assert "\n" not in str(error)


@given(st.binary(max_size=3000))
def test_whatever_a_server_says_becomes_one_line(said: bytes) -> None:
    error = explain(said, SshOptions(host="h", username="u{0}"))

    assert str(error).isprintable()
