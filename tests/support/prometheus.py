"""A real Prometheus on loopback, and promtool: third-party judges."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.peers import need
from tests.support.server import Server


def need_prometheus() -> None:
    """Skip the test where Prometheus is not installed."""
    found = all(map(shutil.which, ("prometheus", "promtool")))
    need("Debian's prometheus is not installed", available=found)


def promtool(*words: str, text: bytes = b"") -> tuple[int, str]:
    """Return exit status and all output of ``promtool``."""
    done = subprocess.run(
        ["promtool", *words],
        check=False,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.returncode, done.stdout.decode()


class Prometheus:
    """Answers questions about what it scraped."""

    def __init__(self, address: str) -> None:
        self._base = f"http://{address}"

    def query(self, expression: str) -> dict[str, float]:
        """Return values of now by the label ``console``, or by an empty name."""
        found = self._ask("query", query=expression)["result"]
        return {
            one["metric"].get("console", ""): float(one["value"][1]) for one in found
        }

    def exemplars(self, family: str) -> list[dict[str, str]]:
        """Return the labels of the exemplars of a histogram."""
        now = time.time()
        found = self._ask(
            "query_exemplars", query=f"{family}_bucket", start=0, end=now + 3600
        )
        return [one["labels"] for series in found for one in series["exemplars"]]

    def last_error(self) -> str:
        """Return why the last scrape failed; empty if it did not, or was not yet."""
        targets = self._ask("targets")["activeTargets"]
        return "".join(target["lastError"] for target in targets)

    def _ask(self, what: str, **asked: object) -> Any:
        url = f"{self._base}/api/v1/{what}?{urllib.parse.urlencode(asked)}"
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310
            return json.load(answer)["data"]


@contextmanager
def scraping(folder: Path, job: str) -> Iterator[Prometheus]:
    """Run a Prometheus that scrapes each second.

    Args:
        folder: takes its files.
        job: one scrape configuration, as JSON, which YAML is too.
    """
    config = folder / "prometheus.yml"
    timing = "{scrape_interval: 500ms, scrape_timeout: 500ms}"
    config.write_text(f"global: {timing}\nscrape_configs: [{job}]\n")
    command = [
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--enable-feature=exemplar-storage",
    ]
    with Server(folder / "server", command) as server:
        yield Prometheus(server.address)
