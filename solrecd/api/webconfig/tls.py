"""TLS settings to a context that connections are served with."""

from __future__ import annotations

import ssl
from pathlib import Path

from solrecd.api.webconfig.settings import ClientAuth, TlsSettings, WebConfigError

_VERIFY = {
    ClientAuth.NONE: ssl.CERT_NONE,
    ClientAuth.IF_GIVEN: ssl.CERT_OPTIONAL,
    ClientAuth.REQUIRED: ssl.CERT_REQUIRED,
}


def make_context(tls: TlsSettings, path: Path) -> ssl.SSLContext:
    """Return the context; reads certificates and key.

    Args:
        tls: the settings.
        path: of the web configuration, for messages.

    Raises:
        WebConfigError: a file cannot be read, or key and certificate do not fit.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = tls.min_version.number
    context.maximum_version = tls.max_version.number
    context.set_alpn_protocols(["http/1.1"])
    try:
        # An encrypted key would ask at the terminal: better an error.
        context.load_cert_chain(tls.cert_file, tls.key_file, password=_no_password)
    except (OSError, ValueError) as error:
        files = f"cert_file {tls.cert_file} and key_file {tls.key_file}"
        raise _refusal(path, f"{files} cannot be used", error) from None
    if tls.client_ca_file is not None:
        try:
            context.load_verify_locations(tls.client_ca_file)
        except OSError as error:
            problem = f"client_ca_file {tls.client_ca_file} cannot be used"
            raise _refusal(path, problem, error) from None
    context.verify_mode = _VERIFY[tls.client_auth_type]
    return context


def _no_password() -> bytes:
    raise ValueError("the key is encrypted; a key without a password is needed")


def _refusal(path: Path, problem: str, error: Exception) -> WebConfigError:
    why = error.strerror if isinstance(error, OSError) else None
    return WebConfigError(path, [f"tls_server_config: {problem}: {why or error}"])
