"""Prometheus Alertmanager, API v2: each of several gets every alert, repeatedly.

An Alertmanager keeps an alert until ``endsAt``. So an alert that fires is sent every so
often with an end in the future, and a resolved one with its end. No queue is needed: a
server that was away gets the current state when it comes back. Each has a task and a
state of its own: one that hangs delays none of the others.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import trio

from solrecd.alerts import Notice, Phase
from solrecd.alerts.alert import AlertKey, key_of
from solrecd.alerts.payload import alertmanager_object
from solrecd.alerts.senders.http_sender import Answer, Client, connected, server_of
from solrecd.alerts.senders.kind import ReceiverKind
from solrecd.alerts.senders.sender import (
    Health,
    Receipt,
    Sender,
    Tally,
    Tools,
)
from solrecd.config import HTTP_KEYS, Http, Key, OptionReader, ReceiverConfig, read_http
from solrecd.config.alert_values import base_url, one_or_more
from solrecd.config.values import duration
from solrecd.process.stamps import SECOND

PATH: Final = "/api/v2/alerts"

BATCH: Final = 64
"""Alerts of a request: Prometheus's own number, 300 KB with their excerpts."""

MISSED_RESENDS: Final = 4
"""So many may fail before an alert ends by itself: Prometheus's own number too."""

RESOLVED_FOR: Final = 15 * 60 * SECOND
"""How long a resolved alert is kept for an Alertmanager that is away; by then every
alert that it got before has ended by itself."""

PENDING: Final = 20_000
"""Alerts that may wait for a server: all that fire, and as many that are over."""

TEST_FOR: Final = 60 * SECOND
"""How long a test's alert fires."""

_HEADERS: Final = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alertmanager:
    """Prometheus Alertmanagers, API v2; each of them gets every alert."""

    urls: tuple[str, ...]
    """Base URLs, without ``/api/v2/alerts``."""
    resend: float = 60.0
    """Seconds between two notices of an alert that fires."""
    http: Http = field(default_factory=Http)


def _options(options: OptionReader) -> Alertmanager:
    return Alertmanager(http=read_http(options), **options.values("urls", "resend"))


class AlertmanagerSender:
    """Notifies all Alertmanagers of a receiver.

    Args:
        config: of the receiver.
        target: its part that is about Alertmanagers.
        tools: of the machine.
    """

    def __init__(
        self, config: ReceiverConfig, target: Alertmanager, tools: Tools
    ) -> None:
        self.tally = Tally()
        self._target = target
        self._tools = tools
        self._firing: dict[AlertKey, Notice] = {}
        self._peers = [
            _Peer(url, config, target, tools, self.tally, self._firing)
            for url in target.urls
        ]

    @property
    def waiting(self) -> int:
        """How many notices wait for the server that is furthest behind."""
        return max(peer.waiting for peer in self._peers)

    @property
    def works(self) -> bool:
        """Whether all servers accepted what they were sent last."""
        return all(peer.health.problem is None for peer in self._peers)

    def offer(self, notices: Iterable[Notice]) -> None:
        """Take notices; never waits, never raises."""
        for notice in notices:
            key = key_of(notice.alert.event)
            if notice.phase is Phase.FIRING:
                self._firing[key] = notice
            else:
                self._firing.pop(key, None)
            for peer in self._peers:
                peer.offer(key, notice)

    def resume(self, notices: Iterable[Notice]) -> None:
        """Take what fires: sending it again does no harm."""
        self.offer(notices)

    def follow(self, before: Sender) -> None:
        """Do nothing: what fires is resumed."""

    async def run(self) -> None:
        """Send what is offered, and what fires every so often."""
        async with connected(self._target.http) as client, trio.open_nursery() as all_:
            for peer in self._peers:
                all_.start_soon(peer.run, client)

    async def finish(self) -> None:
        """Do nothing: the next daemon sends what fires."""

    async def test(self, notice: Notice) -> Sequence[Receipt]:
        """Send a notice at once, beside the others."""
        receipts: dict[str, Receipt] = {}

        async def ask(peer: _Peer, client: Client) -> None:
            receipts[peer.url] = await peer.test(client, notice)

        async with connected(self._target.http) as client, trio.open_nursery() as all_:
            for peer in self._peers:
                all_.start_soon(ask, peer, client)
        return [receipts[peer.url] for peer in self._peers]


class _Peer:
    """One Alertmanager."""

    def __init__(
        self,
        url: str,
        config: ReceiverConfig,
        target: Alertmanager,
        tools: Tools,
        tally: Tally,
        firing: Mapping[AlertKey, Notice],
    ) -> None:
        self.url = url
        self.health = Health(config.name, server_of(url))
        self._config = config
        self._resend = target.resend
        self._tools = tools
        self._tally = tally
        self._firing = firing
        self._pending: dict[AlertKey, Notice] = {}
        self._wanted = trio.Event()

    @property
    def waiting(self) -> int:
        """How many alerts wait to be sent."""
        return len(self._pending)

    def offer(self, key: AlertKey, notice: Notice) -> None:
        """Take a notice; the newest of an alert is the one that counts."""
        self._pending.pop(key, None)
        if len(self._pending) >= PENDING:
            self._pending.pop(next(iter(self._pending)))
            self._tally.dropped += 1
        self._pending[key] = notice
        self._wanted.set()

    async def run(self, client: Client) -> None:
        """Send what is new at once, and everything that fires every so often."""
        backoff = self._tools.backoff()
        resend_at = trio.current_time() + self._resend
        while True:
            with trio.move_on_at(resend_at):
                await self._wanted.wait()
            if trio.current_time() >= resend_at:
                self._pending = {**self._firing, **self._pending}
                resend_at = trio.current_time() + self._resend
            self._wanted = trio.Event()
            if await self._send_all(client):
                backoff.reset()
            else:
                self._wanted.set()
                await trio.sleep(backoff.next())

    async def _send_all(self, client: Client) -> bool:
        """Send what waits; return whether the server works."""
        while batch := self._next_batch():
            answer = await self._send(client, batch.values())
            if not answer.ok and not answer.is_final:
                return False
            for key, notice in batch.items():
                if self._pending.get(key) is notice:
                    del self._pending[key]
        return True

    def _next_batch(self) -> dict[AlertKey, Notice]:
        old = self._tools.wall_clock() - RESOLVED_FOR
        batch: dict[AlertKey, Notice] = {}
        for key, notice in list(self._pending.items()):
            if notice.phase is Phase.RESOLVED and notice.at < old:
                del self._pending[key]
                self._tally.dropped += 1
            else:
                batch[key] = notice
            if len(batch) == BATCH:
                break
        return batch

    def _ends_at(self, notice: Notice) -> int:
        if notice.phase is Phase.RESOLVED:
            return max(notice.at, notice.alert.since)
        ahead = int(MISSED_RESENDS * self._resend * SECOND)
        return self._tools.wall_clock() + ahead

    async def _send(self, client: Client, notices: Collection[Notice]) -> Answer:
        sent = [(notice, self._ends_at(notice)) for notice in notices]
        answer = await self._post(client, sent)
        if answer.ok:
            self._tally.delivered += len(sent)
            self.health.good()
        else:
            self._tally.failed += 1
            self._tally.dropped += len(sent) if answer.is_final else 0
            self.health.bad(str(answer))
        return answer

    async def _post(
        self, client: Client, notices: Iterable[tuple[Notice, int]]
    ) -> Answer:
        alerts = [alertmanager_object(n, self._config, end) for n, end in notices]
        body = json.dumps(alerts, ensure_ascii=False).encode("utf-8", "replace")
        return await client.post(self.url + PATH, body, _HEADERS)

    async def test(self, client: Client, notice: Notice) -> Receipt:
        """Send a notice at once."""
        answer = await self._post(client, [(notice, notice.at + TEST_FOR)])
        return Receipt(self._config.name, self.url, answer.ok, str(answer))


KIND = ReceiverKind(
    name="alertmanager",
    help="Prometheus Alertmanagers. Each of them gets every alert, as Prometheus does"
    " it.",
    keys={
        "urls": Key(
            one_or_more(base_url, '["http://127.0.0.1:9093"]'),
            "The Alertmanagers.",
            example=["http://127.0.0.1:9093"],
        ),
        "resend": Key(
            duration(1, 3600),
            "How often an Alertmanager gets an alert that still fires. If it gets none"
            " for four times as long, it considers the alert resolved.",
        ),
        **HTTP_KEYS,
    },
    required="urls",
    options=Alertmanager,
    build=_options,
    defaults_from=(Http,),
    sender=AlertmanagerSender,
)
