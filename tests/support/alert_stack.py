"""Debian's Prometheus and Alertmanager on loopback, and who is notified by them."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.support.alert_rules import FOLDER, RULES
from tests.support.recorder import wait_until
from tests.support.server import Server

MISSING = (
    "Prometheus and Alertmanager are not installed (Debian: prometheus"
    " prometheus-alertmanager)"
)
AVAILABLE = None not in map(shutil.which, ("prometheus", "prometheus-alertmanager"))

_QUICK = "1s"
"""Between scrapes, evaluations and notifications of a group: no one is woken here."""

_PROMETHEUS = """\
global: {{scrape_interval: {quick}, evaluation_interval: {quick}}}
rule_files: ["{rules}"]
alerting:
  alertmanagers:
    - static_configs: [{{targets: ["{alertmanager}"]}}]
scrape_configs:
  - job_name: solrecd
    static_configs: [{{targets: ["{target}"]}}]
"""


class Notification(NamedTuple):
    """One alert of a request that Alertmanager sent."""

    at: float
    """Seconds since the epoch at which it came."""
    receiver: str
    status: str
    """``firing`` or ``resolved``."""
    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


class Webhook:
    """Takes notifications and keeps them; a context manager."""

    def __init__(self) -> None:
        """Listen at once: the caller has to know the port."""
        self._taken: list[Notification] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def taken(self) -> Sequence[Notification]:
        """All notifications so far, in order."""
        return tuple(self._taken)

    def wait(self, name: str, status: str, seconds: float) -> Notification:
        """Return the first notification of an alert with this status.

        Raises:
            AssertionError: none came; the text has those that did.
        """

        def found() -> list[Notification]:
            return [one for one in self._taken if (one.name, one.status) == wanted]

        wanted = (name, status)
        matching = wait_until(found, bool, seconds=seconds)
        came = [(one.name, one.status) for one in self._taken]
        assert matching, f"no {wanted} within {seconds:.0f} s; there came {came}"
        return matching[0]

    def __enter__(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _take(self, message: Mapping[str, Any]) -> None:
        now = time.time()
        self._taken += [
            Notification(
                now,
                message["receiver"],
                alert["status"],
                alert["labels"]["alertname"],
                alert["labels"],
                alert["annotations"],
            )
            for alert in message["alerts"]
        ]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self._take

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                """Take a request."""
                take(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        return Handler


class Alertmanager(Server):
    """An Alertmanager with the sample configuration, whose receivers are ours.

    Args:
        directory: to be made.
        webhook: host and port that all receivers call.
    """

    def __init__(self, directory: Path, webhook: str) -> None:
        configuration = directory / "alertmanager.yml"
        super().__init__(
            directory,
            [
                "prometheus-alertmanager",
                f"--config.file={configuration}",
                f"--storage.path={directory / 'data'}",
                "--cluster.listen-address=",
            ],
        )
        sample = (FOLDER / "alertmanager.yml").read_text()
        # In the field one waits for what else may come; here nothing does.
        for wait in ("group_wait: 10s", "group_interval: 5m", "group_interval: 1m"):
            assert wait in sample
            sample = sample.replace(wait, f"{wait.partition(':')[0]}: {_QUICK}")
        configuration.write_text(sample.replace("127.0.0.1:9095", webhook))

    def alerts(self) -> dict[str, bool]:
        """Return each alert's name, and whether it is kept from its receiver."""
        found = self.ask("GET", "/api/v2/alerts")
        return {
            one["labels"]["alertname"]: bool(one["status"]["inhibitedBy"])
            for one in found
        }


class Prometheus(Server):
    """A Prometheus that scrapes one target every second, and has the rules.

    Args:
        directory: to be made.
        target: host and port of a recorder's metrics.
        alertmanager: host and port.
    """

    def __init__(self, directory: Path, target: str, alertmanager: str) -> None:
        configuration = directory / "prometheus.yml"
        super().__init__(
            directory,
            [
                "prometheus",
                f"--config.file={configuration}",
                f"--storage.tsdb.path={directory / 'data'}",
            ],
        )
        configuration.write_text(
            _PROMETHEUS.format(
                quick=_QUICK, rules=RULES, target=target, alertmanager=alertmanager
            )
        )

    def value(self, expression: str) -> float | None:
        """Return what an expression is now; None where it has no value."""
        answer = self.ask("GET", f"/api/v1/query?query={expression}")
        result = answer["data"]["result"]
        return float(result[0]["value"][1]) if result else None
