"""One value each: TOML's types to ours, or a `ValueError` that says what is allowed.

A parser takes what `tomllib` made of the text. Its error reads "found X; allowed: Y".
"""

from __future__ import annotations

import enum
import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, TypeGuard, TypeVar

T = TypeVar("T")
E = TypeVar("E", bound=enum.StrEnum)
Choice = TypeVar("Choice", int, str)
N = TypeVar("N", int, float)
Parser = Callable[[Any], T]

MAX_SHOWN = 60
"""Characters of a wrong value in a message."""
MAX_LABEL = 1024
"""Bytes of a label's value: it is repeated in each scrape."""

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+\Z", re.ASCII)
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)", re.ASCII)
_DURATION_FORM = 'seconds, or text such as "15m" or "1h30m" (ms s m h d w)'
_SHOWN_UNITS = ("d", "h", "m", "s", "ms")

_SIZE = re.compile(r"(\d{1,15})\s*([KMGT]?)(iB|B|)\Z", re.ASCII)
_SIZE_FORM = 'bytes, or text such as "64MiB" (B KiB MiB GiB TiB, KB MB GB TB)'
_PREFIXES = " KMGT"

_LABEL_NAME = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*\Z")


def show(value: object) -> str:
    """Return a value as TOML writes it, cut to `MAX_SHOWN` characters."""
    if isinstance(value, str | bool):
        text = json.dumps(value, ensure_ascii=False)
    elif isinstance(value, Mapping):
        text = "a table"
    else:
        text = str(value)
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "..."


def refusal(value: object, allowed: str) -> ValueError:
    """Return the error for a value that is not allowed."""
    return ValueError(f"found {show(value)}; allowed: {allowed}")


def suggestion(word: str, allowed: Collection[str]) -> str:
    """Return ``did you mean "X"? allowed: ...`` for an unknown word."""
    close = get_close_matches(word, allowed, n=1)
    hint = f'did you mean "{close[0]}"? ' if close else ""
    return f"{hint}allowed: {', '.join(sorted(allowed))}"


def _is_number(value: object, kind: type[N]) -> TypeGuard[N]:
    """Tell whether a value is a number of that type; ``True`` is not a number here."""
    return isinstance(value, kind) and not isinstance(value, bool)


def boolean(value: object) -> bool:
    """Return a boolean.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool):
        return value
    raise refusal(value, "true, false")


def integer(low: int, high: int) -> Parser[int]:
    """Return a parser of whole numbers from low to high."""

    def parse(value: object) -> int:
        if _is_number(value, int) and low <= value <= high:
            return value
        raise refusal(value, f"a whole number from {low} to {high}")

    return parse


def one_of(allowed: Collection[Choice]) -> Parser[Choice]:
    """Return a parser of a few whole numbers, or of a few words."""

    def parse(value: object) -> Choice:
        for one in allowed:
            if type(value) is type(one) and value == one:
                return one
        hint = _nearest(value, allowed)
        raise refusal(value, f"one of {', '.join(map(show, allowed))}{hint}")

    return parse


def text(*, max_bytes: int, min_bytes: int = 0, hidden: bool = False) -> Parser[str]:
    """Return a parser of strings by their length in UTF-8; NUL is never allowed.

    Args:
        max_bytes: the longest string allowed.
        min_bytes: the shortest string allowed.
        hidden: the value is a secret: messages tell its length only.
    """

    def parse(value: object) -> str:
        if isinstance(value, str) and "\0" not in value:
            length = len(value.encode())
            if min_bytes <= length <= max_bytes:
                return value
        found = _veil(value) if hidden else show(value)
        allowed = f"text of {min_bytes} to {max_bytes} bytes"
        raise ValueError(f"found {found}; allowed: {allowed}")

    return parse


def _veil(value: object) -> str:
    if isinstance(value, str):
        return f"{len(value.encode())} bytes"
    return type(value).__name__


def absolute_path(value: object) -> str:
    """Return an absolute path.

    Raises:
        ValueError: it is relative, or no text.
    """
    if isinstance(value, str) and value.startswith("/") and "\0" not in value:
        return value
    raise refusal(value, 'an absolute path ("/...")')


def choice(members: type[E]) -> Parser[E]:
    """Return a parser of an enum's values."""

    def parse(value: Any) -> E:
        try:
            return members(value)
        except ValueError:
            words = ", ".join(f'"{member.value}"' for member in members)
            raise refusal(value, words) from None

    return parse


def size(low: int, high: int) -> Parser[int]:
    """Return a parser of sizes in bytes."""

    def parse(value: object) -> int:
        found = _bytes_in(value)
        if found is not None and low <= found <= high:
            return found
        limits = f'from "{spell_size(low)}" to "{spell_size(high)}"'
        raise refusal(value, f"{_SIZE_FORM}, {limits}")

    return parse


def spell_size(count: int) -> str:
    """Return a size as a person writes it: ``64MiB``."""
    for prefix in reversed(_PREFIXES.strip()):
        number, rest = divmod(count, 1024 ** _PREFIXES.index(prefix))
        if number and not rest:
            return f"{number}{prefix}iB"
    return f"{count}B"


def _bytes_in(value: object) -> int | None:
    if _is_number(value, int):
        return value
    if not isinstance(value, str) or not (match := _SIZE.match(value)):
        return None
    base = 1024 if match[3] == "iB" else 1000
    factor: int = base ** _PREFIXES.index(match[2] or " ")
    return int(match[1]) * factor


def duration(low: float, high: float) -> Parser[float]:
    """Return a parser of durations in seconds."""

    def parse(value: object) -> float:
        found = _seconds_in(value)
        if found is not None and low <= found <= high:
            return found
        limits = f'from "{spell_duration(low)}" to "{spell_duration(high)}"'
        raise refusal(value, f"{_DURATION_FORM}, {limits}")

    return parse


def spell_duration(seconds: float) -> str:
    """Return a duration as a person writes it: ``15m``; to the millisecond."""
    milliseconds = round(seconds * 1000)
    for unit in _SHOWN_UNITS:
        number, rest = divmod(milliseconds, round(_UNITS[unit] * 1000))
        if number and not rest:
            return f"{number}{unit}"
    return f"{seconds:g}s"


def _seconds_in(value: object) -> float | None:
    if _is_number(value, int) or _is_number(value, float):
        return _finite(value)
    if not isinstance(value, str) or not _DURATION.match(value):
        return None
    parts = _DURATION_PART.findall(value)
    return _finite(sum(float(number) * _UNITS[unit] for number, unit in parts))


def _finite(value: float) -> float | None:
    try:
        seconds = float(value)
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) else None


def off_or(parser: Parser[T]) -> Parser[T | None]:
    """Return a parser that also takes ``"off"``, which is None."""

    def parse(value: object) -> T | None:
        if value == "off":
            return None
        try:
            return parser(value)
        except ValueError as error:
            raise ValueError(f'{error}, or "off"') from None

    return parse


def enum_or(members: type[E], parser: Parser[T]) -> Parser[E | T]:
    """Return a parser that also takes the values of an enum."""

    def parse(value: object) -> E | T:
        if isinstance(value, str) and value in list(members):
            return members(value)
        try:
            return parser(value)
        except ValueError as error:
            words = ", ".join(f'"{member.value}"' for member in members)
            raise ValueError(f"{error}, or {words}") from None

    return parse


def some_of(allowed: Collection[T]) -> Parser[tuple[T, ...]]:
    """Return a parser of lists whose items are all among the allowed ones."""
    words = ", ".join(map(show, allowed))

    def parse(value: object) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise refusal(value, f"a list of {words}")
        for item in value:
            # The type counts too: True == 1, and 3.0 == 3.
            if not any(type(item) is type(one) and item == one for one in allowed):
                raise refusal(item, f"in this list, {words}{_nearest(item, allowed)}")
        return tuple(dict.fromkeys(value))

    return parse


def _nearest(item: object, allowed: Collection[object]) -> str:
    words = [word for word in allowed if isinstance(word, str)]
    close = get_close_matches(item, words, n=1) if isinstance(item, str) else []
    return f' (did you mean "{close[0]}"?)' if close else ""


def labels(value: object) -> Mapping[str, str]:
    """Return a table of labels: names as Prometheus allows them, text values.

    Raises:
        ValueError: a name or value is not allowed.
    """
    if not isinstance(value, Mapping):
        raise refusal(value, 'a table of text, { rack = "r1" }')
    for name, content in value.items():
        _check_label(name, content)
    return MappingProxyType(dict(value))


def _check_label(name: str, content: object) -> None:
    if not _LABEL_NAME.match(name):
        raise refusal(name, "label names of letters, digits and _, not __ at the start")
    if name == "console":
        raise ValueError('found label "console"; solrecd sets that one itself')
    if not isinstance(content, str) or len(content.encode()) > MAX_LABEL:
        raise refusal(content, f"for label {name}, text of at most {MAX_LABEL} bytes")
