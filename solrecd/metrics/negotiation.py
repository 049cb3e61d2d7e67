"""What a client wants a scrape to be, by its headers (RFC 9110 §12.5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from solrecd.metrics.family import Format

_OPENMETRICS = "application/openmetrics-text"
_VERSIONS = ("", "1.0.0")
"""Of OpenMetrics; a client that wants another one only gets the text format."""
_TEXTS = frozenset({"text/plain", "text/*", "*/*"})


class _Choice(NamedTuple):
    """One alternative of a header."""

    value: str
    """In small letters."""
    version: str
    weight: float
    """0-1; 0: anything but this."""


def format_for(accept: str) -> Format:
    """Return the format that an Accept header asks for; text when it is in doubt."""
    choices = [*_choices(accept)]
    wanted = [
        one.weight
        for one in choices
        if one.value == _OPENMETRICS and one.version in _VERSIONS
    ]
    texts = [one.weight for one in choices if one.value in _TEXTS]
    best = max(wanted, default=0.0)
    prefers = best > 0 and best >= max(texts, default=0.0)
    return Format.OPENMETRICS if prefers else Format.TEXT


def takes_gzip(accept_encoding: str) -> bool:
    """Return whether an Accept-Encoding header allows gzip."""
    weights = {one.value: one.weight for one in _choices(accept_encoding)}
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _choices(header: str) -> Iterator[_Choice]:
    for choice in header.lower().split(","):
        value, *parameters = (part.strip() for part in choice.split(";"))
        found = dict(one.partition("=")[::2] for one in parameters)
        yield _Choice(value, found.get("version", ""), _weight(found.get("q", "1")))


def _weight(text: str) -> float:
    """Return a quality value; one that is none counts as a no."""
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
