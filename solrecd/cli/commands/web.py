"""`solrecctl web`: a one-time link to the pages."""

from __future__ import annotations

import argparse

from solrecd.api.client import quote
from solrecd.cli.program import CommandError, Exit
from solrecd.cli.shared.output import screen
from solrecd.cli.shared.source import Source, asking


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = """\
The link logs a browser in as who you are here, once, and within five minutes.
From another machine: ssh -L 9624:127.0.0.1:9624 HOST, and the same link."""
    parser.add_argument(
        "name", metavar="NAME", nargs="?", help="open this console (default: all)"
    )


def main(args: argparse.Namespace) -> int:
    """Print the link."""
    source = Source(args)
    to = "/"
    if args.name is not None:
        to = f"/console/{quote(source.choose_one(args.name, source.recorded()))}"
    with asking():
        found = source.daemon.get("/v1/web")
    base = source.daemon.address if source.is_distant else found["url"]
    if base is None or found["key"] is None:
        raise CommandError(
            "the daemon has no pages now: [web] listen in solrecd.toml gives them an"
            " address, and its log tells where that is taken",
            Exit.NO,
        )
    link = f"{base}/login?key={found['key']}&to={quote(to)}"
    if args.json:
        screen().objects([{"url": link}])
    else:
        print(link)
    return Exit.DONE
