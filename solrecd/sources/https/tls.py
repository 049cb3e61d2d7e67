"""A TLS connection to a web server that has proved which one it is."""

from __future__ import annotations

import errno
import hashlib
import hmac
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import trio

from solrecd.events.sessions import LostReason
from solrecd.process.certificates import strict_cure
from solrecd.process.threads import Job, in_thread
from solrecd.sources.explaining import explained
from solrecd.sources.https.server import Server
from solrecd.sources.tcp import CONNECT_TIMEOUT, connect_tcp
from solrecd.sources.troubles import NotConnectedError, tcp_troubles

_READ: Final = Job("the certificates of `ca_file`", "the next start reads them")

TlsStream = trio.SSLStream[trio.SocketStream]

_OTHER_NAME: Final = (
    "use the name that the certificate has in `{key}`, or set `{prefix}fingerprint`"
)

_CERTIFICATE_CURES: Final[Mapping[int, str]] = MappingProxyType(
    {
        # X509_verify_cert_error_string(3).
        10: "renew it on the BMC, or set `{prefix}fingerprint`",
        62: _OTHER_NAME,
        64: _OTHER_NAME,
    }
)

_UNKNOWN_AUTHORITY: Final = (
    "set `{prefix}ca_file` to its authority's certificate, or `{prefix}fingerprint` to"
    " its own: solrecctl doctor shows it"
)


class Trust:
    """The TLS settings of all consoles; each file of authorities is read once."""

    def __init__(self) -> None:
        self._contexts: dict[object, ssl.SSLContext] = {}

    async def context(self, server: Server) -> ssl.SSLContext:
        """Return how to connect to a BMC.

        Raises:
            NotConnectedError: its ``ca_file`` cannot be used.
        """
        try:
            return await in_thread(_READ, self._context, server)
        except OSError as error:  # ssl.SSLError is one
            what = f"{server.ca_file}: {error.strerror or error}"
            cure = f"`{server.key_prefix}ca_file` must be certificates in PEM"
            raise NotConnectedError(LostReason.UNREACHABLE, what, cure) from None

    def _context(self, server: Server) -> ssl.SSLContext:
        key = _key(server)
        if key not in self._contexts:
            self._contexts[key] = _new_context(server)
        return self._contexts[key]


def _key(server: Server) -> object:
    if server.fingerprint is not None:
        return None
    if server.ca_file is None:
        return ()
    status = Path(server.ca_file).stat()
    return server.ca_file, status.st_mtime_ns, status.st_size, status.st_ino


def _new_context(server: Server) -> ssl.SSLContext:
    if server.fingerprint is None:
        return ssl.create_default_context(cafile=server.ca_file)
    return unverified_context()  # `_check_pinned` verifies


def unverified_context() -> ssl.SSLContext:
    """Return how to connect to any host: nothing secret may be sent to it.

    No authorities are read for it: quick enough for the loop.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def open_tls(server: Server, trust: Trust) -> TlsStream:
    """Return a connection to a BMC that has proved which one it is.

    Raises:
        NotConnectedError: there is none; nothing was sent that is secret.
    """
    context = await trust.context(server)
    stream = await handshake(server, context)
    try:
        _check_pinned(server, stream)
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return stream


async def _connect(server: Server) -> socket.socket:
    key = server.host_key
    try:
        with trio.fail_after(CONNECT_TIMEOUT):
            return await connect_tcp(server.host, server.port)
    except trio.TooSlowError:
        late = OSError(errno.ETIMEDOUT, "")
        raise explained(late, server.place, tcp_troubles(key), key) from None
    except OSError as error:
        raise explained(error, server.place, tcp_troubles(key), key) from None


async def handshake(server: Server, context: ssl.SSLContext) -> TlsStream:
    """Return a connection over which nothing was sent yet.

    Raises:
        NotConnectedError: there is none.
    """
    connected = await _connect(server)
    stream = trio.SSLStream(
        trio.SocketStream(trio.socket.from_stdlib_socket(connected)),
        context,
        server_hostname=server.host,
        https_compatible=True,
    )
    try:
        await stream.do_handshake()
    except trio.BrokenResourceError as error:
        await trio.aclose_forcefully(stream)
        raise _not_trusted(server, error.__cause__) from None
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return stream


def fingerprint_of(stream: TlsStream) -> str:
    """Return the SHA-256 of the other end's certificate, as `Server` has it."""
    certificate = stream.getpeercert(binary_form=True)
    return hashlib.sha256(certificate or b"").hexdigest()


def spell_fingerprint(digits: str) -> str:
    """Return a fingerprint as OpenSSL writes it."""
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2)).upper()


def _check_pinned(server: Server, stream: TlsStream) -> None:
    wanted, found = server.fingerprint, fingerprint_of(stream)
    if wanted is None or hmac.compare_digest(wanted, found):
        return
    what = f"{server.place}: its certificate is another: {spell_fingerprint(found)}"
    key = f"`{server.key_prefix}fingerprint`"
    cure = f"if the BMC was given a new one, correct {key}; if not, find out who"
    raise NotConnectedError(LostReason.UNTRUSTED, what, f"{cure} answers there")


def _not_trusted(server: Server, cause: BaseException | None) -> NotConnectedError:
    place = server.place
    if isinstance(cause, ssl.SSLCertVerificationError):
        what = f"{place}: its certificate is not trusted: {cause.verify_message}"
        usual = _CERTIFICATE_CURES.get(cause.verify_code, _UNKNOWN_AUTHORITY)
        named = usual.format(key=server.host_key, prefix=server.key_prefix)
        return NotConnectedError(
            LostReason.UNTRUSTED, what, strict_cure(cause) or named
        )
    said = getattr(cause, "reason", None) or cause or "the connection broke"
    what = f"{place}: no TLS: {said}"
    cure = "see whether it serves HTTPS on that port"
    return NotConnectedError(LostReason.UNREACHABLE, what, cure)
