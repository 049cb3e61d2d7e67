"""Asks the daemon over its unix socket or a URL; what `solrecctl` imports at start.

TLS, tokens and certificates are in `solrecd.api.remote`, which only ``https://`` needs.

Speaks HTTP/1.0 by hand: every answer ends where the connection ends, so there is
nothing to decode, and the standard library's client would cost 58 ms of the 80 that
`solrecctl` has to start.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO

from solrecd import __version__

if TYPE_CHECKING:
    from solrecd.api.remote import Remote

CONNECT_TIMEOUT = 5.0
"""Seconds to reach the daemon, and for its answer to begin."""

MAX_HEAD_LINES = 100
"""Header lines of an answer; more means that no solrecd answers there."""

DEFAULT_PORT = 9622
"""TCP port of a URL that names none."""

_MAX_LINE = 65536
"""Bytes of one header line."""

_FIRST_REFUSAL = 400
"""The lowest HTTP status that is an error (nothing here redirects)."""

_UNKNOWN_ROUTES = frozenset({"Not Found", "Method Not Allowed"})
"""What a daemon says to a question that it does not know."""

_NOT_IMPLEMENTED = 501
_BAD_REQUEST = 400
_VERSION = "/v1/version"

_SAFE = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~,"
)


class ApiError(Exception):
    """The daemon refused a request; the message is its one line."""

    def __init__(
        self,
        message: str,
        status: int,
        answer: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status."""
        self.answer = answer
        """The whole refusal, where it says more than the message."""


class UnreachableError(Exception):
    """No daemon answers; the message names the address and the reason."""


class Client:
    """A daemon's address; every request is a connection of its own."""

    def __init__(self, address: str) -> None:
        """Remember the address: the path of a unix socket, or a URL.

        ``https://host:port``, or ``http://host:port`` for a tunnel to a unix socket:
        who we are is never said there.
        """
        self.address = address
        self._remote: Remote | None = None

    @property
    def is_distant(self) -> bool:
        """Whether it is another machine's, or may be: its files are not ours."""
        return "://" in self.address

    @property
    def authorization(self) -> Sequence[tuple[bytes, bytes]]:
        """The headers that say who we are."""
        token = None if self._remote is None else self._remote.token
        if token is None:
            return ()
        return ((b"Authorization", b"Bearer " + token.encode()),)

    def get(self, path: str, **query: str) -> Any:
        """Return the object that a path answers with.

        Raises:
            ApiError: the daemon refuses.
            UnreachableError: there is no daemon, or it went away.
        """
        return self._whole("GET", path, query, CONNECT_TIMEOUT)

    def get_patiently(self, path: str, timeout: float) -> Any:
        """Return and raise as `get`, where another machine has to be asked first.

        Args:
            path: what.
            timeout: seconds that it may take.
        """
        return self._whole("GET", path, {}, timeout)

    def post(self, path: str, *, timeout: float = CONNECT_TIMEOUT, **query: str) -> Any:
        """Have something done; returns and raises as `get`.

        Args:
            path: what.
            timeout: seconds that it may take.
            query: how.
        """
        return self._whole("POST", path, query, timeout)

    def stream(self, path: str, **query: str) -> Iterator[dict[str, Any]]:
        """Yield objects as they come, until the daemon ends.

        Raises:
            ApiError: the daemon refuses.
            UnreachableError: there is no daemon, or what came is not an object.
        """
        with self._answer("GET", path, query, CONNECT_TIMEOUT) as (connection, answer):
            connection.settimeout(None)
            for line in answer:
                yield self._decode(line)

    @contextmanager
    def dial(self) -> Iterator[socket.socket]:
        """Yield a connection for another protocol than this; it waits without a limit.

        Raises:
            UnreachableError: there is no daemon, or it went away.
        """
        with self._reaching(), self._connect() as connection:
            connection.settimeout(None)
            yield connection

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = _reason(error)
            # Imported here: only a mistake needs it.
            from solrecd.api.hints import hint_for  # noqa: PLC0415

            hint = hint_for(error, self.address)
            raise UnreachableError(
                f"no answer from solrecd at {self.address}: {reason}{hint}"
            ) from None

    def _whole(
        self, method: str, path: str, query: Mapping[str, str], timeout: float
    ) -> Any:
        with self._answer(method, path, query, timeout) as (_, answer):
            return self._decode(answer.read())

    @contextmanager
    def _answer(
        self, method: str, path: str, query: Mapping[str, str], timeout: float
    ) -> Iterator[tuple[socket.socket, BinaryIO]]:
        with (
            self._reaching(),
            self._connect() as connection,
            connection.makefile("rb") as answer,
        ):
            target = path + _encode_query(query)
            head = f"{method} {target} HTTP/1.0\r\nHost: solrecd\r\n".encode()
            for name, value in self.authorization:
                head += name + b": " + value + b"\r\n"
            connection.sendall(head + b"\r\n")
            connection.settimeout(timeout)
            status = self._read_head(answer)
            if status >= _FIRST_REFUSAL:
                raise self._refusal(path, status, answer.read())
            yield connection, answer

    def _connect(self) -> socket.socket:
        if self.address.startswith("https://"):
            return self._connect_tls()
        if self.is_distant:
            return socket.create_connection(_endpoint(self.address), CONNECT_TIMEOUT)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(CONNECT_TIMEOUT)
        try:
            connection.connect(self.address)
        except OSError:
            connection.close()
            raise
        return connection

    def _connect_tls(self) -> socket.socket:
        # Imported here: it takes longer than all the rest.
        from solrecd.api.remote import RemoteError, remote_for  # noqa: PLC0415

        if self._remote is None:
            try:
                self._remote = remote_for(self.address)
            except RemoteError as error:
                raise ApiError(str(error), _BAD_REQUEST) from None
        host, port = _endpoint(self.address)
        plain = socket.create_connection((host, port), CONNECT_TIMEOUT)
        try:
            return self._remote.context.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise

    def _read_head(self, answer: BinaryIO) -> int:
        """Return the status; leave the reader at the body."""
        line = answer.readline(_MAX_LINE)
        if not line and self.address.startswith("https://"):
            raise UnreachableError(
                f"{self.address} has no use for our certificate, or for one more"
                " connection: it hung up"
            )
        words = line.split()
        if (
            len(words) < 2
            or not words[0].startswith(b"HTTP/1.")
            or not words[1].isdigit()
        ):
            raise self._not_solrecd()
        for _ in range(MAX_HEAD_LINES):
            if answer.readline(_MAX_LINE) in {b"\r\n", b"\n", b""}:
                return int(words[1])
        raise self._not_solrecd()

    def _refusal(self, path: str, status: int, body: bytes) -> ApiError:
        try:
            answer = json.loads(body)
            if answer["error"] in _UNKNOWN_ROUTES and path != _VERSION:
                return self._other_version()
            return ApiError(str(answer["error"]), status, answer)
        except (ValueError, KeyError, TypeError):
            return ApiError(f"{self.address} answered with status {status}", status)

    def _other_version(self) -> ApiError:
        """Explain why the daemon does not know what we ask."""
        theirs = self.get(_VERSION)["version"]
        return ApiError(
            f"solrecd at {self.address} is version {theirs}, this is {__version__}: it "
            "does not know that yet; systemctl restart solrecd keeps the sessions",
            _NOT_IMPLEMENTED,
        )

    def _decode(self, text: bytes) -> Any:
        try:
            return json.loads(text)
        except ValueError:
            raise self._not_solrecd() from None

    def _not_solrecd(self) -> UnreachableError:
        return UnreachableError(f"the server at {self.address} is not solrecd")


def _endpoint(url: str) -> tuple[str, int]:
    """Return host and port of ``http://host:port`` or ``https://host:port``."""
    scheme, _, rest = url.partition("://")
    authority = rest.partition("/")[0]
    host, colon, port = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        host, port = authority, str(DEFAULT_PORT)
    if scheme not in {"http", "https"} or not port.isdigit() or not host:
        raise UnreachableError(
            f"{url}: allowed are the path of a socket and https://HOST:PORT"
        )
    return host.strip("[]"), int(port)


def _reason(error: OSError) -> str:
    """Return why, in the words of TLS where it is that: `strerror` has none."""
    why = getattr(error, "verify_message", None) or getattr(error, "reason", None)
    return str(why or error.strerror or error)


def _encode_query(query: Mapping[str, str]) -> str:
    pairs = (f"{key}={quote(value)}" for key, value in query.items())
    text = "&".join(pairs)
    return f"?{text}" if text else ""


def quote(text: str) -> str:
    """Return text as it may stand in a path segment or a query."""
    return "".join(
        chr(byte) if byte in _SAFE else f"%{byte:02X}" for byte in text.encode()
    )
