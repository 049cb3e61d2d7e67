"""A third-party program that serves HTTP on loopback, for as long as a test."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.ports import free_port
from tests.support.recorder import wait_until

TIMEOUT = 60.0
"""Seconds for a server to start, or to answer: many times what it needs."""


class Server:
    """A program that serves HTTP on a port of its own; a context manager."""

    def __init__(self, directory: Path, command: Sequence[str]) -> None:
        """Choose a port; the command gets it as ``--web.listen-address``."""
        directory.mkdir()
        self.address = f"127.0.0.1:{free_port()}"
        self._command = [*command, f"--web.listen-address={self.address}"]
        self._log = directory / "log"

    def __enter__(self) -> Self:
        """Start it, and return when it is ready."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            wait_until(self._is_decided, bool, seconds=TIMEOUT)
            assert self._is_ready(), self._log.read_text()[-2000:]
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it."""
        self._end()

    def ask(self, method: str, path: str, content: object = None) -> Any:
        """Return the answer to a request, as data; None where it has none."""
        connection = HTTPConnection(self.address, timeout=TIMEOUT)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, path, json.dumps(content), headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            assert answer.status == 200, text
            return json.loads(text) if text.startswith(("{", "[")) else None
        finally:
            connection.close()

    def _is_decided(self) -> bool:
        return self._process.poll() is not None or self._is_ready()

    def _is_ready(self) -> bool:
        try:
            self.ask("GET", "/-/ready")
        except (OSError, HTTPException, AssertionError):
            return False
        return True

    def _end(self) -> None:
        self._process.terminate()
        self._process.wait(TIMEOUT)
