"""A fleet of rows without recorders, for a browser: ``python -m tests.browser.fleet``.

Prints two links: of a user who may operate every console, and of one who may only see
those of one rack.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import trio

from solrecd.api.server import serve
from solrecd.process.access import Grant, LocalCaller, Policy, Role
from tests.support.web import PageFleet, WebSite

OPERATOR = LocalCaller("olga", frozenset({"operators"}))
VIEWER = LocalCaller("vera", frozenset({"students"}))

POLICY = Policy(
    (
        Grant(name="all", role=Role.OPERATE, groups=OPERATOR.groups),
        Grant(
            name="some",
            role=Role.VIEW,
            groups=VIEWER.groups,
            labels={"rack": frozenset({"r1"})},
        ),
    )
)


async def main(count: int, folder: Path) -> None:
    """Serve until killed."""
    names = [f"node{number:04}" for number in range(1, count + 1)]
    users = {user.user: user for user in (OPERATOR, VIEWER)}
    site = WebSite(folder, PageFleet(names), POLICY, users)
    async with trio.open_nursery() as nursery:
        address = await nursery.start(serve, site.web, ("127.0.0.1", 0))
        nursery.start_soon(site.entrance.live.run)
        for user in users.values():
            key = await site.link(user)
            sys.stdout.write(f"http://{address}/login?key={key}\n")
            sys.stdout.flush()
        await trio.sleep_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    with tempfile.TemporaryDirectory() as made:
        trio.run(main, parser.parse_args().count, Path(made))
