"""The metrics and their listener, judged by Prometheus and its promtool."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import bcrypt
import pytest
import trio

from solrecd.api.denials import Denials
from solrecd.api.metrics_listener import Exporter
from solrecd.api.webconfig import live
from solrecd.api.webconfig.settings import WebConfigError
from solrecd.config import DaemonConfig
from solrecd.events.boots import Boot, Outcome
from solrecd.events.reading import Reading
from solrecd.events.sessions import LostReason, SessionState
from solrecd.events.stages import Stage
from solrecd.metrics import Format, Metrics
from solrecd.metrics.app import Scrape
from solrecd.process.descriptors import ClientPlaces
from tests.support.certificates import Authority
from tests.support.ports import free_port
from tests.support.prometheus import (
    need_prometheus,
    promtool,
    scraping,
)
from tests.support.recorder import wait_until

T = TypeVar("T")

USER, PASSWORD = "prometheus", "correct horse"
TIMEOUT = 60.0
STAMP = 1_795_348_800_000_000
CLIENTS = """\
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: authority.pem
"""
HOSTILE = 'n"2\\{},\n# EOF'


def exporter_of(settings: DaemonConfig, scrape: Scrape, metrics: Metrics) -> Exporter:
    """Return a listener with room for all who come."""
    denials = Denials(lambda: 0.0)
    return Exporter(settings, scrape, metrics, denials, ClientPlaces(65536))


@pytest.fixture(autouse=True)
def _peer() -> None:
    need_prometheus()


def fleet(now: int = STAMP) -> Metrics:
    """Return metrics with something in every family, names that break out included."""
    metrics = Metrics(["panic", "oops"], version="1.2.3")
    for name in (HOSTILE, "n1"):
        console = metrics.console(name, {"rack": 'r"1\\'})
        console.received_bytes = 7
        console.last_output = now
        console.power_on = True
        console.session_entered(SessionState.FOREIGN, now, LostReason.STOLEN)
        console.enter(Stage.KERNEL, now)
        stages = {"firmware": 0.0, "kernel": 42.5}
        ended = Boot(name, 3, now, ended=now, outcome=Outcome.OK, stages=stages)
        console.read(Reading(boots=[ended]))
    metrics.filesystem(avail=1, size=2)
    metrics.journal(used=1, size=2)
    metrics.stage_timeouts = {Stage.KERNEL: 180.0}
    metrics.rejected = {"forged": 1}
    return metrics


def test_promtool_finds_nothing_to_complain_about() -> None:
    status, said = promtool("check", "metrics", text=fleet().render())

    assert (status, said) == (0, "")


@pytest.mark.parametrize(
    "extra",
    [
        "",
        "  min_version: TLS13\n  max_version: TLS13\n",
        CLIENTS,
        "http_server_config:\n  http2: true\n  headers: {X-Frame-Options: deny}\n",
    ],
)
def test_what_we_take_promtool_takes_too(tmp_path: Path, extra: str) -> None:
    file = web_config(tmp_path, extra)

    assert live.load(str(file)).context is not None
    status, said = promtool("check", "web-config", str(file))
    assert status == 0, said


@pytest.mark.parametrize(
    "text",
    [
        "tls_server_confg: {}\n",
        "tls_server_config: {cert_file: none.pem, key_file: none.key}\n",
        "tls_server_config: {cert_file: server.pem}\n",
        "tls_server_config: {PAIR, client_ca_file: authority.pem}\n",
        "tls_server_config: {PAIR, min_version: TLS9}\n",
        "http_server_config: {headers: {X-Powered-By: us}}\n",
        "basic_auth_users: {prometheus: secret}\nbasic_auth_users: {}\n",
    ],
)
def test_what_promtool_refuses_we_refuse_too(tmp_path: Path, text: str) -> None:
    file = web_config(tmp_path)
    file.write_text(text.replace("PAIR", "cert_file: server.pem, key_file: server.key"))

    status, _said = promtool("check", "web-config", str(file))

    assert status != 0
    with pytest.raises(WebConfigError):
        live.load(str(file))


def web_config(folder: Path, extra: str = "") -> Path:
    """Return a file with TLS and one user."""
    Authority(folder).issue("server")
    digest = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    file = folder / "web-config.yml"
    file.write_text(
        "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
        f"{extra}basic_auth_users:\n  {USER}: {digest}\n"
    )
    return file


def job(port: int, folder: Path, password: str = PASSWORD) -> str:
    """Return the scrape configuration for our listener."""
    return json.dumps(
        {
            "job_name": "solrecd",
            "scheme": "https",
            "tls_config": {"ca_file": str(folder / "authority.pem")},
            "basic_auth": {"username": USER, "password": password},
            "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
        }
    )


async def wait(ask: Callable[[], T]) -> T:
    """Return an answer as soon as it is not empty."""
    waiting = partial(wait_until, ask, bool, seconds=TIMEOUT)
    return await trio.to_thread.run_sync(waiting)


async def test_prometheus_scrapes_over_https_with_a_password(tmp_path: Path) -> None:
    port = free_port()
    metrics = fleet()
    asked: list[Format] = []

    def scrape(form: Format) -> list[bytes]:
        asked.append(form)
        return [metrics.render(form)]

    settings = DaemonConfig(
        metrics=("127.0.0.1", port), metrics_web_config=str(web_config(tmp_path))
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(exporter_of(settings, scrape, metrics).run)
        with scraping(tmp_path, job(port, tmp_path)) as prometheus:
            received = await wait(
                partial(prometheus.query, "solrecd_console_received_bytes_total")
            )
            exemplars = await wait(
                partial(prometheus.exemplars, "solrecd_boot_stage_duration_seconds")
            )
        nursery.cancel_scope.cancel()

    assert set(asked) == {Format.OPENMETRICS}
    assert received == {"n1": 7, HOSTILE: 7}
    assert {"console": "n1", "boot": "3"} in exemplars


async def test_a_prometheus_with_a_wrong_password_is_sent_away_and_counted(
    tmp_path: Path,
) -> None:
    port = free_port()
    metrics = fleet()
    settings = DaemonConfig(
        metrics=("127.0.0.1", port), metrics_web_config=str(web_config(tmp_path))
    )

    async with trio.open_nursery() as nursery:
        exporter = exporter_of(settings, lambda form: [metrics.render(form)], metrics)
        await nursery.start(exporter.run)
        with scraping(tmp_path, job(port, tmp_path, "wrong")) as prometheus:
            error = await wait(prometheus.last_error)
        nursery.cancel_scope.cancel()

    assert "HTTP status 401" in error
    assert b"\nsolrecd_metrics_denied_total 0\n" not in metrics.render()


async def test_clients_of_another_authority_are_not_let_in(tmp_path: Path) -> None:
    file = web_config(tmp_path, CLIENTS)
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other").issue("stranger")
    friend = tmp_path / "server.pem", tmp_path / "server.key"
    settings = DaemonConfig(
        metrics=("127.0.0.1", port := free_port()), metrics_web_config=str(file)
    )

    async with trio.open_nursery() as nursery:
        exporter = exporter_of(settings, lambda _form: [b"x 1\n"], fleet())
        await nursery.start(exporter.run)
        answers = [
            await trio.to_thread.run_sync(read, port, tmp_path, *pair)
            for pair in (friend, stranger)
        ]
        nursery.cancel_scope.cancel()

    assert answers == [b"x 1\n", b""]


def read(port: int, folder: Path, certificate: Path, key: Path) -> bytes:
    """Return a scrape; nothing where the server does not want the client."""
    context = ssl.create_default_context(cafile=folder / "authority.pem")
    context.load_cert_chain(certificate, key)
    credentials = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    wanted = urllib.request.Request(
        f"https://127.0.0.1:{port}/metrics",
        headers={"Authorization": f"Basic {credentials}"},
    )
    try:
        with urllib.request.urlopen(wanted, context=context, timeout=30) as answer:  # noqa: S310
            found: bytes = answer.read()
            return found
    except OSError:
        return b""
