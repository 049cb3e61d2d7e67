"""What a web configuration may say, and how mistakes are told."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from solrecd.api.webconfig.parse import parse
from solrecd.api.webconfig.settings import ClientAuth, TlsVersion, WebConfigError

FILE = Path("/etc/solrecd/web-config.yml")
HASH = "$2b$10$mhkN6Ndnt4b7dr1tNY2NCeJuaPX2DdGCP03Qle6HmYp76wk2VGS2W"


def problems(text: str) -> list[str]:
    """Return what is wrong with a file, in any order."""
    with pytest.raises(WebConfigError) as caught:
        parse(text, FILE)
    assert str(caught.value).startswith(f"{FILE}: ")
    return sorted(caught.value.problems)


def test_an_empty_file_is_plain_http_for_everybody() -> None:
    config = parse("", FILE)

    assert config.tls is None
    assert not config.users
    assert not config.headers


def test_all_that_counts_is_read() -> None:
    config = parse(
        f"""\
tls_server_config:
  cert_file: server.pem
  key_file: /keys/server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.pem
  min_version: TLS13
http_server_config:
  http2: false
  headers:
    X-Frame-Options: deny
basic_auth_users:
  prometheus: {HASH}
""",
        FILE,
    )

    assert config.tls is not None
    assert config.tls.cert_file == Path("/etc/solrecd/server.pem")
    assert config.tls.key_file == Path("/keys/server.key")
    assert config.tls.client_ca_file == Path("/etc/solrecd/ca.pem")
    assert config.tls.client_auth_type is ClientAuth.REQUIRED
    assert config.tls.min_version is TlsVersion.TLS13
    assert config.users == {"prometheus": HASH.encode()}
    assert config.headers == {"X-Frame-Options": "deny"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("tls_server_confg: {}", "did you mean tls_server_config?"),
        ("tls_server_config: {key_file: a}", "tls_server_config.cert_file: is missing"),
        (
            "tls_server_config: {PAIR, cipher_suites: [x]}",
            "tls_server_config.cipher_suites: is not supported; the system's",
        ),
        (
            "tls_server_config: {PAIR, client_auth_type: No}",
            "tls_server_config.client_auth_type: found False; allowed: NoClientCert",
        ),
        (
            "tls_server_config: {PAIR, client_auth_type: RequireAnyClientCert}",
            "found 'RequireAnyClientCert'; allowed: NoClientCert",
        ),
        (
            "tls_server_config: {PAIR, client_auth_type: RequireAndVerifyClientCert}",
            "tls_server_config.client_ca_file: is missing",
        ),
        (
            "tls_server_config: {PAIR, client_ca_file: c}",
            "tls_server_config.client_ca_file: has no effect",
        ),
        (
            "tls_server_config: {PAIR, min_version: TLS10}",
            "tls_server_config.min_version: found 'TLS10'; allowed: TLS12, TLS13",
        ),
        (
            "tls_server_config: {PAIR, min_version: TLS13, max_version: TLS12}",
            "tls_server_config.max_version: is below min_version",
        ),
        (
            "tls_server_config: {cert_file: [a], key_file: b}",
            "tls_server_config.cert_file: allowed: the path of a file",
        ),
        (
            "http_server_config: {http2: maybe}",
            "http_server_config.http2: allowed: true, false",
        ),
        (
            "http_server_config: {headers: {X-Powered-By: us}}",
            "http_server_config.headers.X-Powered-By: is unknown",
        ),
        (
            'http_server_config: {headers: {X-Frame-Options: "a\\r\\nb"}}',
            "http_server_config.headers.X-Frame-Options: allowed: one line of text",
        ),
        ("rate_limit: {}", "rate_limit: is not supported"),
        ("basic_auth_users: [a]", "basic_auth_users: allowed: a table"),
        (
            "basic_auth_users: {a: $2b$31$" + HASH[7:] + "}",
            "basic_auth_users.a: has cost 31; allowed: 4 to 16",
        ),
        ("[1]", "the file: allowed: a table"),
        ("a: [", "line 1: "),
        ("basic_auth_users: {}\nbasic_auth_users: {}", "line 2: basic_auth_users"),
    ],
)
def test_a_mistake_is_told_with_its_key(text: str, problem: str) -> None:
    found = problems(text.replace("PAIR", "cert_file: a, key_file: b"))

    assert any(problem in one for one in found), found


def test_a_password_instead_of_a_hash_is_never_quoted() -> None:
    (problem,) = problems("basic_auth_users: {prometheus: hunter2}")

    assert problem.startswith("basic_auth_users.prometheus: is not a bcrypt hash")
    assert "hunter2" not in problem


def test_all_mistakes_are_told_at_once() -> None:
    found = problems("tls_server_config: {}\nbasic_auth_users: {a: b}\nwhat: 1")

    assert [one.partition(":")[0] for one in found] == [
        "basic_auth_users.a",
        "tls_server_config.cert_file",
        "tls_server_config.key_file",
        "what",
    ]


@given(st.text(max_size=200))
def test_any_text_is_a_configuration_or_a_mistake(text: str) -> None:
    with suppress(WebConfigError):
        parse(text, FILE)


def test_nesting_without_end_is_a_mistake() -> None:
    assert problems("[" * 5000)
