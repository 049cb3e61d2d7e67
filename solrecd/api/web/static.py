"""Style sheets, scripts, and what was built from npm's packages, where that is there.

``packaging/web`` builds the terminal into ``static/built``; without it pages show the
screen as text.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import trio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from solrecd.process.threads import Job, in_thread

FOLDER: Final = Path(__file__).parent

_FILES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "page.css": ("page.css", "text/css"),
        "web.css": ("static/web.css", "text/css"),
        "page.js": ("static/page.js", "text/javascript"),
        "wall.js": ("static/wall.js", "text/javascript"),
        "console.js": ("static/console.js", "text/javascript"),
        "terminal.js": ("static/built/terminal.js", "text/javascript"),
        "terminal.css": ("static/built/terminal.css", "text/css"),
    }
)
"""Path and media type of each, by the name in a URL; there are no others."""

_FOREVER: Final = "public, max-age=31536000, immutable"
_READ: Final = Job("a page's style sheet or script", "who asked has to ask again")


@functools.cache
def assets() -> Mapping[str, str]:
    """Return the URL of each file that is there; it changes with the content."""
    found = {}
    for name, (path, _) in _FILES.items():
        try:
            content = (FOLDER / path).read_bytes()
        except OSError:
            continue
        digest = hashlib.sha256(content).hexdigest()[:16]
        found[name] = f"/static/{digest}/{name}"
    return MappingProxyType(found)


async def serve_static(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request for one of the files; all others are 404."""
    answer = Response("not found\n", 404, media_type="text/plain")
    known = _FILES.get(scope["path"].rpartition("/")[2])
    if known is not None and scope["type"] == "http":
        path, media = known
        try:
            content = await in_thread(_READ, (FOLDER / path).read_bytes)
        except OSError:
            await trio.lowlevel.checkpoint()
        else:
            answer = Response(
                content, media_type=media, headers={"cache-control": _FOREVER}
            )
    await answer(scope, receive, send)
