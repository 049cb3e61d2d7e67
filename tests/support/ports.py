"""Ports for servers of a test's own."""

from __future__ import annotations

import socket


def free_port(
    kind: socket.SocketKind = socket.SOCK_STREAM, host: str = "127.0.0.1"
) -> int:
    """Return a port that nobody has: of TCP, or of UDP for ``SOCK_DGRAM``."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
