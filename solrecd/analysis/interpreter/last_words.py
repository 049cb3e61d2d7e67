"""What a console printed last, where no rule says why a boot stopped. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from solrecd.analysis.boot.incidents import signature
from solrecd.analysis.boot.prefix import messages
from solrecd.events.event import Event, Kind, Severity

UNEXPLAINED: Final = "unexplained"
"""The failure of a boot that got stuck or failed, and said nothing that is known."""

_LOOKED_AT: Final = 100
"""Lines from the last one on among which one with words is looked for."""

_TITLE_LIMIT: Final = 240

_WORD: Final = re.compile(r"[A-Za-z]{3}")


class LastWords(NamedTuple):
    """The last line with words in it."""

    text: str
    line: int
    """Its number."""


def last_index(texts: Sequence[str]) -> int | None:
    """Return the index of the last line that says something."""
    for index in range(len(texts) - 1, max(-1, len(texts) - 1 - _LOOKED_AT), -1):
        if _WORD.search(texts[index]):
            return index
    return None


def unexplained(stuck: Event, last: LastWords, at: int) -> Event:
    """Return the failure of a boot that got stuck and said nothing that is known."""
    title = messages(last.text)[-1].text[:_TITLE_LIMIT]
    return replace(
        stuck,
        time=at,
        kind=Kind.FAILURE,
        name=UNEXPLAINED,
        severity=Severity.WARNING,
        title=title,
        line=last.line,
        signature=signature(UNEXPLAINED, title, None),
        fields={**stuck.fields, "stage": stuck.name},
    )
