"""``python -m tests.support.hanging_recorder PLACES FLAG run -c FILE``: it hangs.

All of solrecd is real but for places with commas between them: once a file is there,
who comes to one of them never leaves it, as a thread does that waits in the kernel for
a disk or a server.
"""

from __future__ import annotations

import functools
import importlib
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from solrecd.cli import solrecd

PLACES = {
    "archive write": ("solrecd.storage.archive.lane", "Lane.drain"),
    "archive fsync": ("solrecd.storage.archive.lane", "Lane.sync"),
    "archive open": ("solrecd.storage.archive.sink", "ArchiveSink.open_console"),
    "index write": ("solrecd.storage.index.store", "Index.write"),
    "index close": ("solrecd.storage.index.sink", "_File.close"),
    "recall": ("solrecd.storage.index.boot_history", "BootHistory.evidence"),
    "reload": ("solrecd.cli.commands.check", "load"),
    "Loki read": ("solrecd.alerts.shipping.reading", "Reader.read"),
    "Loki save": ("solrecd.alerts.shipping.positions", "save"),
    "webhook queue": ("solrecd.alerts.senders.webhook", "WebhookSender._store_all"),
    "what fires": ("solrecd.alerts.senders.firing_file", "FiringFile._write"),
    "free space": ("os", "statvfs"),
    "name server": ("socket", "getaddrinfo"),
}
"""Module, and what in it hangs."""


def hang(place: str, flag: Path) -> None:
    """Let a place hang once the file is there."""
    module, path = PLACES[place]
    owner: Any = importlib.import_module(module)
    *classes, name = path.split(".")
    for each in classes:
        owner = getattr(owner, each)
    setattr(owner, name, _hanging(getattr(owner, name), flag))


def _hanging(real: Callable[..., Any], flag: Path) -> Callable[..., Any]:
    @functools.wraps(real)
    def maybe(*arguments: Any, **options: Any) -> Any:
        if flag.exists() and not _needs_no_server(arguments, options):
            threading.Event().wait()
        return real(*arguments, **options)

    return maybe


def _needs_no_server(arguments: tuple[Any, ...], options: Mapping[str, Any]) -> bool:
    """Whether it is an address that is looked up, or only what may be one."""
    flags = arguments[5] if len(arguments) > 5 else options.get("flags", 0)
    is_numeric = isinstance(flags, int) and flags & socket.AI_NUMERICHOST
    return bool(is_numeric or (arguments and arguments[0] == "127.0.0.1"))


if __name__ == "__main__":
    _, its_places, its_flag, *rest = sys.argv
    for its_place in its_places.split(","):
        hang(its_place, Path(its_flag))
    sys.argv[1:] = rest
    sys.exit(solrecd.main())
