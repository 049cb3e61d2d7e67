"""The configuration of consoles of OpenBMCs."""

from __future__ import annotations

import pytest

from solrecd.config import Config
from solrecd.sources.openbmc.options import OpenbmcOptions
from tests.support.configs import mistakes, read

ACCOUNT = 'username = "recorder"\npassword = "secret"\n'


def console(keys: str) -> OpenbmcOptions:
    """Return what a console's keys mean."""
    config: Config = read(f'[console.bmc7]\nkind = "openbmc"\n{ACCOUNT}{keys}\n')
    options = config.consoles["bmc7"].options
    assert isinstance(options, OpenbmcOptions)
    return options


@pytest.mark.parametrize(
    ("keys", "url"),
    [
        ('host = "{name}.example.net"', "wss://bmc7.example.net/console/default"),
        ('host = "h:8443"\nconsole = "dpu{n}"', "wss://h:8443/console/dpu7"),
        ('host = "2001:db8::7"', "wss://[2001:db8::7]/console/default"),
        ('url = "wss://{name}/console0"', "wss://bmc7/console0"),
        ('url = "https://[2001:db8::7]:1/a/b"', "wss://[2001:db8::7]:1/a/b"),
    ],
)
def test_a_console_is_where_its_keys_say(keys: str, url: str) -> None:
    assert console(keys).url == url


@pytest.mark.parametrize(
    "spelling",
    [
        "AB:" * 31 + "AB",
        "ab" * 32,
        "SHA256:" + "aB" * 32,
        "sha256 Fingerprint=" + "AB" * 32,
    ],
)
def test_a_fingerprint_is_taken_as_tools_print_it(spelling: str) -> None:
    keys = f'host = "h"\nfingerprint = "{spelling}"'

    assert console(keys).fingerprint == "ab" * 32


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (ACCOUNT, "console.bmc: has no host or url, and [defaults] has none"),
        ('host = "h"\npassword = "p"', "console.bmc: has no username, and"),
        ('host = "h"\nusername = "u"', "console.bmc: has no password; allowed: one of"),
        (
            ACCOUNT + 'url = "ws://h/c"',
            'console.bmc.url: found "ws://h/c"; allowed: "w',
        ),
        (ACCOUNT + 'url = "wss://u:p@h/c"', "console.bmc.url: found "),
        (ACCOUNT + 'url = "wss://h/c?token=1"', "console.bmc.url: found "),
        (ACCOUNT + 'host = "h"\nconsole = "a/b"', 'console.bmc.console: found "a/b"'),
        (ACCOUNT + 'host = "h"\nfingerprint = "ab"', "allowed: 64 hexadecimal digits"),
        ('host = "h"\nusername = "u"\npassword = "a\\nb"', "allowed: one line of 1 to"),
    ],
)
def test_what_a_console_needs_is_told(keys: str, message: str) -> None:
    told = mistakes(f'[console.bmc]\nkind = "openbmc"\n{keys}\n')

    assert any(message in line for line in told), told
    assert len(told) == 1


def test_options_show_no_password() -> None:
    assert "secret" not in repr(console('host = "h"'))
