"""Certificates for tests: an authority, and whom it vouches for."""

from __future__ import annotations

import datetime as dt
import ipaddress
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_BEGIN = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
_END = dt.datetime(2120, 1, 1, tzinfo=dt.UTC)


class Issued(NamedTuple):
    """A certificate and its key, as files in PEM."""

    certificate: Path
    key: Path


class Authority:
    """Issues certificates into a folder; its own is `certificate`.

    Args:
        folder: where its files are.
        name: in its certificate.
        identified: its certificates have key identifiers, and a use of the key, which
            many home-made ones lack.
    """

    def __init__(
        self, folder: Path, name: str = "authority", *, identified: bool = True
    ) -> None:
        self._folder = folder
        self._identified = identified
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        own = self._builder(self._name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        if identified:
            own = own.add_extension(_signs_certificates(), critical=True)
        self.certificate = folder / f"{name}.pem"
        self._write(self.certificate, own)

    def issue(self, name: str) -> Issued:
        """Return a certificate for localhost, 127.0.0.1 and a client of this name."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        names: list[x509.GeneralName] = [
            x509.DNSName("localhost"),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        ]
        builder = self._builder(subject, key).add_extension(
            x509.SubjectAlternativeName(names), critical=False
        )
        issued = Issued(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        self._write(issued.certificate, builder)
        issued.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return issued

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey
    ) -> x509.CertificateBuilder:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_BEGIN)
            .not_valid_after(_END)
        )
        if not self._identified:
            return builder
        # Python 3.13 and newer check as RFC 5280 has it, and refuse without these.
        ours, its = self._key.public_key(), key.public_key()
        by = x509.AuthorityKeyIdentifier.from_issuer_public_key(ours)
        builder = builder.add_extension(by, critical=False)
        of = x509.SubjectKeyIdentifier.from_public_key(its)
        return builder.add_extension(of, critical=False)

    def _write(self, path: Path, builder: x509.CertificateBuilder) -> None:
        certificate = builder.sign(self._key, hashes.SHA256())
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _signs_certificates() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
