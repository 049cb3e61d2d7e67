"""Alertmanagers are told of what happens: real HTTP, and servers that fail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from solrecd.alerts import Alert, Notice, Phase
from solrecd.alerts.saved import save
from solrecd.alerts.senders import AlertSink, Tools
from solrecd.alerts.senders.alertmanager import Alertmanager
from solrecd.config import Config, Http, ReceiverConfig, Secret
from solrecd.events.boots import Outcome
from solrecd.process.stamps import parse_stamp
from tests.support.alerting import EPOCH, boot, event, receiver, until
from tests.support.http_receiver import Mood, Receiver, http_receiver

TOLD = "/api/v2/alerts"


def alertmanager(
    *urls: str, resend: float = 60.0, timeout: float = 10.0, **more: object
) -> ReceiverConfig:
    """Return a receiver with these servers."""
    http = Http(timeout=timeout, **more)  # type: ignore[arg-type]
    return receiver("am", target=Alertmanager(urls=urls, resend=resend, http=http))


@asynccontextmanager
async def alerting(folder: Path, *configs: ReceiverConfig) -> AsyncIterator[AlertSink]:
    """Run a sink with these receivers."""
    sink = AlertSink(folder, Tools(lambda: EPOCH, "recorder", folder / "alerts"))
    sink.configure(Config(alerts={config.name: config for config in configs}))
    async with trio.open_nursery() as nursery:
        await nursery.start(sink.run)
        yield sink
        sink.close()


def names(server: Receiver) -> list[str]:
    """Return the names of the alerts that came, request by request."""
    return ["+".join(one["labels"]["name"] for one in r.json) for r in server.requests]


def ends(server: Receiver) -> list[int]:
    """Return when the first alert of each request ends."""
    return [parse_stamp(request.json[0]["endsAt"]) for request in server.requests]


async def test_every_server_gets_every_alert_and_its_end(tmp_path: Path) -> None:
    async with (
        http_receiver() as one,
        http_receiver() as other,
        alerting(tmp_path, alertmanager(one.url, other.url)) as sink,
    ):
        sink.offer([event("panic")], [boot(Outcome.FAILED)])
        await one.wait_for(1)
        sink.offer([], [boot(Outcome.OK, 8)])
        await one.wait_for(2)
        await other.wait_for(2)

    for server in (one, other):
        fires, over = (request.json[0] for request in server.requests)
        assert {request.path for request in server.requests} == {TOLD}
        assert fires["labels"] == over["labels"]
        assert parse_stamp(fires["endsAt"]) == EPOCH + 240_000_000
        assert parse_stamp(over["endsAt"]) == EPOCH


async def test_what_fires_is_told_again_and_again(tmp_path: Path) -> None:
    async with (
        http_receiver() as server,
        alerting(tmp_path, alertmanager(server.url, resend=0.2)) as sink,
    ):
        sink.offer([event("panic")])
        await server.wait_for(4)

    assert set(names(server)) == {"panic"}


@pytest.mark.parametrize(
    "failure", [500, 503, 429, Mood.RESET, Mood.GARBAGE, Mood.HANG]
)
async def test_a_server_that_fails_is_told_when_it_works_again(
    tmp_path: Path, failure: int | Mood
) -> None:
    async with (
        http_receiver(failure, 200) as server,
        alerting(tmp_path, alertmanager(server.url, timeout=0.5)) as sink,
    ):
        sink.offer([event("panic")])
        await server.wait_for(2)
        await until(lambda: sink.statistics()["am"].delivered)
        numbers = sink.statistics()["am"]

    assert names(server) == ["panic", "panic"]
    assert (numbers.failed, numbers.waiting, numbers.works) == (1, 0, True)


@pytest.mark.parametrize("refusal", [400, 302, 404])
async def test_what_is_refused_is_not_tried_again_before_the_next_resend(
    tmp_path: Path, refusal: int
) -> None:
    async with (
        http_receiver(refusal) as server,
        alerting(tmp_path, alertmanager(server.url)) as sink,
    ):
        sink.offer([event("panic")])
        await server.wait_for(1)
        sink.offer([event("oops")])
        await server.wait_for(2)
        await until(lambda: sink.statistics()["am"].failed == 2)
        numbers = sink.statistics()["am"]

    assert names(server) == ["panic", "oops"]
    assert (numbers.dropped, numbers.works) == (2, False)


async def test_a_server_that_hangs_delays_no_other(tmp_path: Path) -> None:
    async with (
        http_receiver(Mood.HANG) as hangs,
        http_receiver() as works,
        alerting(tmp_path, alertmanager(hangs.url, works.url)) as sink,
    ):
        for number in range(3):
            sink.offer([event("oops", signature=str(number))])
            await works.wait_for(number + 1)

    assert len(hangs.requests) == 1


async def test_an_answer_without_end_is_cut_off(tmp_path: Path) -> None:
    async with (
        http_receiver(Mood.ENDLESS) as server,
        alerting(tmp_path, alertmanager(server.url)) as sink,
    ):
        with trio.fail_after(20):
            (receipt,) = await sink.test("am")

    assert receipt.ok


async def test_a_restarted_daemon_tells_and_ends_what_fired_before(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "alerts"
    folder.mkdir()
    alert = Alert(event("panic", console="gone"), EPOCH)
    (folder / "firing.json").write_bytes(save({"am": [alert], "other": [alert]}))

    async with (
        http_receiver() as server,
        alerting(tmp_path, alertmanager(server.url)),
    ):
        await until(lambda: names(server) and ends(server)[-1] == EPOCH)

    assert server.requests[-1].json[0]["labels"]["console"] == "gone"


async def test_a_reload_moves_what_fires_to_the_new_server(tmp_path: Path) -> None:
    async with (
        http_receiver() as old,
        http_receiver() as new,
        alerting(tmp_path, alertmanager(old.url)) as sink,
    ):
        sink.offer([event("panic")])
        await old.wait_for(1)
        sink.configure(Config(alerts={"am": alertmanager(new.url)}))
        await new.wait_for(1)

    assert names(new) == ["panic"]


async def test_credentials_are_sent_and_never_shown(tmp_path: Path) -> None:
    async with http_receiver(401) as server:
        config = alertmanager(server.url, token=Secret(b"geheim"))
        async with alerting(tmp_path, config) as sink:
            (receipt,) = await sink.test(None)

    assert server.requests[0].headers["authorization"] == "Bearer geheim"
    assert "geheim" not in repr((receipt, config))
    assert receipt.answer == "HTTP 401: status 401"


async def test_a_burst_is_told_in_batches(tmp_path: Path) -> None:
    async with (
        http_receiver() as server,
        alerting(tmp_path, alertmanager(server.url)) as sink,
    ):
        sink.offer([event("panic", console=f"n{n}") for n in range(200)])
        await until(lambda: sink.statistics()["am"].delivered == 200)

    assert max(len(request.json) for request in server.requests) == 64
    told = {one["labels"]["console"] for r in server.requests for one in r.json}
    assert told == {f"n{n}" for n in range(200)}


def test_a_notice_of_a_test_is_no_alarm() -> None:
    assert Notice(Phase.TEST, Alert(event(), EPOCH), EPOCH).phase.value == "test"
