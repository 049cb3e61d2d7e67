"""Ports for servers of a test's own."""

from __future__ import annotations

import os
import random
import socket

_FIRST = 10_000
_EACH = 1_400
"""Ports of a pytest-xdist worker. All are below those that Linux gives away by itself
(``ip_local_port_range``), so what is free now stays free until the test's server takes
it; and below 2^15, because libipmiconsole reads a port as a signed short."""

_WORKERS = 16
"""At most, with ports of their own."""


def free_port(
    kind: socket.SocketKind = socket.SOCK_STREAM, host: str = "127.0.0.1"
) -> int:
    """Return a port that is not in use: of TCP, or of UDP for ``SOCK_DGRAM``."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = _FIRST + worker % _WORKERS * _EACH
    # In no order: other runs on the same host look here too.
    candidates = random.SystemRandom().sample(range(first, first + _EACH), _EACH)
    return next(port for port in candidates if _is_free(port, kind, host))


def _is_free(port: int, kind: socket.SocketKind, host: str) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
