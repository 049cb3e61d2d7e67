"""Certificates of one's own authority, under the strict checks of Python 3.13."""

from __future__ import annotations

import re
import ssl
import subprocess
from pathlib import Path

import pytest

from solrecd.process.certificates import CURE, strict_cure
from solrecd.process.tls import TlsFiles, server_context
from tests.support.certificates import Authority

HANDBOOK = Path(__file__).parents[2] / "packaging/docs/access.md"


def connect(authority: Path, certificate: Path, key: Path, name: str) -> None:
    """Connect a strict client to a server, without a network.

    Raises:
        SSLCertVerificationError: the client refused the certificate.
    """
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(cafile=str(authority))
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # as of 3.13 by itself
    client = context.wrap_bio(to_client, to_server, server_hostname=name)
    listener = server_context(TlsFiles(str(certificate), str(key)))
    server = listener.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for end in (client, server):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue


def test_the_recipe_of_the_handbook_passes_a_strict_check(tmp_path: Path) -> None:
    (recipe,) = re.findall(r"```sh\n(openssl .*?)```", HANDBOOK.read_text(), re.DOTALL)

    subprocess.run(
        ["bash", "-euc", recipe], cwd=tmp_path, check=True, capture_output=True
    )

    files = [tmp_path / name for name in ("ca.pem", "api.crt", "api.key")]
    connect(files[0], files[1], files[2], "recorder.example.net")


def test_the_certificates_of_tests_pass_a_strict_check(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    issued = authority.issue("server")

    connect(authority.certificate, *issued, "localhost")


def test_what_only_a_strict_check_refuses_has_a_cure(tmp_path: Path) -> None:
    authority = Authority(tmp_path, identified=False)
    issued = authority.issue("server")

    with pytest.raises(ssl.SSLCertVerificationError) as refused:
        connect(authority.certificate, *issued, "localhost")

    assert strict_cure(refused.value) == CURE


def test_an_unknown_authority_is_not_taken_for_that(tmp_path: Path) -> None:
    one, other = Authority(tmp_path, "one"), Authority(tmp_path, "other")
    issued = other.issue("server")

    with pytest.raises(ssl.SSLCertVerificationError) as refused:
        connect(one.certificate, *issued, "localhost")

    assert strict_cure(refused.value) is None
