"""What a message says apart from what differs at every boot. Pure.

Two boots print the same messages with other stamps, addresses, process numbers and
sizes. `mask` replaces those, so that equal texts are the same message. What names a
part of the machine is kept: ``eth0``, ``sda1``, ``CPU3`` and PCI addresses tell which
one is missing.

`loose_keys` is a coarser form, 50 times as fast: console lines with the same mask have
the same loose key (but where syslog or a collector put words of its own in front). It
decides which lines of a whole archive need the exact one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

import re2

from solrecd.analysis.boot.prefix import Origin, messages

MASK: Final = "#"
"""Stands for what was replaced."""

WORDS: Final = 1 << 15
"""Words whose masks are remembered: a boot repeats itself, and two boots each other."""

MESSAGES: Final = 1 << 14
"""Likewise of whole messages: a console says the same of its devices at every boot."""

_DATE_PATTERN: Final = (
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? "
    r"(?:[A-Z][a-z]{2} [ \d]\d|[ \d]\d [A-Z][a-z]{2})"
)
"""A day as date(1) and RFC 5322 write it."""
_DATE: Final = re.compile(_DATE_PATTERN)

_BORDER: Final = r"\s\[\](){}<>=,;\"'|"
"""What stands between words."""

_WORD: Final = re.compile(rf"(?<![^{_BORDER}])[^{_BORDER}\d]*\d[^{_BORDER}]*")
"""A word with a digit: no other one varies. It begins behind a border only, so that a
search takes time in proportion to the text, whatever that is."""

_VARIABLE: Final = re.compile(
    # Kept: PCI addresses and vendor:device pairs (PCI, USB).
    r"(?P<kept>\b[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]\b"
    r"|\A[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}\Z)"
    # Times of RFC 3339: the T keeps them from being numbers.
    r"|\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?"
    # UUIDs, MAC addresses, IPv6.
    r"|\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"
    r"|\b(?:[0-9a-fA-F]{2}[:-]){5,}[0-9a-fA-F]{2}\b"
    r"|\b[0-9a-f]{1,4}:[0-9a-f:]*:[0-9a-f]{1,4}\b"
    # Addresses and hashes; "feed" has no digit, and e1000e is a driver.
    r"|\b0x[0-9a-fA-F]+\b"
    r"|\b(?=[a-fA-F]{0,64}\d)[0-9a-fA-F]{7,}\b"
    # Numbers that are not part of a name.
    r"|(?<![A-Za-z_\d])[-+]?\d+(?:[.:/]\d+)*"
)

_LETTER: Final = re.compile(r"[^\W\d_]")

_RUN: Final = re.compile(r"([.*#=-])(?:[ ,]?\1){3,}")
"""Progress bars and lists of numbers vary in length."""

_SPINNER: Final = re.compile(r"\A\[[* ]{3,8}\] ")
"""systemd's, while it waits."""

_DELETED: Final = b"0123456789abcdefABCDEFxTZ \t\r.,:/+-*=#[]<>|"
"""What `mask` may replace or drop, and what the archive's stamps consist of."""


class Masked(NamedTuple):
    """One message."""

    key: str
    """What it says, without what varies."""
    text: str
    """As it was printed, without its stamp."""


def mask(text: str) -> str:
    """Return what a console line says, without stamps and what else varies."""
    return " ".join(message.key for message in masked_messages(text))


def masked_messages(text: str) -> list[Masked]:
    """Return what each message on a console line says; see `boot.prefix`.

    A message without a letter says nothing: rulers, blank lines, bars of progress.
    """
    return [
        Masked(key, message.text)
        for message in messages(_SPINNER.sub("", text))
        if message.origin is not Origin.ECHO
        and _LETTER.search(key := _masked(message.text))
    ]


def loose_keys(block: bytes) -> list[bytes]:
    """Return a coarse key per line of a block of an archive's text."""
    return _undated(block).translate(None, _DELETED).split(b"\n")


def _undated(block: bytes) -> bytes:
    dates = [found.span() for found in _dates().finditer(block)]
    if not dates:
        return block
    begins = [0, *(end for _, end in dates)]
    ends = [*(begin for begin, _ in dates), len(block)]
    return b"".join(block[a:b] for a, b in zip(begins, ends, strict=True))


@lru_cache(maxsize=1)
def _dates() -> re2.Pattern:
    """Return the pattern of dates, at the speed of a block (re: an eighth of it)."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    return re2.compile(_DATE_PATTERN.encode(), options)


@lru_cache(MESSAGES)
def _masked(text: str) -> str:
    masked = _WORD.sub(_masked_found, _DATE.sub(MASK, text))
    return _RUN.sub(r"\1", masked).strip()


def _masked_found(found: re.Match[str]) -> str:
    return _masked_word(found[0])


@lru_cache(WORDS)
def _masked_word(word: str) -> str:
    return MASK if word.isdecimal() else _VARIABLE.sub(_replaced, word)


def _replaced(found: re.Match[str]) -> str:
    return found["kept"] or MASK
