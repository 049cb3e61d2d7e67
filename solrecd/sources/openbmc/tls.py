"""A TLS connection to a BMC, whose certificate is believed for a reason."""

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
from solrecd.sources.openbmc.options import OpenbmcOptions
from solrecd.sources.tcp import CONNECT_TIMEOUT, connect_tcp
from solrecd.sources.troubles import NotConnectedError, tcp_troubles

_TROUBLES: Final = tcp_troubles("host")

_READ: Final = Job("the certificates of `ca_file`", "the next start reads them")

TlsStream = trio.SSLStream[trio.SocketStream]

_CERTIFICATE_CURES: Final[Mapping[int, str]] = MappingProxyType(
    {
        # X509_verify_cert_error_string(3).
        10: "renew it on the BMC, or set `fingerprint`",
        62: "use the name that the certificate has in `host`, or set `fingerprint`",
        64: "use the name that the certificate has in `host`, or set `fingerprint`",
    }
)

_UNKNOWN_AUTHORITY: Final = (
    "set `ca_file` to its authority's certificate, or `fingerprint` to its own:"
    " solrecctl doctor shows it"
)


class Trust:
    """The TLS settings of all consoles; each file of authorities is read once."""

    def __init__(self) -> None:
        self._contexts: dict[object, ssl.SSLContext] = {}

    async def context(self, options: OpenbmcOptions) -> ssl.SSLContext:
        """Return how to connect to a BMC.

        Raises:
            NotConnectedError: its ``ca_file`` cannot be used.
        """
        try:
            return await in_thread(_READ, self._context, options)
        except OSError as error:  # ssl.SSLError is one
            what = f"{options.ca_file}: {error.strerror or error}"
            cure = "`ca_file` must be certificates in PEM"
            raise NotConnectedError(LostReason.UNREACHABLE, what, cure) from None

    def _context(self, options: OpenbmcOptions) -> ssl.SSLContext:
        key = _key(options)
        if key not in self._contexts:
            self._contexts[key] = _new_context(options)
        return self._contexts[key]


def _key(options: OpenbmcOptions) -> object:
    if options.fingerprint is not None:
        return None
    if options.ca_file is None:
        return ()
    status = Path(options.ca_file).stat()
    return options.ca_file, status.st_mtime_ns, status.st_size, status.st_ino


def _new_context(options: OpenbmcOptions) -> ssl.SSLContext:
    if options.fingerprint is None:
        return ssl.create_default_context(cafile=options.ca_file)
    return unverified_context()  # `_check_pinned` verifies


def unverified_context() -> ssl.SSLContext:
    """Return how to connect to any host: nothing secret may be sent to it.

    No authorities are read for it: quick enough for the loop.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def open_tls(options: OpenbmcOptions, trust: Trust) -> TlsStream:
    """Return a connection to a BMC that has proved which one it is.

    Raises:
        NotConnectedError: there is none; nothing was sent that is secret.
    """
    context = await trust.context(options)
    stream = await handshake(options, context)
    try:
        _check_pinned(options, stream)
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return stream


async def _connect(options: OpenbmcOptions) -> socket.socket:
    try:
        with trio.fail_after(CONNECT_TIMEOUT):
            return await connect_tcp(options.host, options.port)
    except trio.TooSlowError:
        late = OSError(errno.ETIMEDOUT, "")
        raise explained(late, options.place, _TROUBLES, "host") from None
    except OSError as error:
        raise explained(error, options.place, _TROUBLES, "host") from None


async def handshake(options: OpenbmcOptions, context: ssl.SSLContext) -> TlsStream:
    """Return a connection over which nothing was sent yet.

    Raises:
        NotConnectedError: there is none.
    """
    connected = await _connect(options)
    stream = trio.SSLStream(
        trio.SocketStream(trio.socket.from_stdlib_socket(connected)),
        context,
        server_hostname=options.host,
        https_compatible=True,
    )
    try:
        await stream.do_handshake()
    except trio.BrokenResourceError as error:
        await trio.aclose_forcefully(stream)
        raise _not_trusted(options, error.__cause__) from None
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return stream


def fingerprint_of(stream: TlsStream) -> str:
    """Return the SHA-256 of the other end's certificate, as `OpenbmcOptions` has it."""
    certificate = stream.getpeercert(binary_form=True)
    return hashlib.sha256(certificate or b"").hexdigest()


def spell_fingerprint(digits: str) -> str:
    """Return a fingerprint as OpenSSL writes it."""
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2)).upper()


def _check_pinned(options: OpenbmcOptions, stream: TlsStream) -> None:
    wanted, found = options.fingerprint, fingerprint_of(stream)
    if wanted is None or hmac.compare_digest(wanted, found):
        return
    what = f"{options.place}: its certificate is another: {spell_fingerprint(found)}"
    cure = "if the BMC was given a new one, correct `fingerprint`; if not, find out who"
    raise NotConnectedError(LostReason.UNTRUSTED, what, f"{cure} answers there")


def _not_trusted(
    options: OpenbmcOptions, cause: BaseException | None
) -> NotConnectedError:
    place = options.place
    if isinstance(cause, ssl.SSLCertVerificationError):
        what = f"{place}: its certificate is not trusted: {cause.verify_message}"
        usual = _CERTIFICATE_CURES.get(cause.verify_code, _UNKNOWN_AUTHORITY)
        cure = strict_cure(cause) or usual
        return NotConnectedError(LostReason.UNTRUSTED, what, cure)
    said = getattr(cause, "reason", None) or cause or "the connection broke"
    what = f"{place}: no TLS: {said}"
    cure = "see whether bmcweb serves HTTPS on that port"
    return NotConnectedError(LostReason.UNREACHABLE, what, cure)
