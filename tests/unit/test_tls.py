"""A server's TLS context: made of files, or an error that names them."""

import ssl
from pathlib import Path

import pytest

from solrecd.process.tls import TlsFiles, names_in, server_context
from tests.support.certificates import Authority


def test_good_files_make_a_context_that_asks_no_client(tmp_path: Path) -> None:
    pair = Authority(tmp_path).issue("localhost")

    context = server_context(TlsFiles(str(pair.certificate), str(pair.key)))

    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_NONE


def test_an_authority_of_clients_makes_it_ask(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("localhost")
    files = TlsFiles(str(pair.certificate), str(pair.key), str(authority.certificate))

    assert server_context(files).verify_mode is ssl.CERT_OPTIONAL


def test_a_key_of_another_certificate_is_told(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    one, other = authority.issue("one"), authority.issue("other")

    with pytest.raises(ValueError, match=r"one\.pem with .*other\.key: .*mismatch"):
        server_context(TlsFiles(str(one.certificate), str(other.key)))


def test_files_that_are_no_certificates_are_told(tmp_path: Path) -> None:
    pair = Authority(tmp_path).issue("localhost")
    nonsense = tmp_path / "nonsense"
    nonsense.write_text("nonsense")
    good = TlsFiles(str(pair.certificate), str(pair.key))

    for files, words in (
        (good._replace(certificate=str(nonsense)), "nonsense with"),
        (good._replace(key=str(nonsense)), "with .*nonsense"),
        (good._replace(client_ca=str(nonsense)), "nonsense: .*authorities"),
        (good._replace(certificate=str(tmp_path / "gone")), "No such file"),
        (good._replace(client_ca=str(tmp_path / "gone")), "No such file"),
    ):
        with pytest.raises(ValueError, match=words):
            server_context(files)


@pytest.mark.parametrize(
    ("certificate", "names"),
    [
        (None, ()),
        ({}, ()),
        (
            {
                "subject": ((("countryName", "XX"),), (("commonName", "alice"),)),
                "subjectAltName": (("DNS", "a.example"), ("email", "a@example")),
            },
            ("alice", "a.example", "a@example"),
        ),
    ],
)
def test_the_names_of_a_certificate(certificate: object, names: tuple[str]) -> None:
    assert names_in(certificate) == names
