"""Prometheus Alertmanager, API v2: each of several gets every alert, again and again.

An Alertmanager keeps what it is told until ``endsAt``. So an alert that goes on is told
every so often with an end in the future, and what is over is told with its end; nothing
needs a queue, for a server that was away is told what is true when it comes back. Each
has a task and a state of its own: one that hangs delays none of the others.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import trio

from solrecd.alerts import Notice, Phase
from solrecd.alerts.alert import Key, key_of
from solrecd.alerts.payload import alertmanager_object
from solrecd.alerts.senders.http_sender import Answer, Client, connected, server_of
from solrecd.alerts.senders.sender import Health, Patience, Receipt, Tally, Tools
from solrecd.config import Alertmanager, ReceiverConfig
from solrecd.process.stamps import SECOND

PATH: Final = "/api/v2/alerts"

BATCH: Final = 64
"""Alerts of a request: Prometheus's own number, 300 KB with their excerpts."""

MISSED_RESENDS: Final = 4
"""So many may fail before an alert ends by itself: Prometheus's own number too."""

RESOLVED_FOR: Final = 15 * 60 * SECOND
"""How long an Alertmanager that was away is told that something is over; by then every
alert that it was told of has ended by itself."""

PENDING: Final = 20_000
"""Alerts that may wait for a server: all that fire, and as many that are over."""

TEST_FOR: Final = 60 * SECOND
"""How long a test's alert fires."""

_HEADERS: Final = {"Content-Type": "application/json"}


class AlertmanagerSender:
    """Tells all Alertmanagers of a receiver.

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
        self._firing: dict[Key, Notice] = {}
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
        """Whether all servers took what they were told last."""
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
        """Take what fires: telling it again does no harm."""
        self.offer(notices)

    def follow(self, before: object) -> None:
        """Do nothing: what fires is resumed."""

    async def run(self) -> None:
        """Tell what is offered, and what goes on again and again."""
        async with connected(self._target.http) as client, trio.open_nursery() as all_:
            for peer in self._peers:
                all_.start_soon(peer.run, client)

    async def finish(self) -> None:
        """Do nothing: the next daemon tells what fires."""

    async def test(self, notice: Notice) -> Sequence[Receipt]:
        """Tell a notice at once, beside the others."""
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
        firing: Mapping[Key, Notice],
    ) -> None:
        self.url = url
        self.health = Health(config.name, server_of(url))
        self._config = config
        self._resend = target.resend
        self._tools = tools
        self._tally = tally
        self._firing = firing
        self._pending: dict[Key, Notice] = {}
        self._wanted = trio.Event()

    @property
    def waiting(self) -> int:
        """How many alerts it was not told of."""
        return len(self._pending)

    def offer(self, key: Key, notice: Notice) -> None:
        """Take a notice; the newest of an alert is the one that counts."""
        self._pending.pop(key, None)
        if len(self._pending) >= PENDING:
            self._pending.pop(next(iter(self._pending)))
            self._tally.dropped += 1
        self._pending[key] = notice
        self._wanted.set()

    async def run(self, client: Client) -> None:
        """Tell it what is new at once, and everything that fires every so often."""
        patience = Patience(self._tools.rng)
        resend_at = trio.current_time() + self._resend
        while True:
            with trio.move_on_at(resend_at):
                await self._wanted.wait()
            if trio.current_time() >= resend_at:
                self._pending = {**self._firing, **self._pending}
                resend_at = trio.current_time() + self._resend
            self._wanted = trio.Event()
            if await self._tell_all(client):
                patience.reset()
            else:
                self._wanted.set()
                await trio.sleep(patience.next())

    async def _tell_all(self, client: Client) -> bool:
        """Tell what waits; return whether the server works."""
        while batch := self._next_batch():
            answer = await self._tell(client, batch.values())
            if not answer.ok and not answer.is_final:
                return False
            for key, notice in batch.items():
                if self._pending.get(key) is notice:
                    del self._pending[key]
        return True

    def _next_batch(self) -> dict[Key, Notice]:
        old = self._tools.wall_clock() - RESOLVED_FOR
        batch: dict[Key, Notice] = {}
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

    async def _tell(self, client: Client, notices: Collection[Notice]) -> Answer:
        told = [(notice, self._ends_at(notice)) for notice in notices]
        answer = await self._post(client, told)
        if answer.ok:
            self._tally.delivered += len(told)
            self.health.good()
        else:
            self._tally.failed += 1
            self._tally.dropped += len(told) if answer.is_final else 0
            self.health.bad(str(answer))
        return answer

    async def _post(
        self, client: Client, notices: Iterable[tuple[Notice, int]]
    ) -> Answer:
        told = [alertmanager_object(n, self._config, end) for n, end in notices]
        body = json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")
        return await client.post(self.url + PATH, body, _HEADERS)

    async def test(self, client: Client, notice: Notice) -> Receipt:
        """Tell it a notice at once."""
        answer = await self._post(client, [(notice, notice.at + TEST_FOR)])
        return Receipt(self._config.name, self.url, answer.ok, str(answer))
