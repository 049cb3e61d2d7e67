r"""What a pattern cannot do without, as patterns to look for anywhere. Pure.

RE2's own filter tells that a text has what a rule needs, but never where. Needles are
the most telling piece of a rule's pattern, without anchors and without anything that
may be long: of ``^EDAC \S+: (?:CE|UE) page`` they are ``: CE page`` and ``: UE page``.
Where a rule matches, one of its needles is found; one search for the needles of all
rules in thousands of lines shows the few of them that are worth a closer look.

A pattern is read once, from left to right. Pieces grow while what comes is of bounded
size and end where it is not. What means something that is not known here is no
mistake: such a pattern has no needles.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain, product
from typing import Final, NamedTuple

_PROSE: Final = 3
_LITERAL: Final = 5
_CHOICE: Final = 1
"""Weights of a lower-case letter or a blank, which lines are full of, of any other
character, and of one that is one of several."""

ENOUGH: Final = 4 * _PROSE
"""Weight of a needle that is not found everywhere."""

_LONGEST: Final = 4
"""Repetitions up to this are spelt out; each is a state of the search."""

CHOICES: Final = 16
"""Combinations that a piece is spelt out to: ``(?:BUG|INFO): `` is two needles. What
begins alike is searched for as one, which is many times as fast to get going."""

_FLAGS: Final = re.compile(r"\(\?([ims]+)\)")
_GROUP: Final = re.compile(r"\((?:\?(?:P?<\w+>|:))?(?!\?)")
_REPEATED: Final = re.compile(r"(?:[*+?]|\{(\d+)(?:(,)(\d*))?\})\??")
_ANCHOR: Final = re.compile(r"[$^]|\\[bBAz]")
_TEXT: Final = re.compile(r"[\w ,:;/<>=@#%&'\"!`~-]+(?![*+?{])")
_CHARACTER: Final = re.compile(r"[^][()|.*+?{}^$\\]|\\[^\w]|\\_|\\x[0-9A-Fa-f]{2}")
_ESCAPE: Final = re.compile(r"\\(?:x..|.)")
_CLASS: Final = re.compile(r"\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]")
# Of these it is certain that no line end is among them.
_CHOICES: Final = re.compile(
    r"\[(?:[^]^\\[]|\\[dw\W])(?:[^]\\[]|\\[dw\W])*\]|\\[dw]|\."
)
_WIDE: Final = re.compile(r"\\[DsSW]")


class _Piece(NamedTuple):
    """A part of a pattern, or what is known to be in it."""

    weight: int = 0
    """The least that a match of it tells."""
    sources: tuple[str, ...] = ("",)
    """Patterns of which one matches."""


class _Part(NamedTuple):
    piece: _Piece
    whole: bool
    """Whether the piece is all of the part."""


_GAP: Final = _Part(_Piece(), whole=False)


class _UnknownSyntaxError(Exception):
    """Something in a pattern means what is not known here."""


def required_pieces(pattern: str) -> list[str] | None:
    """Return patterns of which one is found in a line wherever another one matches.

    Args:
        pattern: as RE2 reads it.

    Returns:
        None where there is nothing that is worth a search.
    """
    flags = _FLAGS.match(pattern)
    begin, letters = (0, "") if flags is None else (flags.end(), flags[1])
    try:
        parts, end = _alternatives(pattern, begin)
    except _UnknownSyntaxError:
        return None
    piece = _joined(parts).piece
    if end < len(pattern) or piece.weight < ENOUGH:
        return None
    if "i" in letters:
        return [f"(?i:{source})" for source in piece.sources]
    return [*piece.sources]


def _alternatives(pattern: str, at: int) -> tuple[list[_Part], int]:
    """Read up to the end or a parenthesis that closes."""
    parts, at = _sequence(pattern, at)
    if not pattern.startswith("|", at):
        return parts, at
    choices = [_joined(parts)]
    while pattern.startswith("|", at):
        parts, at = _sequence(pattern, at + 1)
        choices.append(_joined(parts))
    whole = all(part.whole for part in choices)
    weight = min(part.piece.weight for part in choices)
    if not whole and weight == 0:
        return [_GAP], at
    sources = chain.from_iterable([part.piece.sources for part in choices])
    return [_Part(_Piece(weight, tuple(sources)), whole)], at


def _sequence(pattern: str, at: int) -> tuple[list[_Part], int]:
    """Read what has to match one after another."""
    parts: list[_Part] = []
    while at < len(pattern) and pattern[at] not in "|)":
        found, at = _repeated(pattern, at)
        parts += found
    return parts, at


def _joined(parts: Iterable[_Part]) -> _Part:
    """Put parts that follow each other into one; of interrupted ones, the best."""
    best, run, whole = _Piece(), _Piece(), True
    for part in parts:
        if part.whole:
            run = _followed(run, part.piece)
        else:
            best, run, whole = max(best, run, part.piece), _Piece(), False
    return _Part(run, whole) if whole else _Part(max(best, run), whole)


def _followed(one: _Piece, other: _Piece) -> _Piece:
    weight = one.weight + other.weight
    before, after = one.sources, other.sources
    if len(before) > 1 < len(after) and len(before) * len(after) > CHOICES:
        after = (f"(?:{'|'.join(after)})",)
    return _Piece(weight, tuple(map("".join, product(before, after))))


def _repeated(pattern: str, at: int) -> tuple[list[_Part], int]:
    """Read one thing, and how often it has to be there."""
    parts, end = _one(pattern, at)
    found = _REPEATED.match(pattern, end)
    if found is None:
        return parts, end
    how = found.group()[0]
    least = int(found[1] or (how == "+"))
    most = 1 if how == "?" else int(found[3] or (0 if found[2] else least))
    part = _joined(parts)
    if not part.whole or how in "*+" or not least <= most <= _LONGEST:
        return ([*parts, _GAP] if least else [_GAP]), found.end()
    if how == "?":
        return [_Part(_Piece(0, ("", *part.piece.sources)), whole=True)], found.end()
    sources = (f"(?:{'|'.join(part.piece.sources)}){found.group()}",)
    return [_Part(_Piece(least * part.piece.weight, sources), whole=True)], found.end()


def _one(pattern: str, at: int) -> tuple[list[_Part], int]:
    """Read some text, a class or a group."""
    if found := _GROUP.match(pattern, at):
        parts, at = _alternatives(pattern, found.end())
        if not pattern.startswith(")", at):
            raise _UnknownSyntaxError
        return parts, at + 1
    if found := _ANCHOR.match(pattern, at):
        return [], found.end()
    if found := _TEXT.match(pattern, at) or _CHARACTER.match(pattern, at):
        return [_text(found.group())], found.end()
    if found := _CHOICES.match(pattern, at):
        weight = 0 if found.group() == "." else _CHOICE
        return [_Part(_Piece(weight, (found.group(),)), whole=True)], found.end()
    if found := _CLASS.match(pattern, at) or _WIDE.match(pattern, at):
        return [_GAP], found.end()
    raise _UnknownSyntaxError


def _text(source: str) -> _Part:
    shown = _ESCAPE.sub("?", source)
    prose = sum(char.islower() or char == " " for char in shown)
    weight = _PROSE * prose + _LITERAL * (len(shown) - prose)
    return _Part(_Piece(weight, (source,)), whole=True)
