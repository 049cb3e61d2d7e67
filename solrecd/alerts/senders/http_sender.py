"""The HTTP client of all senders: bounded in time and in size.

`httpx2` is imported when the first receiver needs it, in a thread: it takes a tenth of
a second, and so do the certificates of the system.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

import trio

from solrecd import __version__
from solrecd.config import Http
from solrecd.process.certificates import strict_cure
from solrecd.process.threads import Job, in_thread

if TYPE_CHECKING:
    import httpx2

ANSWER_MAX: Final = 4096
"""Bytes of an answer that are read: it says what was wrong, no more."""

SHOWN: Final = 200
"""Characters of an answer that a warning quotes."""

_PREPARE: Final = Job("the certificates of receivers", "the next start reads them")

_TRY_AGAIN: Final = frozenset({408, 425, 429})
"""Refusals that say "not now": Request Timeout, Too Early, Too Many Requests."""


class Answer(NamedTuple):
    """What a server answered, or why there is no answer."""

    status: int | None
    """None: there was no answer."""
    text: str
    retry_after: float | None = None
    """Seconds, where the server says them (``Retry-After``)."""

    @property
    def ok(self) -> bool:
        """Whether it was taken."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_final(self) -> bool:
        """Whether another try would be answered alike."""
        status = self.status
        return status is not None and 300 <= status < 500 and status not in _TRY_AGAIN

    def __str__(self) -> str:
        """Return it in one line."""
        shown = " ".join(self.text.split())[:SHOWN]
        if self.status is None:
            return shown
        return f"HTTP {self.status}" + (f": {shown}" if shown else "")


def server_of(url: str) -> str:
    """Return what of an URL may stand in a log: the rest may hold a token."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


class Client:
    """Posts to one receiver's servers.

    Args:
        options: how to.
        client: of the library.
    """

    def __init__(self, options: Http, client: httpx2.AsyncClient) -> None:
        self._timeout = options.timeout
        self._client = client
        self._headers = _authorization(options)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post a body; a failure of any kind is an answer without a status."""
        with trio.move_on_after(self._timeout):
            return await self._exchange(url, body, {**headers, **self._headers})
        return Answer(None, f"no answer within {self._timeout:g} s")

    async def _exchange(
        self, url: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer:
        import httpx2  # noqa: PLC0415 - see the module

        try:
            async with self._client.stream(
                "POST", url, content=body, headers=dict(headers)
            ) as response:
                text = await _beginning(response)
                later = _seconds(response.headers.get("Retry-After", ""))
                return Answer(response.status_code, text, later)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            cure = strict_cure(error)
            told = f"{type(error).__name__}: {error}".rstrip(": ")
            return Answer(None, f"{told} ({cure})" if cure else told)


def _seconds(text: str) -> float | None:
    """Return what a header says; None where that is a date, or nothing."""
    return float(text) if text.isascii() and text.isdigit() else None


async def _beginning(response: httpx2.Response) -> str:
    """Return the start of an answer; a longer one costs its connection."""
    content = b""
    with trio.CancelScope() as enough:
        async for chunk in response.aiter_raw():
            content += chunk
            if len(content) >= ANSWER_MAX:
                # Not "break": that leaves the library's generators half way.
                enough.cancel()
    return content[:ANSWER_MAX].decode("utf-8", "replace")


def _authorization(options: Http) -> Mapping[str, str]:
    if options.token is None:
        return {}
    token = options.token.reveal().decode("latin-1")
    return {"Authorization": f"Bearer {token}"}


@asynccontextmanager
async def connected(options: Http) -> AsyncIterator[Client]:
    """Provide a client; its connections are closed in the end.

    Raises:
        OSError: the file with the certificates cannot be read, or holds none.
    """
    made = await in_thread(_PREPARE, _make, options)
    try:
        yield Client(options, made)
    finally:
        # Closing TLS properly is worth a moment, not waiting for a receiver that hangs.
        with trio.move_on_after(1, shield=True):
            await made.aclose()


def _make(options: Http) -> httpx2.AsyncClient:
    import httpx2  # noqa: PLC0415 - see the module

    proxy: Any = None if options.proxy is None else httpx2.Proxy(options.proxy)
    transport = httpx2.AsyncHTTPTransport(
        verify=ssl.create_default_context(cafile=options.ca_file),
        proxy=proxy,
        trust_env=False,
        limits=httpx2.Limits(max_connections=4, max_keepalive_connections=2),
    )
    return httpx2.AsyncClient(
        transport=transport,
        auth=_login(options),
        timeout=None,  # `Client.post` bounds the whole exchange
        follow_redirects=False,
        trust_env=False,
        headers={"User-Agent": f"solrecd/{__version__}"},
    )


def _login(options: Http) -> tuple[bytes, bytes] | None:
    if options.username is None or options.password is None:
        return None
    return options.username.encode(), options.password.reveal()
