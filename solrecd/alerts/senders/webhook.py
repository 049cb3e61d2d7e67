"""A server of somebody's own: each notice once, in order, however long that takes.

Notices go through a queue on the disk, so neither a kill nor a server that is away for
a night loses one. They are sent one after the other: a console's come in their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import trio

from solrecd.alerts import Notice
from solrecd.alerts.payload import Envelope, envelope, headers
from solrecd.alerts.senders.http_sender import Answer, Client, connected, server_of
from solrecd.alerts.senders.sender import Health, Patience, Receipt, Tally, Tools
from solrecd.alerts.senders.spool import Spool
from solrecd.alerts.senders.waiting import Waiting
from solrecd.config import ReceiverConfig, Webhook
from solrecd.process.stamps import SECOND


class WebhookSender:
    """Tells one server.

    Args:
        config: of the receiver.
        target: its part that is about the server.
        tools: of the machine.
    """

    def __init__(self, config: ReceiverConfig, target: Webhook, tools: Tools) -> None:
        self.tally = Tally()
        self._config = config
        self._target = target
        self._tools = tools
        self._spool = Spool(tools.folder / config.name, target.queue_size)
        self._opened = False
        self._disk = trio.CapacityLimiter(1)
        self._waiting = Waiting(config, tools.host, send_resolved=target.send_resolved)
        self._stored = trio.Event()
        self._health = Health(config.name, server_of(target.url))
        self._disk_health = Health(config.name, str(tools.folder))

    @property
    def waiting(self) -> int:
        """How many notices wait."""
        return len(self._waiting) + len(self._spool)

    @property
    def works(self) -> bool:
        """Whether the last try was a success."""
        return self._health.problem is None

    def offer(self, notices: Iterable[Notice]) -> None:
        """Take notices; never waits, never raises."""
        self.tally.dropped += self._waiting.add(notices)

    def resume(self, notices: Iterable[Notice]) -> None:
        """Do nothing: whoever told them has them in the queue."""

    def follow(self, before: object) -> None:
        """Take over what waits at an earlier sender of the same receiver."""
        if isinstance(before, WebhookSender):
            self._waiting.take_over(before._waiting)  # noqa: SLF001 - one of us

    async def run(self) -> None:
        """Keep what is offered, and send what is kept, for ever."""
        async with connected(self._target.http) as client, trio.open_nursery() as both:
            await self._store()
            both.start_soon(self._store_forever)
            both.start_soon(self._send_forever, client)

    async def finish(self) -> None:
        """Keep what waits for the disk: the next daemon sends it."""
        await self._store()

    async def test(self, notice: Notice) -> Sequence[Receipt]:
        """Tell a notice at once, beside the others."""
        content = envelope(notice, self._config, self._tools.host)
        async with connected(self._target.http) as client:
            answer = await self._post(client, content)
        target = self._target.url.partition("?")[0]
        return [Receipt(self._config.name, target, answer.ok, str(answer))]

    # To the disk.

    async def _store_forever(self) -> None:
        while True:
            await self._waiting.wanted.wait()
            await self._store()

    async def _store(self) -> None:
        self._waiting.wanted = trio.Event()
        await trio.to_thread.run_sync(self._store_all, limiter=self._disk)
        if self._spool.problem is None:
            self._disk_health.good()
        else:
            self._disk_health.bad(f"{self._spool.problem}; notices wait in memory")
        self._stored.set()

    def _store_all(self) -> None:
        if not self._opened:
            self._spool.open()
            self._opened = True
        while self._waiting.notices:
            self._spool.put(self._waiting.notices.popleft())
        dropped, self._spool.dropped = self._spool.dropped, 0
        self.tally.dropped += dropped

    # To the server.

    async def _send_forever(self, client: Client) -> None:
        patience = Patience(self._tools.rng)
        while True:
            content = await trio.to_thread.run_sync(
                self._spool.first, limiter=self._disk
            )
            if content is None:
                self._stored = trio.Event()
                if not len(self._spool):
                    await self._stored.wait()
                continue
            answer = await self._tell(client, content)
            if answer.ok or answer.is_final:
                patience.reset()
                self.tally.dropped += not answer.ok
                await trio.to_thread.run_sync(self._done, content, limiter=self._disk)
            else:
                await trio.sleep(patience.next())

    def _done(self, content: Envelope) -> None:
        """Forget a notice, unless it was dropped while it was on its way."""
        first = self._spool.first()
        if first is not None and first.id == content.id:
            self._spool.remove_first()

    async def _tell(self, client: Client, content: Envelope) -> Answer:
        answer = await self._post(client, content)
        if answer.ok:
            self.tally.delivered += 1
            self._health.good()
        else:
            self.tally.failed += 1
            self._health.bad(str(answer))
        return answer

    async def _post(self, client: Client, content: Envelope) -> Answer:
        now = self._tools.wall_clock() // SECOND
        signed = headers(content, self._target.secret, now)
        return await client.post(self._target.url, content.body, signed)
