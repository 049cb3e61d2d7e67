"""What commands share that change consoles: names, a confirmation, a request."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from solrecd.api.client import ApiError, quote
from solrecd.cli.program import Exit
from solrecd.cli.shared.confirmation import confirm
from solrecd.cli.shared.output import screen, warn
from solrecd.cli.shared.source import Source, asking

TIMEOUT = 130.0
"""Seconds for a request: the daemon gives a BMC 120."""


def chosen(source: Source, words: Sequence[str]) -> Sequence[str]:
    """Return the consoles that words mean, as the daemon knows them."""
    return source.choose(words, source.recorded())


def add_names(parser: argparse.ArgumentParser, *, asks: bool = False) -> None:
    """Add the consoles, and where the command asks first the option not to."""
    parser.add_argument("names", metavar="NAMES")
    if asks:
        parser.add_argument(
            "-y",
            "--yes",
            action="store_true",
            help="do not ask; needed where no terminal can be asked",
        )


class Question(NamedTuple):
    """What is confirmed before it is done."""

    action: str
    is_harmless: bool = False
    """Then it is asked only for several machines."""

    def is_due(self, consoles: Sequence[str]) -> bool:
        """Whether it is asked before it is done to these."""
        return len(consoles) > 1 or not self.is_harmless


def request_each(
    args: argparse.Namespace,
    wish: str,
    question: Question | None = None,
    /,
    **query: str,
) -> int:
    """Send the same request for each console; exit status 1 when one was refused.

    Args:
        args: of the command.
        wish: last part of the API's path.
        question: to confirm first, at a terminal or by ``--yes``.
        query: the rest of the request.
    """
    source, refused = Source(args), 0
    consoles = chosen(source, [args.names])
    if question is not None and not args.yes and question.is_due(consoles):
        confirm(question.action, consoles)
    for name in consoles:
        try:
            with refusable():
                path = f"/v1/consoles/{quote(name)}/{wish}"
                answer = source.daemon.post(path, timeout=TIMEOUT, **query)
        except RefusedError as error:
            refused += 1
            warn(str(error))
            answer = {"error": str(error)}
        if args.json:
            screen().objects([{"console": name, **answer}])
    return Exit.NO if refused else Exit.DONE


class RefusedError(Exception):
    """One console's BMC, kind or state said no."""


_CONFLICT = 409


@contextmanager
def refusable() -> Iterator[None]:
    """Do as `asking`, but for what is wrong with one console only.

    Raises:
        RefusedError: the others may still be asked.
    """
    with asking():
        try:
            yield
        except ApiError as error:
            if error.status == _CONFLICT:
                raise RefusedError(str(error)) from None
            raise
