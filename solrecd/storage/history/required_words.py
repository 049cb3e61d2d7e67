"""What words a line must hold for a pattern to match it: asked before a file is opened.

The answer errs on one side: a frame whose words do not answer the question holds no
match, one whose words do may hold none either. Whatever is not understood in a pattern
asks for nothing.

The pattern is read by the parser of Python's `re`. Google's RE2, which does the search,
takes nearly the same language; what it reads in another way is left alone here.
"""

from __future__ import annotations

import warnings
from collections.abc import Container, Iterable
from typing import Any, NamedTuple

from solrecd.storage.formats.vocabulary import fold, is_known

MAX_PIECES = 64
"""Pieces of words that a question asks for at most; a longer alternation is cheaper
to search for than to ask about."""

_FOREIGN = ("[:", "\\p", "\\P", "\\C", "\\Q")
"""What RE2 understands and `re` takes for something else."""


class Question(NamedTuple):
    """Alternatives, of which one must hold with all its pieces; none: anything goes.

    See `solrecd.storage.formats.frame_query.Question`.
    """

    alternatives: tuple[frozenset[bytes], ...]

    @property
    def pieces(self) -> frozenset[bytes]:
        """Every piece that is asked for."""
        return frozenset().union(*self.alternatives)

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing."""
        return not all(self.alternatives) or not self.alternatives

    def may_hold(self, found: Container[bytes]) -> bool:
        """Whether a frame may hold a match, given the pieces found in its words."""
        if self.is_empty:
            return True
        return any(all(piece in found for piece in each) for each in self.alternatives)


ANYTHING = Question((frozenset(),))
"""Asks for nothing."""


def question_of_text(text: str) -> Question:
    """Return the question for a text that is looked for as it is."""
    return Question((_pieces(text),))


def question_of_pattern(pattern: str) -> Question:
    """Return the question for a regular expression."""
    if any(mark in pattern for mark in _FOREIGN):
        return ANYTHING
    # Imported here: searching for a text needs no parser.
    from re import _parser  # type: ignore[attr-defined] # noqa: PLC0415

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = _parser.parse(pattern)
    except Exception:  # noqa: BLE001 - RE2 is the judge of patterns
        return ANYTHING
    found = _Reader().read(tree)
    return Question(tuple(found)) if len(found) <= MAX_PIECES else ANYTHING


def _pieces(text: str) -> frozenset[bytes]:
    """Return the pieces of words that a text in the middle of a line implies.

    A run of letters at the text's edge may be the end or begin of a longer word; one
    inside is a whole word.
    """
    folded = fold(text.encode("utf-8", "replace"))
    words = folded.split()
    last = len(words) - 1
    return frozenset(
        (b"" if n == 0 and not folded.startswith(b" ") else b"\n")
        + word
        + (b"" if n == last and not folded.endswith(b" ") else b"\n")
        for n, word in enumerate(words)
        if is_known(word)
    )


Alternatives = list[frozenset[bytes]]


class _Reader:
    """Walks a parsed pattern; gathers literals until something else comes."""

    def __init__(self) -> None:
        self._run = ""
        self._found: Alternatives = [frozenset()]

    def read(self, tree: Iterable[tuple[Any, Any]]) -> Alternatives:
        """Return the alternatives of a sequence."""
        self._walk(tree)
        self._end_run()
        return self._found

    def _walk(self, tree: Iterable[tuple[Any, Any]]) -> None:
        for code, argument in tree:
            self._take(str(code), argument)

    def _take(self, code: str, argument: Any) -> None:
        if code == "LITERAL":
            self._run += chr(argument)
        elif code == "SUBPATTERN":
            self._walk(argument[3])
        elif code == "AT":
            # It has no width: the run goes on, but nothing is known of the border.
            self._end_run()
        elif code == "BRANCH":
            self._branch(argument[1])
        elif code in {"MAX_REPEAT", "MIN_REPEAT"}:
            self._repeat(*argument)
        else:
            self._end_run()

    def _branch(self, branches: Iterable[Any]) -> None:
        self._end_run()
        self._require([each for tree in branches for each in _Reader().read(tree)])

    def _repeat(self, least: int, _most: int, tree: Any) -> None:
        self._end_run()
        if least:
            self._require(_Reader().read(tree))

    def _end_run(self) -> None:
        run, self._run = self._run, ""
        if run:
            self._require([_pieces(run)])

    def _require(self, more: Alternatives) -> None:
        """Ask for one of these too."""
        if not all(more) or len(more) * len(self._found) > MAX_PIECES:
            # Some alternative asks for nothing, or there would be too many.
            return
        self._found = [one | other for one in self._found for other in more]
