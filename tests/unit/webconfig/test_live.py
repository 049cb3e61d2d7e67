"""A web configuration follows its files; what is wrong changes nothing."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from solrecd.api.webconfig.live import LiveWebConfig, load
from solrecd.api.webconfig.settings import WebConfigError
from tests.support.certificates import Authority

TLS = """\
tls_server_config:
  cert_file: server.pem
  key_file: server.key
"""


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    Authority(tmp_path).issue("server")
    file = tmp_path / "web-config.yml"
    file.write_text(TLS)
    return file


def rewrite(file: Path, text: str) -> None:
    """Write a file again as editors do: another file under its name."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


def test_what_did_not_change_is_not_read_again(file: Path) -> None:
    live = LiveWebConfig(str(file))
    before = live.context()

    live.refresh()

    assert live.context() is before


def test_a_new_certificate_is_served_from_now_on(file: Path) -> None:
    live = LiveWebConfig(str(file))
    before = live.context()
    for old in (file.parent / "server.pem", file.parent / "server.key"):
        old.unlink()
    Authority(file.parent).issue("server")

    live.refresh()

    assert live.context() is not before


def test_new_users_count_and_tls_may_come_and_go(file: Path) -> None:
    live = LiveWebConfig(str(file))

    rewrite(file, "basic_auth_users: {}\n")
    live.refresh()

    assert live.context() is None

    rewrite(file, TLS + "  min_version: TLS13\n")
    live.refresh()

    context = live.context()
    assert context is not None
    assert context.minimum_version is ssl.TLSVersion.TLSv1_3


def test_a_mistake_leaves_the_old_settings_until_it_is_mended(file: Path) -> None:
    live = LiveWebConfig(str(file))
    before = live.context()

    rewrite(file, TLS + "  nonsense: 1\n")
    live.refresh()
    live.refresh()

    assert live.context() is before

    (file.parent / "server.key").write_text("no key")
    rewrite(file, TLS)
    live.refresh()

    assert live.context() is before

    Authority(file.parent, "other").issue("server")
    live.refresh()

    assert live.context() is not before


def test_files_that_are_missing_or_wrong_are_named(file: Path) -> None:
    with pytest.raises(
        WebConfigError, match=r"none\.yml: cannot be read: No such file"
    ):
        load(str(file.parent / "none.yml"))

    (file.parent / "server.key").unlink()
    with pytest.raises(WebConfigError, match=r"key_file .*server\.key cannot be used"):
        load(str(file))

    file.write_bytes(b"\xff")
    with pytest.raises(WebConfigError, match="is not UTF-8"):
        load(str(file))


def test_the_authority_of_clients_is_read(file: Path) -> None:
    file.write_text(
        TLS + "  client_auth_type: RequireAndVerifyClientCert\n"
        "  client_ca_file: authority.pem\n"
    )

    context = load(str(file)).context

    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert len(context.get_ca_certs()) == 1

    (file.parent / "authority.pem").write_text("")
    with pytest.raises(WebConfigError, match="client_ca_file"):
        load(str(file))


def test_an_encrypted_key_is_a_mistake_and_prompts_no_one(file: Path) -> None:
    path = file.parent / "server.key"
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )

    with pytest.raises(WebConfigError, match="the key is encrypted"):
        load(str(file))
