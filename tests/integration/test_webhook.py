"""Webhooks: real HTTP on loopback, a queue on a real disk, servers that fail."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from solrecd.alerts.senders import AlertSink, Tools
from solrecd.alerts.senders.webhook import Webhook
from solrecd.config import Config, Http, ReceiverConfig, Secret
from solrecd.events.boots import Outcome
from tests.support.alerting import EPOCH, boot, event, receiver, until
from tests.support.http_receiver import Mood, http_receiver

KEY = Secret(b"key")


def webhook(
    url: str, *, timeout: float = 10.0, damping: float | None = None
) -> ReceiverConfig:
    """Return a receiver with this server."""
    target = Webhook(url=url + "/hook", secret=KEY, http=Http(timeout=timeout))
    return receiver("hook", target=target, labels={"site": "a"}, damping=damping)


@asynccontextmanager
async def alerting(folder: Path, config: ReceiverConfig) -> AsyncIterator[AlertSink]:
    """Run a sink with this receiver."""
    sink = AlertSink(folder, Tools(lambda: EPOCH, "recorder", folder / "alerts"))
    sink.configure(Config(alerts={config.name: config}))
    async with trio.open_nursery() as nursery:
        await nursery.start(sink.run)
        yield sink
        sink.close()


async def test_a_notice_is_the_event_and_what_is_known_around_it(
    tmp_path: Path,
) -> None:
    async with (
        http_receiver() as server,
        alerting(tmp_path, webhook(server.url)) as sink,
    ):
        sink.offer([event("panic")], [boot(Outcome.FAILED)])
        await server.wait_for(1)
        sink.offer([], [boot(Outcome.OK, 8)])
        fires, over = await server.wait_for(2)

    assert fires.path == "/hook"
    assert fires.json.items() >= event("panic").as_dict().items()
    assert fires.json["labels"]["site"] == "a"
    assert (fires.json["host"], fires.json["status"]) == ("recorder", "firing")
    assert over.json["status"] == "resolved"
    assert over.headers["idempotency-key"] != fires.headers["idempotency-key"]


async def test_the_signature_is_over_time_and_body(tmp_path: Path) -> None:
    async with (
        http_receiver() as server,
        alerting(tmp_path, webhook(server.url)) as sink,
    ):
        sink.offer([event("panic")])
        (request,) = await server.wait_for(1)

    signed = request.headers["x-solrecd-timestamp"].encode() + b"." + request.body
    expected = hmac.new(b"key", signed, hashlib.sha256).hexdigest()
    assert request.headers["x-solrecd-signature"] == f"sha256={expected}"


@pytest.mark.parametrize(
    "failure", [500, 408, 429, Mood.RESET, Mood.GARBAGE, Mood.HANG]
)
async def test_what_fails_is_sent_again_with_the_same_id_and_in_order(
    tmp_path: Path, failure: int | Mood
) -> None:
    async with (
        http_receiver(failure, 200) as server,
        alerting(tmp_path, webhook(server.url, timeout=0.5)) as sink,
    ):
        sink.offer([event(name) for name in ("panic", "oops", "bug")])
        requests = await server.wait_for(4)

    names = [request.json["name"] for request in requests]
    assert names == ["panic", "panic", "oops", "bug"]
    assert len({r.headers["idempotency-key"] for r in requests}) == 3


@pytest.mark.parametrize("refusal", [400, 404, 413, 301])
async def test_what_is_refused_is_dropped_and_counted(
    tmp_path: Path, refusal: int
) -> None:
    async with (
        http_receiver(refusal, 200) as server,
        alerting(tmp_path, webhook(server.url)) as sink,
    ):
        sink.offer([event("panic"), event("oops")])
        requests = await server.wait_for(2)
        await until(lambda: sink.statistics()["hook"].delivered)
        numbers = sink.statistics()["hook"]

    assert [request.json["name"] for request in requests] == ["panic", "oops"]
    assert (numbers.dropped, numbers.failed, numbers.works) == (1, 1, True)


async def test_what_waits_survives_a_restart(tmp_path: Path) -> None:
    async with http_receiver(503) as server:
        async with alerting(tmp_path, webhook(server.url)) as sink:
            sink.offer([event(name) for name in ("panic", "oops", "bug")])
            await server.wait_for(1)
        server.requests.clear()
        server.answers[:] = [200]

        async with alerting(tmp_path, webhook(server.url)):
            requests = await server.wait_for(3)

    assert [r.json["name"] for r in requests] == ["panic", "oops", "bug"]


async def test_what_waits_goes_to_the_server_of_a_new_configuration(
    tmp_path: Path,
) -> None:
    async with (
        http_receiver(503) as old,
        http_receiver() as new,
        alerting(tmp_path, webhook(old.url)) as sink,
    ):
        sink.offer([event("panic"), event("oops")])
        await old.wait_for(1)
        sink.configure(Config(alerts={"hook": webhook(new.url)}))
        requests = await new.wait_for(2)

    assert [r.json["name"] for r in requests] == ["panic", "oops"]


async def test_a_flood_on_one_console_is_one_notice(tmp_path: Path) -> None:
    async with (
        http_receiver() as server,
        alerting(tmp_path, webhook(server.url, damping=600.0)) as sink,
    ):
        sink.offer([event("panic", at=n / 100) for n in range(500)])
        await server.wait_for(1)
        await until(lambda: sink.statistics()["hook"].held_back == 499)

    assert len(server.requests) == 1
