"""The options and the look-up that commands about one boot share: NAME, --boot."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NamedTuple

from solrecd.cli.program import CommandError, Exit
from solrecd.cli.shared.history import indexed
from solrecd.cli.shared.source import Source, reading_archive
from solrecd.storage.history import choose
from solrecd.storage.history.segments import Segment, boot_numbers


class ChosenBoot(NamedTuple):
    """A boot of the archive."""

    console: str
    number: int
    segments: Sequence[Segment]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add NAME, ``--boot`` and its short forms."""
    parser.add_argument(
        "name",
        metavar="NAME",
        help="a console, or the beginning of its name; node1@6 is its boot 6",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "-b",
        "--boot",
        metavar="BOOT",
        type=boot_word,
        help=f"{choose.HELP} (default: -1)",
    )
    for word in choose.OUTCOMES:
        which.add_argument(
            f"--{word}", dest="boot", action="store_const", const=word, help="that boot"
        )


def boot_word(text: str) -> str:
    """Return a word that can mean a boot.

    Raises:
        ArgumentTypeError: it cannot.
    """
    if choose.is_word(text):
        return text
    raise argparse.ArgumentTypeError(f"invalid boot {text!r}; allowed: {choose.HELP}")


def split_name(args: argparse.Namespace) -> None:
    """Take ``node1@6`` apart: into the name, and the boot as if ``--boot`` said it.

    Raises:
        CommandError: the boot is none, or is named twice.
    """
    # A name that begins with it would be a label.
    name, at, boot = args.name.partition("@")
    if not (name and at):
        return
    if args.boot is not None:
        raise CommandError(f"{args.name}: the boot is named twice")
    if not choose.is_word(boot):
        raise CommandError(f"invalid boot {boot!r}; allowed: {choose.HELP}")
    args.name, args.boot = name, boot


def chosen(args: argparse.Namespace, source: Source) -> ChosenBoot:
    """Return the boot that is meant.

    Raises:
        CommandError: there is no such console or boot.
    """
    split_name(args)
    name, segments = console_segments(args.name, source)
    number = boot_number(args.boot or "-1", source, name, segments)
    its = [segment for segment in segments if segment.name.boot == number]
    return ChosenBoot(name, number, its)


def console_segments(word: str, source: Source) -> tuple[str, list[Segment]]:
    """Return the one console that is meant and its segments, of which there are some.

    Raises:
        CommandError: there is none.
    """
    name = source.choose_one(word, source.archived())
    with reading_archive():
        segments = source.archive.segments(name)
    if not segments:
        raise CommandError(source.nothing_recorded(name), Exit.NO)
    return name, segments


def boot_number(
    word: str, source: Source, name: str, segments: Sequence[Segment]
) -> int:
    """Return the number of the boot that a word means, see `history.choose`.

    Raises:
        CommandError: there is no such boot.
    """

    def newest_with(outcomes: Sequence[str]) -> list[int]:
        with indexed(source, lambda _: [name]) as (index, _):
            return [row["boot"] for row in index.boots([name], outcomes=outcomes)]

    try:
        return choose.choose_boot(word, boot_numbers(segments), newest_with)
    except choose.NoSuchBootError as error:
        raise CommandError(f"{name}: {error}", Exit.NO) from None
