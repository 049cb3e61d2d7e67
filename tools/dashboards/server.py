"""A real Prometheus on loopback, with the story in its database."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tools.dashboards.scenario import LENGTH, SCRAPE, START, openmetrics, write

STEP: Final = 60
PATIENCE: Final = 30.0

_VARIABLES: Final = {
    "$__rate_interval": f"{4 * STEP}s",
    "$__range": f"{LENGTH}s",
    "$instance": ".+",
    "$stage": ".+",
    "$match": "",
}


def missing() -> str | None:
    """Return what is not installed; None when all is there."""
    programs = ("prometheus", "promtool")
    absent = [name for name in programs if shutil.which(name) is None]
    return f"{', '.join(absent)} of Debian's prometheus" if absent else None


class Prometheus:
    """Answers questions about the story."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"

    def is_ready(self) -> bool:
        """Whether it answers yet."""
        try:
            with urllib.request.urlopen(f"{self._base}/-/ready", timeout=1):  # noqa: S310
                return True
        except OSError:
            return False

    def now(self, expression: str, console: str = ".+") -> list[dict[str, Any]]:
        """Return what an expression is at the end of the story."""
        at = START + LENGTH
        asked = {"query": fill_in(expression, console), "time": str(at)}
        return self._ask("query", asked)

    def over_time(self, expression: str, console: str = ".+") -> list[dict[str, Any]]:
        """Return what an expression was all along."""
        asked = {
            "query": fill_in(expression, console),
            "start": str(START + SCRAPE),
            "end": str(START + LENGTH),
            "step": str(STEP),
        }
        return self._ask("query_range", asked)

    def _ask(self, what: str, asked: Mapping[str, str]) -> list[dict[str, Any]]:
        url = f"{self._base}/api/v1/{what}?{urllib.parse.urlencode(asked)}"
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310
                result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            raise LookupError(f"{asked['query']}: {error.read().decode()}") from None
        return result


def fill_in(expression: str, console: str) -> str:
    """Return an expression as Grafana sends it, with every variable in its place."""
    for name, value in _VARIABLES.items():
        expression = expression.replace(name, value)
    filled = expression.replace("$console", console)
    if found := re.search(r"\$\w+", filled):
        raise LookupError(f"{found[0]} in {expression}: no value is filled in")
    return filled


@contextmanager
def prometheus(folder: Path) -> Iterator[Prometheus]:
    """Run a Prometheus that knows the story.

    Args:
        folder: empty; takes its database.
    """
    data = folder / "data"
    write(folder / "story.om", openmetrics())
    promtool = ("promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet")
    subprocess.run(
        [*promtool, str(folder / "story.om"), str(data)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (folder / "prometheus.yml").write_text("scrape_configs: []\n")
    port = _free_port()
    process = subprocess.Popen(_command(folder, data, port), stderr=subprocess.DEVNULL)
    try:
        server = Prometheus(port)
        _wait(server, process)
        yield server
    finally:
        process.terminate()
        process.wait()


def _command(folder: Path, data: Path, port: int) -> list[str]:
    return [
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
        # A scrape marks series that are gone; blocks made by promtool cannot.
        f"--query.lookback-delta={SCRAPE + SCRAPE // 2}s",
    ]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait(server: Prometheus, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not server.is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise LookupError("Prometheus does not start")
        time.sleep(0.05)
