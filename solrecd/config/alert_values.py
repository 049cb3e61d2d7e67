"""The values of ``[alerts.NAME]`` that no other table has."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import urlsplit

from solrecd.config.names import expand_names
from solrecd.config.values import MAX_LABEL, Parser, labels, refusal

T = TypeVar("T")

MAX_ITEMS = 256
"""Items of a list: patterns are tried on each event."""
MAX_URL = 2000
"""Characters; what is longer, some proxies refuse."""

RESERVED = ("alertname", "console", "severity", "kind", "name", "signature")
"""Labels that an alert has of its own."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")
_COMMA = re.compile(r",(?![^\[]*\])")
_FIELD = re.compile(r"\{([^{}]*)\}|[{}]")


def receiver_name(name: str) -> str:
    """Return the name of a receiver: a folder and a metric label have it.

    Raises:
        ValueError: it cannot be one.
    """
    if _NAME.match(name):
        return name
    raise refusal(name, "letters, digits, _ and -, at most 64, as in [alerts.pager]")


def list_of(parser: Parser[T], form: str, *, minimum: int = 0) -> Parser[tuple[T, ...]]:
    """Return a parser of lists of at most `MAX_ITEMS`.

    Args:
        parser: of each item.
        form: an example, for the message.
        minimum: the fewest items allowed.
    """

    def parse(value: object) -> tuple[T, ...]:
        if not isinstance(value, list) or not minimum <= len(value) <= MAX_ITEMS:
            raise refusal(value, f"a list of {minimum} to {MAX_ITEMS}, as {form}")
        return tuple(parser(item) for item in value)

    return parse


def word(value: object) -> str:
    """Return a text that is not empty.

    Raises:
        ValueError: it is.
    """
    if isinstance(value, str) and value and "\0" not in value:
        return value
    raise refusal(value, "text that is not empty")


def url(value: object) -> str:
    """Return an ``http`` or ``https`` URL without user, query and fragment.

    Raises:
        ValueError: it is none; a password in it is not shown.
    """
    form = '"https://host:port/path"'
    if not isinstance(value, str) or len(value) > MAX_URL or not value.isascii():
        raise refusal(value, form)
    if "@" in value.partition("//")[2].partition("/")[0]:
        raise ValueError("found a login in it; use username and password_file")
    if not _is_url(value):
        raise refusal(value, form)
    return value


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return False
    is_plain = not re.search(r"[\x00-\x20\x7f]", value) and not parts.fragment
    return (
        is_plain
        and parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and port != 0
    )


def base_url(value: object) -> str:
    """Return the URL of a server without the slash at its end, and without a query.

    Raises:
        ValueError: it is none.
    """
    found = url(value).rstrip("/")
    if "?" in found:
        raise refusal(value, 'a URL without "?"')
    return found.removesuffix("/api/v2/alerts")


def template(*fields: str) -> Parser[str]:
    """Return a parser of URLs in which some fields expand."""

    def parse(value: object) -> str:
        text = word(value)
        for match in _FIELD.finditer(text):
            if match[1] not in fields:
                allowed = ", ".join(f"{{{name}}}" for name in fields)
                raise ValueError(f"found {match[0]}; allowed: {allowed}")
        url(_FIELD.sub("x", text))
        return text

    return parse


def fill(text: str, **fields: object) -> str:
    """Return a template with its fields filled in."""
    return _FIELD.sub(lambda match: str(fields.get(match[1], "")), text)


def extra_labels(value: object) -> Mapping[str, str]:
    """Return labels to add to alerts.

    Raises:
        ValueError: one is not allowed, or solrecd sets it.
    """
    found = labels(value)
    for name in found:
        if name in RESERVED:
            raise ValueError(f'found label "{name}"; solrecd sets that one itself')
    return found


def patterns(value: object) -> Mapping[str, str]:
    """Return globs on labels.

    Raises:
        ValueError: it is not a table of text.
    """
    form = 'a table of text, { rack = "r1*" }'
    if not isinstance(value, Mapping) or len(value) > MAX_ITEMS:
        raise refusal(value, form)
    for pattern in value.values():
        if not isinstance(pattern, str) or len(pattern.encode()) > MAX_LABEL:
            raise refusal(pattern, form)
    return MappingProxyType(dict(value))


def chosen(words: Sequence[str], known: Collection[str]) -> frozenset[str]:
    """Return the consoles that ranges and globs mean.

    Args:
        words: ``node[001-128]``, ``gpu*``, several with commas between.
        known: all names.

    Raises:
        ValueError: one of them means none.
    """
    found: set[str] = set()
    for one in (part.strip() for text in words for part in _COMMA.split(text)):
        its = _meant(one, known)
        if not its:
            raise ValueError(f"found {one!r}, which means no console")
        found.update(its)
    return frozenset(found)


def _meant(one: str, known: Collection[str]) -> Collection[str]:
    if "*" in one or "?" in one:
        return fnmatch.filter(known, one)
    try:
        return set(expand_names(one)).intersection(known)
    except ValueError as error:
        raise ValueError(f"{one!r} {error}") from None


def one_or_more(parser: Callable[[Any], T], form: str) -> Parser[tuple[T, ...]]:
    """Return a parser that takes a single value for a list of one."""
    many = list_of(parser, form, minimum=1)

    def parse(value: object) -> tuple[T, ...]:
        return many([value] if isinstance(value, str) else value)

    return parse
