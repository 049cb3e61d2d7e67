"""``python -m tests.support.chaos_recorder FLAG run -c FILE``: its name server fails.

All of solrecd is real but for the name server: names under ``.chaos`` are this
machine's, unless a file is there, whose text is how their look-ups fail.
"""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path
from typing import Any

from solrecd.cli import solrecd

DOMAIN = ".chaos"
FAILS = "fails"
HANGS = "hangs"

_LONG = 15.0
"""Seconds of a look-up that hangs, as glibc's defaults have it with three servers."""


def serve_names(flag: Path) -> None:
    """Answer for the domain from now on."""
    real = socket.getaddrinfo

    def look_up(host: Any, *arguments: Any, **options: Any) -> Any:
        if not str(host).endswith(DOMAIN):
            return real(host, *arguments, **options)
        if options.get("flags") == socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        trouble = flag.read_text() if flag.exists() else ""
        if trouble == HANGS:
            time.sleep(_LONG)
        if trouble:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure")
        return real("127.0.0.1", *arguments, **options)

    socket.getaddrinfo = look_up


if __name__ == "__main__":
    serve_names(Path(sys.argv.pop(1)))
    sys.exit(solrecd.main())
