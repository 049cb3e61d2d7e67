"""Patterns that users may write: RE2, never slow, never true of everything. Pure."""

from __future__ import annotations

from typing import Final

import re2

from solrecd.analysis.boot.rules import Matcher, re2_options

PATTERN_LIMIT: Final = 1000
"""Characters; the longest of ours has 551. What is longer is a list, and better read
and matched as several rules."""

_NO_TEXT: Final = b"\0"


class PatternError(ValueError):
    """A pattern cannot be used; the message says why, and what to do."""


def compile_pattern(pattern: str) -> Matcher:
    """Compile a pattern.

    Raises:
        PatternError: it is none of RE2, too long, or matches everything.
    """
    if len(pattern) > PATTERN_LIMIT:
        raise PatternError(
            f"is {len(pattern)} characters long, more than {PATTERN_LIMIT}; "
            "make several rules of it"
        )
    try:
        matcher: Matcher = re2.compile(pattern, re2_options())
    except re2.error as error:
        said = error.args[0] if error.args else error
        said = said.decode(errors="replace") if isinstance(said, bytes) else said
        raise PatternError(f"is not a pattern of RE2: {said}{_remedy(said)}") from None
    if matcher.search("") is not None:
        raise PatternError("matches the empty text, and so every line")
    return matcher


def _remedy(said: str) -> str:
    """Tell what to do instead of what RE2 does not have."""
    if "perl operator" in said:
        return "; it has no look-ahead, the key unless does that"
    return "; it has no back-references" if "escape sequence" in said else ""


def has_words(pattern: str) -> bool:
    """Whether a pattern needs some text of three characters or more.

    Lines without any rule's words are passed over in blocks, forty times as fast as
    they could be matched; a pattern without such words would have each line matched.
    """
    gate = re2.Filter()
    gate.Add(pattern, re2_options())
    gate.Compile()
    return gate.Match(_NO_TEXT, True) is None
