"""Shipping an archive to Loki: order, labels, outages, kills; on a fake of its API."""

import random
import threading
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from solrecd.alerts.loki import receiver, ship
from solrecd.alerts.loki.payload import encode
from solrecd.alerts.shipping import Shipper, ShipperContext
from solrecd.alerts.shipping.positions import file_name, load, save
from solrecd.alerts.shipping.reading import Position
from solrecd.config import ConfigError, LokiConfig
from tests.support.archives import Printed, write_segment
from tests.support.configs import read
from tests.support.loki import FakeLoki, Said

FILE_NAME = file_name("loki")
AT = 1_795_000_000_000_000
LABELS = {"n1": {"rack": "r1"}, "n2": {}}

THREADS_RUN = 0.05
"""Seconds of real time without events before the test clock may jump: long enough for
a worker thread's few system calls on a busy host."""


@pytest.fixture
def clock(autojump_clock: MockClock) -> MockClock:
    """Let time pass at once; tests ask for it by name, or it would not count."""
    autojump_clock.autojump_threshold = THREADS_RUN
    return autojump_clock


class Site:
    """An archive, a Loki, and one shipper after the other between them."""

    def __init__(self, folder: Path) -> None:
        self.archive = folder / "log"
        self.archive.mkdir()
        self.state = folder
        self.loki = FakeLoki()
        self.counts: dict[str, int] = {}
        self.stages: dict[str, tuple[int, str]] = {}
        self.labels: Mapping[str, Mapping[str, str]] = LABELS
        self._printed: dict[str, list[Printed]] = {}

    def print(self, console: str, *texts: str, boot: int = 1) -> None:
        """Let a console print lines, into the open segment of a boot."""
        lines = self._printed.setdefault(f"{console} {boot}", [])
        start = AT + boot * 10_000_000 + len(lines)
        lines += [Printed(start + n, text) for n, text in enumerate(texts)]
        write_segment(self.archive, console, lines, boot=boot)

    def close_segment(self, console: str, boot: int) -> None:
        """Compress a boot's segment."""
        for path in (self.archive / console).glob(f"2*boot-{boot:06d}.*"):
            path.unlink()
        lines = self._printed[f"{console} {boot}"]
        write_segment(self.archive, console, lines, boot=boot, closed=True)

    def shipper(self, **target: object) -> Shipper:
        """Return a shipper, as a daemon that starts makes one."""
        where = LokiConfig(url="http://loki:3100", **target)  # type: ignore[arg-type]
        rng = random.Random(1)
        context = self.context()
        return Shipper(self.archive, self.state, receiver(where), context, rng)

    def context(self) -> ShipperContext:
        """Return what a daemon tells its shipper."""
        return ShipperContext(
            consoles=lambda: self.labels,
            stage=lambda name: self.stages.get(name, (0, "")),
            wall_clock=lambda: AT,
            counted=self._count,
            delayed=lambda _seconds: None,
        )

    def _count(self, result: str, lines: int) -> None:
        self.counts[result] = self.counts.get(result, 0) + lines

    @asynccontextmanager
    async def shipping(self, **target: object) -> AsyncIterator[None]:
        """Ship for a while."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.shipper(**target).run, self.loki.post)
            yield
            nursery.cancel_scope.cancel()


async def until(condition: Callable[[], object], seconds: float = 300) -> None:
    """Wait for something."""
    with trio.fail_after(seconds):
        while not condition():  # noqa: ASYNC110 - a fake of a server has no events
            await trio.sleep(5)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Return a site where two consoles have printed."""
    made = Site(tmp_path)
    made.print("n1", "one", "two")
    made.print("n2", "other")
    return made


async def test_lines_arrive_in_streams_of_their_consoles(
    clock: MockClock, site: Site
) -> None:
    async with site.shipping(tenant="ops", labels={"site": "east"}):
        await until(lambda: len(site.loki.streams) == 2)
        site.print("n1", "three")
        await until(lambda: len(site.loki.texts("n1")) == 3)

    assert site.loki.texts("n1") == ["one", "two", "three"]
    assert site.loki.texts("n2") == ["other"]
    assert sorted(map(dict, site.loki.streams), key=str) == [
        {"console": "n1", "job": "solrecd", "rack": "r1", "site": "east"},
        {"console": "n2", "job": "solrecd", "site": "east"},
    ]
    assert {push["X-Scope-OrgID"] for push in site.loki.pushes} == {"ops"}
    assert site.counts == {"sent": 4}


async def test_boot_and_stage_are_metadata_and_no_labels(
    clock: MockClock, site: Site
) -> None:
    site.stages["n1"] = (AT + 10_000_001, "kernel")

    async with site.shipping():
        await until(lambda: len(site.loki.streams) == 2)

    (stream,) = (
        s for labels, s in site.loki.streams.items() if ("rack", "r1") in labels
    )
    assert [entry.metadata for entry in stream] == [
        {"boot": "1", "kind": "output"},
        {"boot": "1", "kind": "output", "stage": "kernel"},
    ]


@pytest.mark.parametrize("answer", [Said(429), Said(503), Said(401), Said(None, "x")])
async def test_a_loki_that_is_down_for_an_hour_loses_nothing(
    clock: MockClock, site: Site, answer: Said
) -> None:
    site.loki.down = answer

    async with site.shipping():
        for boot in range(2, 8):
            await trio.sleep(600)
            site.print("n1", f"boot {boot}", boot=boot)
            site.close_segment("n1", boot - 1)
        site.loki.down = None
        await until(lambda: len(site.loki.texts("n1")) == 8)

    assert site.loki.texts("n1") == ["one", "two", *(f"boot {n}" for n in range(2, 8))]
    assert site.counts == {"sent": 9}
    assert len(site.loki.pushes) > 60


async def test_what_loki_never_takes_is_counted_and_passed_over(
    clock: MockClock, site: Site
) -> None:
    site.loki.answers = [Said(400, "timestamp too old")]

    async with site.shipping():
        await until(lambda: site.counts.get("refused"))
        site.print("n1", "three")
        await until(lambda: site.loki.streams)

    assert site.loki.texts("n1") == ["three"]
    assert site.counts == {"refused": 3, "sent": 1}


async def test_a_stop_and_a_start_send_nothing_twice(
    clock: MockClock, site: Site
) -> None:
    async with site.shipping():
        await until(lambda: len(site.loki.streams) == 2)
    site.print("n1", "three")
    site.close_segment("n1", 1)
    site.print("n1", "four", boot=2)

    async with site.shipping():
        await until(lambda: len(site.loki.texts("n1")) == 4)

    assert site.loki.texts("n1") == ["one", "two", "three", "four"]
    assert site.counts == {"sent": 5}


async def test_a_kill_sends_the_same_times_again_and_loses_nothing(
    clock: MockClock, site: Site
) -> None:
    save(site.state / FILE_NAME, {"n1": Position(), "n2": Position()})
    before = (site.state / FILE_NAME).read_bytes()
    async with site.shipping():
        await until(lambda: len(site.loki.streams) == 2)
    # A kill -9: what was taken since the positions were saved last is not known.
    (site.state / FILE_NAME).write_bytes(before)
    site.print("n1", "three")

    async with site.shipping():
        await until(lambda: len(site.loki.texts("n1")) == 3)

    assert site.loki.texts("n1") == ["one", "two", "three"]
    assert site.counts == {"sent": 7}


async def test_the_first_start_leaves_history_where_it_is(
    clock: MockClock, site: Site
) -> None:
    site.close_segment("n1", 1)
    site.print("n1", "three", boot=2)

    async with site.shipping():
        await until(lambda: site.loki.streams)
        site.labels = {**LABELS, "n3": {}}
        site.print("n3", "added by a reload")
        await until(lambda: len(site.loki.streams) == 3)

    assert site.loki.texts("n1") == ["three"]
    assert site.loki.texts("n3") == ["added by a reload"]


async def test_a_flood_goes_in_pieces_and_starves_no_console(
    clock: MockClock, site: Site
) -> None:
    site.print("n1", *(f"{n:04d}" + "x" * 996 for n in range(2000)))

    async with site.shipping(batch_size=64 * 1024):
        await until(lambda: site.counts.get("sent") == 2003)

    assert site.loki.texts("n1")[2:4] == ["0000" + "x" * 996, "0001" + "x" * 996]
    assert len(site.loki.texts("n1")) == 2002
    assert site.loki.texts("n2") == ["other"]
    assert len(site.loki.pushes) > 10


async def test_damaged_positions_are_told_and_shipping_goes_on(
    clock: MockClock, site: Site
) -> None:
    (site.state / FILE_NAME).write_text('{"n1": 7}')

    with pytest.raises(ValueError, match="damaged"):
        load(site.state / FILE_NAME)
    async with site.shipping():
        await until(lambda: len(site.loki.streams) == 2)

    assert site.loki.texts("n1") == ["one", "two"]


def test_an_empty_push_is_valid() -> None:
    loki = FakeLoki()

    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = loki.push("/loki/api/v1/push", headers, encode([], common={}))

    assert answer.ok


@contextmanager
def listening(loki: FakeLoki) -> Iterator[str]:
    """Serve a Loki over HTTP; yields its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Take a push."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = loki.push(self.path, dict(self.headers), body)
            self.send_response(answer.status or 500)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_the_configured_loki_is_reached_over_http(site: Site) -> None:
    with listening(site.loki) as url:
        config = read(
            f"""
            [daemon]
            log_dir = "{site.archive}"
            state_dir = "{site.state}"
            [loki]
            url = "{url}/"
            tenant = "ops"
            username = "solrecd"
            password = "secret"
            batch_wait = "100ms"
            """
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ship, config, site.context())
            with trio.fail_after(60):
                while len(site.loki.streams) < 2:  # noqa: ASYNC110 - a thread fills it
                    await trio.sleep(0.05)
            nursery.cancel_scope.cancel()

    assert site.loki.texts("n1") == ["one", "two"]
    (push, *_) = site.loki.pushes
    assert push["Authorization"] == f"Basic {b64encode(b'solrecd:secret').decode()}"
    assert push["X-Scope-OrgID"] == "ops"


def test_without_the_table_nothing_is_shipped() -> None:
    assert read("").loki is None


@pytest.mark.parametrize(
    ("table", "mistake"),
    [
        ('tenant = "x"', "which has no url"),
        ('url = "loki:3100"', "http"),
        ('url = "http://l"\nbatch_size = "1"', "batch_size"),
        ('url = "http://l"\nusername = "u"', "go together"),
        ('url = "http://l"\ntenat = "x"', "did you mean"),
    ],
)
def test_a_mistake_in_the_table_says_what_is_allowed(table: str, mistake: str) -> None:
    with pytest.raises(ConfigError, match=mistake):
        read(f"[loki]\n{table}\n")
