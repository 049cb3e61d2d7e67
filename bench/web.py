"""What the pages cost the recorder: many browsers that watch a fleet that prints.

The rows are real, the consoles are not: each changes its last line all the time, and
some change their stage. Browsers read all they are sent. What is measured is the
processor time of the part that makes and gives out rows, without that of HTTP below it
and of a fleet without browsers.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import trio

from bench.figures import Figure
from solrecd.api.denials import Denial, DenialReason
from solrecd.api.gate import View
from solrecd.api.rows import Filter
from solrecd.api.web.stream import RowStream
from solrecd.events.lines import Line
from solrecd.process.access import LocalCaller
from tests.support.web import PageFleet, WebSite

CONSOLES: Final = 1000
BROWSERS: Final = 50
SECONDS: Final = 10.0
LINES_EVERY: Final = 10.0
"""Seconds between two lines of a console, as a fleet has them that is up."""

WALL: Final = 5000


def measure(directory: Path) -> Iterable[Figure]:
    """Yield the figures; takes half a minute."""
    directory.mkdir(parents=True, exist_ok=True)
    alone = trio.run(_watched, directory, 0)
    watched = trio.run(_watched, directory, BROWSERS)
    name = f"pages: {BROWSERS} browsers on {CONSOLES} consoles, of a core"
    yield Figure(name, 100 * (watched - alone), "%", 10)
    yield from _wall(directory)


async def _watched(directory: Path, browsers: int) -> float:
    """Return the share of a core that is used."""
    fleet = PageFleet([f"node{number:04}" for number in range(CONSOLES)])
    site = WebSite(directory, fleet)
    site.entrance.callers.look_up = LocalCaller
    async with trio.open_nursery() as nursery:
        nursery.start_soon(site.entrance.live.run)
        for _ in range(browsers):
            nursery.start_soon(_browser, site)
        nursery.start_soon(_print_forever, fleet)
        await trio.sleep(2.0)
        began, used = trio.current_time(), time.process_time()
        await trio.sleep(SECONDS)
        share = (time.process_time() - used) / (trio.current_time() - began)
        nursery.cancel_scope.cancel()
    return share


async def _print_forever(fleet: PageFleet) -> None:
    count = 0
    while True:
        for name in fleet.known[count % 10 :: 10]:
            line = Line(time.time_ns() // 1000, 0, f"[{count:9}] printed")
            fleet.viewers.offer(name, [line], ())
        count += 1
        await trio.sleep(LINES_EVERY / 10)


async def _browser(site: WebSite) -> None:
    rights = site.gate.rights(LocalCaller("root", is_master=True))
    origin = Denial(reason=DenialReason.ROLE, peer="")
    view = View(site.fleet, lambda: rights, site.gate.denials.add, origin)
    stream = RowStream(site.entrance.live, site.gate, view, Filter())
    await stream({"type": "http"}, trio.sleep_forever, _take)


async def _take(_: Any) -> None:
    await trio.lowlevel.checkpoint()


def _wall(directory: Path) -> Iterable[Figure]:
    """Yield what the first page of a large fleet takes to make."""

    async def ask() -> float:
        fleet = PageFleet([f"node{number:04}" for number in range(WALL)])
        site = WebSite(directory, fleet)
        browser = await site.logged_in(LocalCaller("root", is_master=True))
        await browser.get("/")
        began = time.perf_counter()
        await browser.get("/")
        return time.perf_counter() - began

    yield Figure(f"pages: the wall of {WALL} consoles, made", trio.run(ask), "s", 0.5)
