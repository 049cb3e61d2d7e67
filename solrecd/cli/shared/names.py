"""Console names as people write them: ranges, globs, labels, unique beginnings."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from solrecd.cli.program import CommandError, Exit

Labels = Mapping[str, Mapping[str, str]]
"""Labels of every console, by name."""

_COMMA = re.compile(r",(?![^\[]*\])")
"""A comma that is not inside brackets."""

_SHOWN = 5
"""Names in an error message; more would not help."""


def select(
    words: Iterable[str], known: Sequence[str], labels: Callable[[], Labels]
) -> list[str]:
    """Return the names that words mean, each once, in the order of ``known``.

    Args:
        words: a name, its unique beginning, a range ``node[1-8]``, a glob ``node*``, a
            range with a glob ``rack[1-3]-*``, or ``@label=value`` (also a glob);
            ``WORD!WORD`` leaves the second out; several of them with commas between.
            None at all: every console.
        known: all names.
        labels: asked for only when a word needs it.

    Raises:
        CommandError: a word matches nothing, or a beginning is not unique.
    """
    wanted = [part for word in words for part in _COMMA.split(word) if part]
    if not wanted:
        return list(known)
    chosen = {name for word in wanted for name in _matches(word, known, labels)}
    return [name for name in known if name in chosen]


def select_one(word: str, known: Sequence[str], labels: Callable[[], Labels]) -> str:
    """Return the one name that a word means.

    Raises:
        CommandError: it means none, or several.
    """
    return only(word, select([word], known, labels))


def only(word: str, names: Sequence[str]) -> str:
    """Return the one of the names that a word means.

    Raises:
        CommandError: there are several.
    """
    if len(names) != 1:
        raise CommandError(f"{word!r} means several consoles: {_some(names)}")
    return names[0]


def _matches(
    word: str, known: Sequence[str], labels: Callable[[], Labels]
) -> Iterable[str]:
    if word in known:
        return [word]
    if "!" in word:
        return _found(word, _without(word, known, labels))
    if word.startswith("@"):
        return _found(word, _labelled(word, labels()))
    if "[" in word:
        return _found(word, _in_range(word, known))
    if "*" in word or "?" in word:
        return _found(word, fnmatch.filter(known, word))
    return [_beginning(word, known)]


def _found(word: str, names: Sequence[str]) -> Sequence[str]:
    if not names:
        raise CommandError(f"{word!r} matches no console", Exit.NO)
    return names


def _labelled(word: str, labels: Labels) -> list[str]:
    key, equals, pattern = word[1:].partition("=")
    if not equals:
        raise CommandError(f"{word!r}: a label is asked for as @LABEL=VALUE")
    return [
        name
        for name, its in labels.items()
        if key in its and fnmatch.fnmatchcase(its[key], pattern)
    ]


def _without(
    word: str, known: Sequence[str], labels: Callable[[], Labels]
) -> list[str]:
    """Return the consoles of the word before ``!``, without those after it."""
    first, *others = word.split("!")
    wanted = _matches(first, known, labels) if first else known
    left_out = {name for each in others for name in _matches(each, known, labels)}
    return [name for name in wanted if name not in left_out]


_WILD: Mapping[str, str] = {"*": "-any-", "?": "-one-"}
"""What stands for wildcards while the ranges beside them are expanded."""


def _in_range(word: str, known: Sequence[str]) -> list[str]:
    # Imported here: ClusterShell takes longer than a whole `solrecctl ls`.
    from solrecd.config.names import expand_names  # noqa: PLC0415

    plain = word
    for wildcard, text in _WILD.items():
        plain = plain.replace(wildcard, text)
    try:
        names = expand_names(plain)
    except ValueError as error:
        raise CommandError(f"{word!r} {error}") from None
    if plain == word:
        wanted = set(names)
        return [name for name in known if name in wanted]
    return [name for name in known if any(_fits(name, each) for each in names)]


def _fits(name: str, pattern: str) -> bool:
    for wildcard, text in _WILD.items():
        pattern = pattern.replace(text, wildcard)
    return fnmatch.fnmatchcase(name, pattern)


def _beginning(word: str, known: Sequence[str]) -> str:
    names = [name for name in known if name.startswith(word)]
    if len(names) == 1:
        return names[0]
    if names:
        raise CommandError(f"{word!r} is ambiguous: {_some(names)}")
    # Imported here: only a mistake needs it.
    import difflib  # noqa: PLC0415

    close = difflib.get_close_matches(word, known, n=3)
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    raise CommandError(f"there is no console {word!r}{hint}", Exit.NO)


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
