"""The TLS listener: real handshakes, tokens, certificates, and hostile clients."""

from __future__ import annotations

import json
import os
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from solrecd.api import server
from solrecd.api.api_listeners import ApiListeners
from solrecd.api.app import api_app
from solrecd.api.connection_limits import ConnectionLimits
from solrecd.api.denials import DenialReason, Denials
from solrecd.api.server import serve
from solrecd.config import ApiConfig, Config, DaemonConfig
from solrecd.events.lines import Line
from solrecd.process.access import Grant, Policy, Role, digest_of
from solrecd.process.tls import TlsFiles, server_context
from tests.support.attached import solrecctl as on_a_terminal
from tests.support.certificates import Authority, Issued
from tests.support.fleet import FakeFleet

TOKEN = "a-token-of-a-test-0123456789-0123456789"
POLICY = Policy(
    (
        Grant(name="ci", role=Role.VIEW, tokens=(digest_of(TOKEN.encode()),)),
        Grant(
            name="near",
            role=Role.OPERATE,
            certificates=frozenset({"alice@example.net"}),
            labels={"rack": frozenset({"r1"})},
        ),
    )
)


class Site:
    """A daemon's doors, with two consoles behind them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder)
        self.clients = Authority(folder, "clients")
        self.pair = self.authority.issue("localhost")
        self.fleet = FakeFleet()
        self.denials = Denials(lambda: 0.0)
        self.config = Config(
            daemon=DaemonConfig(control=str(folder / "control.sock")),
            api=ApiConfig(
                listen=("127.0.0.1", 0),
                certificate=str(self.pair.certificate),
                key=str(self.pair.key),
                client_ca=str(self.clients.certificate),
            ),
            access=POLICY,
        )
        self.listeners = ApiListeners(self.config, self.denials)
        self.app = api_app(self.fleet, "1", self.listeners.gate)
        self.port = 0
        (folder / "token").touch(0o600)
        (folder / "token").write_text(TOKEN + "\n")

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def environ(self, **more: str) -> dict[str, str]:
        """Return what `solrecctl` needs to find the authority."""
        home = {
            "XDG_CONFIG_HOME": str(self.folder),
            "SOLRECCTL_CA": str(self.authority.certificate),
        }
        return {**os.environ, **home, **more}

    @property
    def with_token(self) -> dict[str, str]:
        return self.environ(SOLRECCTL_TOKEN_FILE=str(self.folder / "token"))

    def with_certificate(self, pair: Issued) -> dict[str, str]:
        files = {
            "SOLRECCTL_CERTIFICATE": str(pair.certificate),
            "SOLRECCTL_KEY": str(pair.key),
        }
        return self.environ(**files)

    async def run(self, environ: Mapping[str, str], *words: str) -> tuple[int, str]:
        """Run a command; return its exit status and all it said."""
        command = [sys.executable, "-m", "solrecd.cli.solrecctl", "-s", self.url]
        done = await trio.run_process(
            [*command, *words],
            check=False,
            stdin=b"",
            env=environ,
            capture_stdout=True,
            capture_stderr=True,
        )
        return done.returncode, (done.stdout + done.stderr).decode()

    def trust(self, context: ssl.SSLContext) -> ssl.SSLContext:
        context.load_verify_locations(self.authority.certificate)
        return context


@pytest.fixture(name="site")
async def _site(tmp_path: Path) -> AsyncIterator[Site]:
    site = Site(tmp_path)
    async with trio.open_nursery() as nursery:
        address = await site.listeners.open(
            site.app, site.config.daemon.control, nursery
        )
        site.port = int(str(address).rpartition(":")[2])
        yield site
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def strangers_at(site: Site) -> AsyncIterator[tuple[ConnectionLimits, int]]:
    """Serve beside the doors, where the crowd can be looked at."""
    files = TlsFiles(str(site.pair.certificate), str(site.pair.key))
    context = server_context(files)
    people = ConnectionLimits(site.denials, most_of_one=3)
    async with trio.open_nursery() as nursery:
        address = await nursery.start(
            lambda task_status: serve(
                site.app,
                ("127.0.0.1", 0),
                tls=lambda: context,
                limits=people,
                task_status=task_status,
            )
        )
        yield people, int(address.rpartition(":")[2])
        nursery.cancel_scope.cancel()


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that nothing signals."""
    while not is_so():  # noqa: ASYNC110
        await trio.sleep(0.01)


async def whole_answer(stream: trio.abc.Stream) -> bytes:
    """Return an answer whose body is one object, on a connection that goes on."""
    answer = bytearray()
    with trio.fail_after(20):
        while not answer.endswith(b"}"):
            answer += await stream.receive_some(65536)
    return bytes(answer)


async def exchange(stream: trio.abc.Stream, request: bytes) -> bytes:
    """Send, and read to the end."""
    async with stream:
        await stream.send_all(request)
        with trio.fail_after(20):
            return b"".join([bytes(data) async for data in stream])


async def dial(
    site: Site, port: int | None = None
) -> trio.SSLStream[trio.SocketStream]:
    """Return a connection that has shaken hands."""
    context = site.trust(ssl.create_default_context())
    stream = await trio.open_ssl_over_tcp_stream(
        "localhost", port or site.port, ssl_context=context, https_compatible=True
    )
    try:
        await stream.do_handshake()
    except trio.BrokenResourceError:
        await trio.aclose_forcefully(stream)
        raise
    return stream


# Who comes in.


async def test_a_token_lets_in_as_far_as_its_role(site: Site) -> None:
    listed, text = await site.run(site.with_token, "ls", "--json")
    done, refusal = await site.run(site.with_token, "note", "a", "hello")

    assert listed == 0
    assert [json.loads(line)["console"] for line in text.splitlines()] == ["a", "b"]
    assert done == 2
    assert "token:ci may not do that on a: it needs role operate" in refusal
    assert site.denials.counts[DenialReason.ROLE] == 1


async def test_a_certificate_lets_in_to_its_consoles(site: Site) -> None:
    environ = site.with_certificate(site.clients.issue("alice@example.net"))

    _, text = await site.run(environ, "ls", "--json")
    noted, _ = await site.run(environ, "note", "a", "hello")
    hidden, refusal = await site.run(environ, "note", "b", "hello")

    assert [json.loads(line)["console"] for line in text.splitlines()] == ["a"]
    assert noted == 0
    assert site.fleet.operations["a"].done == [
        ("note", "cert:alice@example.net", "hello")
    ]
    assert hidden == 1
    assert "b" in refusal


async def test_a_certificate_that_no_grant_names_has_no_rights(site: Site) -> None:
    environ = site.with_certificate(site.clients.issue("mallory@example.net"))

    status, text = await site.run(environ, "ls")

    assert status == 2
    assert "a token or a client certificate is needed" in text
    assert site.denials.counts[DenialReason.UNKNOWN] == 1


async def test_a_certificate_of_another_authority_fails_the_handshake(
    site: Site,
) -> None:
    strange = Authority(site.folder, "strange").issue("alice@example.net")

    status, text = await site.run(site.with_certificate(strange), "ls")

    assert status == 3
    assert "has no use for our certificate" in text
    assert site.denials.counts[DenialReason.HANDSHAKE] == 1


async def test_a_client_without_proof_is_refused(site: Site) -> None:
    status, text = await site.run(site.environ(), "status", "a")

    assert (status, "is needed" in text) == (2, True)


async def test_a_server_of_an_unknown_authority_is_not_told_the_token(
    site: Site,
) -> None:
    environ = {**site.with_token, "SOLRECCTL_CA": str(site.clients.certificate)}

    status, text = await site.run(environ, "ls")

    assert status == 3
    assert "SOLRECCTL_CA=FILE" in text
    assert sum(site.denials.counts.values()) - site.denials.counts["handshake"] == 0


# A terminal.


async def test_a_console_is_typed_to_and_read_over_tls(site: Site) -> None:
    environ = site.with_certificate(site.clients.issue("alice@example.net"))

    async with on_a_terminal(site.url, ["attach", "a"], environ) as person:
        await person.sees(b"for help")
        person.type(b"ls")
        operation = site.fleet.operations["a"]
        with trio.fail_after(20):
            await until(lambda: "".join(what[-1] for what in operation.done) == "ls")
        for attachment in operation.attachments.present:
            attachment.show(b"x" * 100_000 + b"the end")
        await person.sees(b"the end")
        person.type(b"&.")
        assert await person.leaves() == 0

    assert {what[1] for what in operation.done} == {"cert:alice@example.net"}


async def test_a_terminal_that_may_only_watch_is_told_why(site: Site) -> None:
    words = ["attach", "a"]

    async with on_a_terminal(site.url, words, site.with_token) as person:
        await person.sees(b"needs role operate")
        status = await person.leaves()

    assert status == 1
    assert site.fleet.operations.keys() == set()


# Certificates that change.


async def test_a_reload_shows_the_new_certificate_and_keeps_who_is_inside(
    site: Site,
) -> None:
    before = await dial(site)
    other = Authority(site.folder, "other")
    pair = other.issue("localhost")
    api = replace(site.config.api, certificate=str(pair.certificate), key=str(pair.key))

    site.listeners.apply(replace(site.config, api=api))
    with pytest.raises(trio.BrokenResourceError):
        await dial(site)
    site.authority = other
    after = await dial(site)
    request = f"GET /v1/version HTTP/1.0\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    answers = [await exchange(one, request.encode()) for one in (before, after)]

    assert [b"200" in answer.split(b"\r\n")[0] for answer in answers] == [True, True]


async def test_a_certificate_that_is_just_being_replaced_changes_nothing(
    site: Site,
) -> None:
    site.pair.certificate.write_text("half a certificate")

    site.listeners.apply(site.config)
    async with await dial(site):
        pass


async def test_a_token_that_a_reload_takes_away_opens_nothing_more(site: Site) -> None:
    request = (
        f"GET /v1/version HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    ).encode()
    async with await dial(site) as stream:
        await stream.send_all(request)
        first = await whole_answer(stream)

        site.listeners.apply(replace(site.config, access=Policy()))
        await stream.send_all(request)
        second = await whole_answer(stream)

    assert b"200" in first.split(b"\r\n")[0]
    assert b"401" in second.split(b"\r\n")[0]


# Clients that mean harm.


async def test_who_never_shakes_hands_is_hung_up_on(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "HANDSHAKE_TIMEOUT", 0.05)
    async with await trio.open_tcp_stream("127.0.0.1", site.port) as stream:
        with trio.fail_after(20):
            answer = await stream.receive_some(100)

    assert answer == b""
    assert site.denials.counts[DenialReason.HANDSHAKE] == 1


async def test_who_speaks_no_tls_is_hung_up_on_and_the_next_is_served(
    site: Site,
) -> None:
    async with await trio.open_tcp_stream("127.0.0.1", site.port) as stream:
        answer = await exchange(stream, b"GET /v1/consoles HTTP/1.0\r\n\r\n")
    status, _ = await site.run(site.with_token, "ls")

    assert b"console" not in answer
    assert status == 0


async def test_one_address_cannot_have_all_connections(site: Site) -> None:
    async with strangers_at(site) as (people, port):
        streams = [await dial(site, port) for _ in range(3)]
        async with await trio.open_tcp_stream("127.0.0.1", port) as fourth:
            with trio.fail_after(20):
                assert await fourth.receive_some(100) == b""
        for stream in streams:
            await stream.aclose()
        with trio.fail_after(20):
            await until(lambda: people.enter("127.0.0.1"))

    assert site.denials.counts[DenialReason.CROWD] >= 1


async def test_headers_without_end_end_the_connection(site: Site) -> None:
    answer = bytearray()

    async with await dial(site) as stream:
        with trio.fail_after(20):
            try:
                await stream.send_all(b"GET /v1/version HTTP/1.1\r\nHost: x\r\nA: ")
                for _ in range(100):
                    await stream.send_all(b"x" * 4096)
                answer += await stream.receive_some(65536)
            except trio.BrokenResourceError:
                pass

    assert b"200" not in answer


async def test_what_is_sent_before_it_is_known_who_asks_starts_nothing(
    site: Site,
) -> None:
    request = (
        b"GET /v1/consoles/a/attach?mode=rw HTTP/1.1\r\nHost: x\r\n"
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    async with await dial(site) as stream:
        await stream.send_all(request)
        answer = await stream.receive_some(65536)

    assert answer.startswith(b"HTTP/1.1 401")
    assert site.fleet.operations == {}


async def test_a_tail_goes_over_tls(site: Site) -> None:
    site.fleet.viewers.offer("a", [Line(0, 0, "hello\x1b[2J")], [])
    head = f"GET /v1/tail?names=a HTTP/1.0\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    seen = bytearray()

    async with await dial(site) as stream:
        await stream.send_all(head.encode())
        with trio.fail_after(20):
            while b"hello" not in seen:
                seen += await stream.receive_some(65536)

    assert b"\x1b" not in seen
