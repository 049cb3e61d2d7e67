"""TLS for those who come to us: a context out of files, or what is wrong with them."""

from __future__ import annotations

import ssl
from typing import NamedTuple


class TlsFiles(NamedTuple):
    """Paths of PEM files."""

    certificate: str
    """Ours, followed by the intermediate ones."""
    key: str
    client_ca: str | None = None
    """Signs certificates of clients; None: they need none and show none."""


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """Return a context for a server.

    Raises:
        ValueError: a file cannot be used; names it, in words that end in what is
            allowed.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    # No session ticket outlives the certificates it was issued under.
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    context.set_alpn_protocols(["http/1.1"])
    try:
        # Without a password: OpenSSL would ask for it on the daemon's terminal.
        context.load_cert_chain(files.certificate, files.key, password="")
    except (OSError, ValueError) as error:
        raise ValueError(
            f"cannot use {files.certificate} with {files.key}: {_reason(error)};"
            " allowed: PEM files of a certificate and its key without a password"
        ) from None
    if files.client_ca is not None:
        _ask_for_certificates(context, files.client_ca)
    return context


def _ask_for_certificates(context: ssl.SSLContext, authority: str) -> None:
    try:
        context.load_verify_locations(authority)
    except OSError as error:
        raise ValueError(
            f"cannot use {authority}: {_reason(error)}; allowed: a PEM file with"
            " certificates of authorities"
        ) from None
    # Optional: a client with a token needs no certificate.
    context.verify_mode = ssl.CERT_OPTIONAL


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no PEM").lower().replace("_", " ")
    return getattr(error, "strerror", None) or str(error)


def names_in(certificate: object) -> tuple[str, ...]:
    """Return the names in a peer's certificate, as `ssl` shows it: common names first.

    Alternative names count by their text, whatever their kind (DNS, e-mail, URI).
    """
    if not isinstance(certificate, dict):
        return ()
    subject = [pair for part in certificate.get("subject", ()) for pair in part]
    common = [value for key, value in subject if key == "commonName"]
    others = [value for _, value in certificate.get("subjectAltName", ())]
    return tuple(name for name in (*common, *others) if isinstance(name, str))
