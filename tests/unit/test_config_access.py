"""The ``[access.NAME]`` tables: what they mean, and what is said about mistakes."""

import hashlib
import re
from dataclasses import replace
from typing import Any

import pytest

from solrecd.config import ApiConfig, Config, ConfigError, plan_reload
from solrecd.process.access import LocalCaller, RemoteCaller, Role, digest_of
from solrecd.process.tls import TlsFiles
from tests.support.configs import machine, mistakes, read

TOKEN = b"0123456789abcdef0123456789abcdef"
OTHER = b"fedcba9876543210fedcba9876543210"


def test_a_grant_is_read() -> None:
    policy = read(
        """
        [access.night-shift]
        role = "operate"
        groups = ["ops"]
        labels = { rack = ["r1", "r2"], row = "7" }
        """
    ).access

    rights = policy.judge(LocalCaller("alice", frozenset({"ops"})))

    assert rights.may(Role.OPERATE, {"rack": "r2", "row": "7"})
    assert not rights.sees({"rack": "r2"})


def test_a_token_is_known_by_hash_file_and_credential() -> None:
    environment = machine(
        {
            "/t": (0o600, TOKEN + b"\n\n" + OTHER + b"\n"),
            "/c/ci": (0o400, b"c" * 40),
        },
        credentials="/c",
    )
    hashed = hashlib.sha256(b"h" * 40).hexdigest()

    policy = read(
        f"""
        [access.ci]
        role = "view"
        token_sha256 = "{hashed}"
        token_file = "/t"
        token_credential = "ci"
        """,
        environment=environment,
    ).access

    for token in (b"h" * 40, TOKEN, OTHER, b"c" * 40):
        rights = policy.judge(RemoteCaller(token=digest_of(token)))
        assert rights.principal == "token:ci"
    assert not policy.judge(RemoteCaller(token=digest_of(b"x" * 40))).grants


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ('users = ["a"]', "access.x: has no role; allowed: "),
        ('role = "view"', "names no caller; allowed: one of users, groups"),
        ('role = "root"\nusers = ["a"]', 'role: found "root"; allowed: "view"'),
        ('role = "view"\nuser = ["a"]', 'unknown key; did you mean "users"?'),
        ('role = "view"\nusers = "a"', 'users: found "a"; allowed: a list of login'),
        ('role = "view"\nusers = []', "allowed: a list of login names"),
        ('role = "view"\ngroups = ["a\\u001b[2J"]', "in this list, unix groups such"),
        ('role = "view"\nusers = ["a"]\nlabels = "r1"', 'allowed: a table, { rack = "'),
        ('role = "view"\nusers = ["a"]\nlabels = { rack = [] }', "which no console"),
        (
            'role = "view"\nusers = ["a"]\nlabels = { rack = [1] }',
            "for label rack",
        ),
        ('role = "view"\ntoken_file = "t"', "allowed: an absolute path"),
        ('role = "view"\ntoken_file = "/missing"', "cannot read /missing: No such"),
    ],
)
def test_a_mistake_names_its_key_and_what_is_allowed(keys: str, words: str) -> None:
    (line, *_) = mistakes(f"[access.x]\n{keys}\n")

    assert line.startswith("solrecd.toml:")
    assert words in line


def test_a_token_that_stands_where_its_hash_belongs_is_not_shown() -> None:
    (line,) = mistakes('[access.x]\nrole = "view"\ntoken_sha256 = "my-secret"\n')

    assert "my-secret" not in line
    assert "solrecd.toml:3: access.x.token_sha256: " in line
    assert "`solrecd token`" in line


@pytest.mark.parametrize(
    ("mode", "content", "words"),
    [
        (0o640, TOKEN, "has mode 0640, so that others can read it"),
        (0o600, b"\n", "holds no token"),
        (0o600, TOKEN + b"\nshort", "a token of 5 bytes; allowed: 32 to 256"),
        (0o600, b"x" * 300, "a token of 300 bytes"),
        (0o600, b"\xff" * 40, "ASCII"),
    ],
)
def test_a_token_file_that_protects_nothing_is_refused(
    mode: int, content: bytes, words: str
) -> None:
    environment = machine({"/t": (mode, content)})
    text = '[access.x]\nrole = "view"\ntoken_file = "/t"\n'

    with pytest.raises(Exception, match=words) as caught:
        read(text, environment=environment)

    assert "short" not in str(caught.value)


@pytest.mark.parametrize("name", ['"a b"', '"\\u001b[31m"', '""', '"' + "x" * 40 + '"'])
def test_a_grants_name_is_fit_for_a_log(name: str) -> None:
    lines = mistakes(f'[access.{name}]\nrole = "view"\nusers = ["a"]\n')

    assert "allowed: names of letters" in lines[0]


def test_a_grant_that_is_no_table_is_a_mistake() -> None:
    assert "allowed: a table, [access.x]" in mistakes("[access]\nx = 1\n")[0]


def test_a_reload_tells_that_grants_changed() -> None:
    plain = read("")
    granted = read('[access.x]\nrole = "view"\nusers = ["a"]\n')

    assert plan_reload(plain, granted).access
    assert not plan_reload(granted, granted).access


# The TLS listener.

GRANT = f'[access.x]\nrole = "view"\ntoken_sha256 = "{"0" * 64}"\n'
BOTH = 'certificate = "/c.pem"\nkey = "/k.pem"\n'


def listening(
    keys: str, grant: str = GRANT, mode: int = 0o600, wrong: str = ""
) -> ApiConfig:
    def check_tls(_: TlsFiles) -> None:
        if wrong:
            raise ValueError(wrong)

    environment = machine({"/k.pem": (mode, b"")})
    text = f'[api]\nlisten = "127.0.0.1:9622"\n{keys}\n{grant}'
    return read(text, environment=replace(environment, check_tls=check_tls)).api


def test_a_listener_is_read() -> None:
    api = listening(BOTH)

    assert api.listen == ("127.0.0.1", 9622)
    assert api.tls_files == TlsFiles("/c.pem", "/k.pem")


def test_without_listener_nothing_of_it_is_needed() -> None:
    assert read("[api]\n").api == ApiConfig()


@pytest.mark.parametrize(
    ("keys", "options", "words"),
    [
        ("", {}, "api.listen: needs a certificate and its key"),
        (BOTH, {"grant": ""}, "api.listen: admits no caller; allowed: with tokens or"),
        (
            BOTH,
            {"grant": '[access.x]\nrole = "view"\ncertificates = ["a"]\n'},
            "api.listen: needs client_ca",
        ),
        (BOTH, {"mode": 0o640}, "api.key: /k.pem has mode 0640, so that others can"),
        (BOTH, {"wrong": "cannot use /c.pem"}, "api.key: cannot use /c.pem"),
        (BOTH.replace("/k", "/gone"), {}, "api.key: cannot read /gone.pem: No such"),
        (
            BOTH + 'key_credential = "k"',
            {},
            "api.key_credential: stands beside key; allowed: one of",
        ),
        (
            'certificate = "/c.pem"\nkey_credential = "k"',
            {},
            "api.key_credential: needs systemd",
        ),
        (BOTH + 'ca = "/x"', {}, "api.ca: unknown key"),
    ],
)
def test_a_listener_that_cannot_be_is_told(
    keys: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(words)):
        listening(keys, **options)


def test_another_address_counts_from_the_next_start_on() -> None:
    one = listening(BOTH)

    plan = plan_reload(Config(api=one), Config(api=replace(one, listen=("::1", 1))))

    assert plan.daemon == ("api.listen",)
