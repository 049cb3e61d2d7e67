"""A server of the administrator's: each notice once, in order, however long it takes.

Notices go through a queue on the disk, so neither a kill nor a server that is away for
a night loses one. They are sent one after the other: a console's come in their order.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import trio

from solrecd.alerts.payload import Envelope, headers
from solrecd.alerts.senders.http_sender import Client, connected, server_of
from solrecd.alerts.senders.kind import ReceiverKind
from solrecd.alerts.senders.queued import RESOLVED_KEYS, Outcome, QueuedSender
from solrecd.alerts.senders.sender import Health, Tools
from solrecd.alerts.senders.spool import Spool
from solrecd.config import (
    HTTP_KEYS,
    Http,
    Key,
    OptionReader,
    ReceiverConfig,
    Secret,
    read_http,
    secret_keys,
)
from solrecd.config.alert_values import url
from solrecd.config.values import size
from solrecd.process.stamps import SECOND
from solrecd.process.threads import Job, in_thread

_MIB = 1024 * 1024

_STORE = Job("the queue of a webhook", "notices that were not in it yet are lost")
_TAKE = Job("the queue of a webhook", "the next start goes on with it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A server that takes JSON objects."""

    url: str
    secret: Secret | None = None
    """Key of the signature; None: unsigned."""
    queue_size: int = 16 * _MIB
    """Bytes on the disk that may wait for the server."""
    send_resolved: bool = True
    http: Http = field(default_factory=Http)


def _options(options: OptionReader) -> Webhook:
    return Webhook(
        http=read_http(options),
        secret=options.secret("secret"),
        **options.values("url", "queue_size", "send_resolved"),
    )


class WebhookSender(QueuedSender):
    """Notifies one server.

    Args:
        config: of the receiver.
        target: its part that is about the server.
        tools: of the machine.
    """

    def __init__(self, config: ReceiverConfig, target: Webhook, tools: Tools) -> None:
        # Path and query may hold a token: they are shown to no one.
        shown = server_of(target.url)
        super().__init__(config, tools, shown=shown, send_resolved=target.send_resolved)
        self._target = target
        self._spool = Spool(tools.folder / config.name, target.queue_size)
        self._opened = False
        self._disk = trio.CapacityLimiter(1)
        self._stored = trio.Event()
        self._disk_health = Health(config.name, str(tools.folder))

    @property
    def waiting(self) -> int:
        """How many notices wait, in memory and on the disk."""
        return super().waiting + len(self._spool)

    async def run(self) -> None:
        """Keep what is offered, and send what is kept, until cancelled."""
        async with connected(self._target.http) as client, trio.open_nursery() as both:
            await self._store()
            both.start_soon(self._keep_storing)
            both.start_soon(self._keep_sending, client)

    async def finish(self) -> None:
        """Keep what waits for the disk: the next daemon sends it."""
        await self._store()

    # To the disk.

    async def _keep_storing(self) -> None:
        while True:
            await self._wanted.wait()
            await self._store()

    async def _store(self) -> None:
        self._wanted = trio.Event()
        await in_thread(_STORE, self._store_all, limiter=self._disk)
        if self._spool.problem is None:
            self._disk_health.good()
        else:
            self._disk_health.bad(f"{self._spool.problem}; notices wait in memory")
        self._stored.set()

    def _store_all(self) -> None:
        if not self._opened:
            self._spool.open()
            self._opened = True
        while self._notices:
            self._spool.put(self._notices.popleft())
        dropped, self._spool.dropped = self._spool.dropped, 0
        self.tally.dropped += dropped

    # To the server.

    async def _keep_sending(self, client: Client) -> None:
        backoff = self._tools.backoff()
        while True:
            content = await in_thread(_TAKE, self._spool.first, limiter=self._disk)
            if content is None:
                self._stored = trio.Event()
                if not len(self._spool):
                    await self._stored.wait()
                continue
            outcome = await self._post(client, content)
            self._count(outcome)
            if outcome.ok or outcome.is_final:
                backoff.reset()
                await in_thread(_TAKE, self._done, content, limiter=self._disk)
            else:
                await trio.sleep(backoff.next())

    def _done(self, content: Envelope) -> None:
        """Forget a notice, unless it was dropped while it was on its way."""
        first = self._spool.first()
        if first is not None and first.id == content.id:
            self._spool.remove_first()

    async def _try_once(self, content: Envelope) -> Outcome:
        async with connected(self._target.http) as client:
            return await self._post(client, content)

    async def _post(self, client: Client, content: Envelope) -> Outcome:
        now = self._tools.wall_clock() // SECOND
        signed = headers(content, self._target.secret, now)
        answer = await client.post(self._target.url, content.body, signed)
        return Outcome(answer.ok, str(answer), answer.is_final)


KIND = ReceiverKind(
    name="webhook",
    help="A server of your own, which takes JSON by POST: each notice once and in"
    " order, out of a queue on the disk.",
    keys={
        "url": Key(
            url,
            "Where it takes JSON by POST.",
            example="https://hooks.example.net/solrecd",
        ),
        **secret_keys("secret", "The key that requests are signed with", "key"),
        "queue_size": Key(
            size(64 * 1024, 1024 * _MIB),
            "What waits for a server that does not answer is kept in `state_dir`, up"
            " to this size; then the oldest is dropped, and counted.",
        ),
        **RESOLVED_KEYS,
        **HTTP_KEYS,
    },
    required="url",
    options=Webhook,
    build=_options,
    defaults_from=(Http,),
    sender=WebhookSender,
)
