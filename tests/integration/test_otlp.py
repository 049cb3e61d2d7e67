"""Shipping an archive by OTLP: records by its own schema, and its retry rules."""

import gzip
import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import trio
from google.protobuf.json_format import ParseDict  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
)
from trio.testing import MockClock

from solrecd.alerts.otlp import receiver
from solrecd.alerts.otlp.payload import encode
from solrecd.alerts.shipping import Shipper, ShipperContext, Stream
from solrecd.alerts.shipping.reading import Entry
from solrecd.config import ConfigError, OtlpConfig
from tests.support.archives import Printed, write_segment
from tests.support.configs import read
from tests.support.loki import Said

AT = 1_795_000_000_000_000
SECOND = 1_000_000


class Collector:
    """Takes what the schema allows; `answers` are given first, one after the other."""

    def __init__(self, *answers: Said) -> None:
        self.answers = list(answers)
        self.taken: list[Any] = []
        self.tries: list[float] = []
        self.headers: Mapping[str, str] = {}

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Said:
        """Take a request, or do not."""
        assert url == "http://collector:4318/v1/logs"
        assert headers["Content-Type"] == "application/json"
        self.headers = headers
        self.tries.append(trio.current_time())
        answer = self.answers.pop(0) if self.answers else Said(200, "{}")
        if answer.ok:
            self.taken.append(parsed(body))
        return answer

    @property
    def records(self) -> list[Any]:
        """All log records that were taken."""
        return [
            record
            for request in self.taken
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]


def parsed(body: bytes) -> Any:
    """Return a request; fails where the schema has no such field, or another type."""
    return ParseDict(json.loads(gzip.decompress(body)), ExportLogsServiceRequest())


def attributes(holder: Any) -> dict[str, str | int]:
    """Return attributes of a record or a resource."""
    return {
        it.key: getattr(it.value, it.value.WhichOneof("value"))
        for it in holder.attributes
    }


class Shipping:
    """A shipper over an archive with one console, n1, for some minutes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.counts: dict[str, int] = {}
        self.delays: list[float] = []
        self.config = OtlpConfig(
            endpoint="http://collector:4318", attributes={"site": "east"}
        )
        lines = [Printed(AT + n, text) for n, text in enumerate(["one", "two"])]
        (folder / "log").mkdir()
        write_segment(folder / "log", "n1", lines)

    async def to(self, collector: Collector) -> None:
        """Ship for five minutes."""
        context = ShipperContext(
            consoles=lambda: {"n1": {"rack": "r1"}},
            stage=lambda _name: (AT + 1, "kernel"),
            wall_clock=lambda: AT + 2 * SECOND,
            counted=self._count,
            delayed=self.delays.append,
        )
        rng = random.Random(1)
        shipper = Shipper(
            self.folder / "log", self.folder, receiver(self.config), context, rng
        )
        with trio.move_on_after(300):
            await shipper.run(collector.post)

    def _count(self, result: str, lines: int) -> None:
        self.counts[result] = self.counts.get(result, 0) + lines


@pytest.fixture
def clock(autojump_clock: MockClock) -> MockClock:
    """Let time pass at once, but leave worker threads a moment."""
    autojump_clock.autojump_threshold = 0.05
    return autojump_clock


@pytest.fixture
def shipping(tmp_path: Path) -> Shipping:
    """Return a shipper that has not begun."""
    return Shipping(tmp_path)


async def test_lines_are_log_records_with_console_boot_and_stage(
    clock: MockClock, shipping: Shipping
) -> None:
    collector = Collector()

    await shipping.to(collector)

    one, two = collector.records
    assert (one.time_unix_nano, one.body.string_value) == (AT * 1000, "one")
    assert attributes(one) == {"console": "n1", "boot": 1, "kind": "output"}
    assert attributes(two) == {**attributes(one), "stage": "kernel"}
    (resource,) = collector.taken[0].resource_logs
    assert attributes(resource.resource) == {
        "service.name": "solrecd",
        "site": "east",
        "rack": "r1",
    }
    assert shipping.counts == {"sent": 2}
    assert shipping.delays == pytest.approx([2.0, 1.999999])
    assert (shipping.folder / "otlp.json").exists()


@pytest.mark.parametrize("status", [429, 502, 503, 504, 401, 403, 404, None])
async def test_what_can_be_taken_later_is_sent_again(
    clock: MockClock, shipping: Shipping, status: int | None
) -> None:
    collector = Collector(Said(status), Said(status))

    await shipping.to(collector)

    assert len(collector.tries) == 3
    assert [it.body.string_value for it in collector.records] == ["one", "two"]
    assert shipping.counts == {"sent": 2}


async def test_a_receiver_is_left_alone_for_as_long_as_it_says(
    clock: MockClock, shipping: Shipping
) -> None:
    collector = Collector(Said(503, "", retry_after=30.0))

    await shipping.to(collector)

    first, second = collector.tries
    assert second - first >= 30


@pytest.mark.parametrize("status", [400, 413, 500])
async def test_what_is_never_taken_is_counted_and_passed_over(
    clock: MockClock, shipping: Shipping, status: int
) -> None:
    collector = Collector(Said(status))

    await shipping.to(collector)

    assert len(collector.tries) == 1
    assert shipping.counts == {"refused": 2}


async def test_a_partial_success_is_counted_and_not_sent_again(
    clock: MockClock, shipping: Shipping
) -> None:
    answer = '{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"too old"}}'
    collector = Collector(Said(200, answer))

    await shipping.to(collector)

    assert len(collector.tries) == 1
    assert shipping.counts == {"refused": 1, "sent": 1}


def test_hostile_text_is_valid_in_the_schema() -> None:
    entry = Entry(AT * 1000, 'a"\\\x07\ud800\u2028 ü', 3, is_note=True)

    request = parsed(encode([Stream("n1", {}, [entry], ())], common={}))

    (record,) = request.resource_logs[0].scope_logs[0].log_records
    assert record.body.string_value == 'a"\\\x07?\u2028 ü'
    assert attributes(record)["kind"] == "note"


async def test_a_header_with_a_secret_is_sent(
    clock: MockClock, shipping: Shipping
) -> None:
    table = 'endpoint = "http://collector:4318"\nheader = "x-api-key"'
    config = read(f'[otlp]\n{table}\nheader_value = "secret"\n').otlp
    assert config is not None
    shipping.config, collector = config, Collector()

    await shipping.to(collector)

    assert collector.headers["x-api-key"] == "secret"
    assert "secret" not in repr(config)


@pytest.mark.parametrize(
    ("table", "mistake"),
    [
        ('header = "x"', "which has no endpoint"),
        ('endpoint = "http://c"\nheader = "x"', "go together"),
        ('endpoint = "c:4318"', "http"),
    ],
)
def test_a_mistake_in_the_table_says_what_is_allowed(table: str, mistake: str) -> None:
    with pytest.raises(ConfigError, match=mistake):
        read(f"[otlp]\n{table}\n")
