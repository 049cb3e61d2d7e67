"""Which boot a person means: 12, -1 for the last, last-good, last-failed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

HELP = "a number, -1 the last, -2 the one before, last-good, last-failed"

OUTCOMES = {"last-good": ("ok", "shutdown"), "last-failed": ("failed", "stuck")}
"""How boots end that such a word means."""

_NUMBER = re.compile(r"-?\d{1,9}", re.ASCII)


class NoSuchBootError(Exception):
    """No such boot; the message says which there are."""


def is_word(text: str) -> bool:
    """Whether a text can mean a boot, be it there or not."""
    return text in OUTCOMES or _NUMBER.fullmatch(text) is not None


def choose_boot(
    word: str,
    numbers: Sequence[int],
    newest_with: Callable[[Sequence[str]], Sequence[int]],
) -> int:
    """Return the number of the boot that a word means.

    Args:
        word: see `HELP`.
        numbers: the boots in the archive, ascending.
        newest_with: returns the numbers of boots that ended in one of the outcomes,
            ascending; asked for ``last-...`` only.

    Raises:
        NoSuchBootError: no boot is meant, or it is no longer in the archive.
    """
    if word in OUTCOMES:
        there = set(numbers)
        found = [boot for boot in newest_with(OUTCOMES[word]) if boot in there]
        if not found:
            raise NoSuchBootError(f"no boot ended {' or '.join(OUTCOMES[word])}")
        return found[-1]
    if not is_word(word):
        raise NoSuchBootError(f"invalid boot {word!r}; allowed: {HELP}")
    number = int(word)
    if number < 0 and -number <= len(numbers):
        return numbers[number]
    if number in numbers:
        return number
    raise NoSuchBootError(f"boot {word} is not in the archive; {_range(numbers)}")


def _range(numbers: Sequence[int]) -> str:
    if not numbers:
        return "there are none"
    if len(numbers) == 1:
        return f"only {numbers[0]} is"
    return f"there are {len(numbers)} from {numbers[0]} to {numbers[-1]}"
