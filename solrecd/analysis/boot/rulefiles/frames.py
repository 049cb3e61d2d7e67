"""The ``[frames]`` of marker files: which functions say nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from solrecd.analysis.boot.rulefiles.patterns import PatternError, compile_pattern
from solrecd.analysis.boot.rulefiles.problems import did_you_mean
from solrecd.analysis.boot.rules import Frames, Matcher, yes_or_no

_LISTS: Final = ("waiting", "quiet", "anchors")
_NAMES: Final = ("gathering", "stalling")
_KEYS: Final = ("machinery", *_LISTS, *_NAMES)


def add(known: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add a file's frames to those of the files before it.

    Lists grow; a family of machinery is what the last file says.
    """
    for key, value in more.items():
        if key not in known:
            known[key] = value
        elif isinstance(value, dict):
            known[key] = known[key] | value
        else:
            known[key] = known[key] + value


def build(values: Mapping[str, Any]) -> Frames:
    """Return frames of what `complaints` has nothing to say of."""
    families = values.get("machinery", {}).values()
    return Frames(
        machinery=_any_of([f"_*(?:{p})" for p in chain.from_iterable(families)], "^"),
        waiting=tuple(values.get("waiting", ())),
        gathering=dict(values.get("gathering", {})),
        quiet=tuple(values.get("quiet", ())),
        stalling=dict(values.get("stalling", {})),
        anchors=_any_of(values.get("anchors", ())),
    )


def complaints(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong: the key, and a text."""
    for key, value in values.items():
        if key not in _KEYS:
            hint = did_you_mean(key, _KEYS)
            yield key, f"unknown key {key!r}{hint} (allowed: {', '.join(_KEYS)})"
        elif key == "machinery":
            yield from _machinery(value)
        elif key in _LISTS:
            yield from _texts(key, key, value)
        elif not _is_mapping(value):
            yield key, f"{key} must be a table, part of a name = 'name to blame'"


def _machinery(families: object) -> Iterator[tuple[str, str]]:
    if not isinstance(families, dict):
        yield "machinery", "machinery must be a table, family = ['pattern']"
        return
    for family, patterns in families.items():
        yield from _texts("machinery", f"machinery.{family}", patterns)


def _texts(key: str, label: str, texts: object) -> Iterator[tuple[str, str]]:
    if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
        yield key, f"{label} must be a list of texts"
    elif key in ("machinery", "anchors"):
        for pattern in texts:
            try:
                compile_pattern(pattern)
            except PatternError as error:
                yield key, f"{label}: {pattern!r} {error}"
    elif "" in texts:
        yield key, f"{label}: an empty text is part of every name"


def _is_mapping(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(v, str) for v in value.values())


def _any_of(patterns: Sequence[str], where: str = "") -> Matcher:
    whole = "|".join(f"(?:{pattern})" for pattern in patterns)
    return yes_or_no(f"{where}(?:{whole})" if whole else r"\z\A.")
