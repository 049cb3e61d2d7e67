"""Excerpts of boots that no rule explains, ready for a report to solrecd's developers.

What names a machine, its place or its people is replaced: the same by the same word, so
that an excerpt can still be understood.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from solrecd.events.boots import Boot, Outcome
from solrecd.events.event import Event, Kind
from solrecd.events.reading import Reading
from solrecd.events.stages import Stage

EXCERPT_LINES: Final = 60
"""The last lines of a boot that are shown."""

_FINE: Final = (Outcome.OK, Outcome.SHUTDOWN)

# They say that a boot failed, and not why.
_NO_REASON: Final = frozenset({"reboot", "reboot_loop", "unexplained"})

_SECRETS: Final = re.compile(
    r"(?P<email>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?P<uuid>\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b)"
    r"|(?P<mac>\b[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5,7}\b)"
    # With two colons in a row, or longer than a time of day.
    r"|(?P<ipv6>(?<![\w:.])(?:(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}"
    r"|(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6}|(?:[0-9a-f]{1,4}:){1,7}:)(?![\w:]))"
    r"|(?P<ipv4>\b(?:\d{1,3}\.){3}\d{1,3}\b)"
    r"|(?P<key>[A-Za-z0-9+/]{40,}={0,2})"
    r"|(?P<wwn>\b(?:0x)?5[0-9a-f]{15}\b)"
    r"|(?P<serial>(?<=serial number[: ] )\S+|(?<=serial[:=] )\S+|(?<=s/n[:=] )\S+)"
    r"|(?P<secret>(?<=password=)\S+|(?<=passwd=)\S+|(?<=token=)\S+|(?<=secret=)\S+)"
    r"|(?P<name>\b[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+\."
    r"(?:com|org|net|edu|gov|io|local|lan|internal|corp|[a-z]{2})\b)",
    re.IGNORECASE,
)
_LETTERS: Final = 3
"""A host name that is shorter is part of too many words."""


class Redactor:
    """Replaces what should not leave the house."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def redact(self, text: str, host: str = "") -> str:
        """Return a line without addresses, names, keys and numbers of parts.

        Args:
            text: the line.
            host: the machine's own name, if it is known.
        """
        text = _SECRETS.sub(self._replaced, text)
        if len(host) >= _LETTERS:
            text = re.sub(rf"\b{re.escape(host)}\b", "<host>", text)
        return text

    def _replaced(self, found: re.Match[str]) -> str:
        secret, kind = found.group().lower(), found.lastgroup or "secret"
        if secret not in self._known:
            count = sum(word.startswith(f"<{kind}") for word in self._known.values())
            self._known[secret] = f"<{kind}-{count + 1}>"
        return self._known[secret]


class Excerpt(NamedTuple):
    """The end of a boot that nothing explains, without what names the machine."""

    boot: int
    outcome: Outcome
    stage: Stage
    lines: list[str]

    def as_dict(self) -> dict[str, object]:
        """Return the JSON object."""
        return {
            "boot": self.boot,
            "outcome": self.outcome.value,
            "stage": self.stage.value,
            "lines": self.lines,
        }

    def text(self) -> Iterator[str]:
        """Yield lines for people."""
        where = f"{self.outcome} in stage {self.stage}"
        yield f"boot {self.boot}: {where}, unexplained"
        yield from (f"    {line}" for line in self.lines)


class Unknown:
    """Collects the ends of boots; yields excerpts of those that nothing explains."""

    def __init__(self) -> None:
        self._redactor = Redactor()
        self._lines: deque[str] = deque(maxlen=EXCERPT_LINES)
        self._explained = False

    def take(self, reading: Reading) -> Iterator[Excerpt]:
        """Take what was understood; yield excerpts of boots that ended in it."""
        ended = {boot.boot: boot for boot in reading.boots if boot.ended is not None}
        texts = [line.text for line in reading.lines]
        begin = 0
        for cut in reading.cuts:
            self._lines.extend(texts[begin : cut.line])
            begin = cut.line
            self._note(reading, cut.boot - 1)
            boot = ended.get(cut.boot - 1)
            if boot is not None:
                yield from self.end(boot)
        self._lines.extend(texts[begin:])
        self._note(reading, None)

    def _note(self, reading: Reading, boot: int | None) -> None:
        newest = max((cut.boot for cut in reading.cuts), default=None)
        for event in reading.events:
            if event.boot == boot or (boot is None and newest in (None, event.boot)):
                self._explained |= _explains(event)

    def end(self, boot: Boot | None) -> Iterator[Excerpt]:
        """Yield the excerpt of a boot that is over, if nothing explains its end."""
        lines, explained = list(self._lines), self._explained
        self._lines.clear()
        self._explained = False
        if boot is None or explained or not lines or not _is_stopped(boot):
            return
        host = boot.facts.get("host", "")
        shown = [self._redactor.redact(line, host) for line in lines]
        yield Excerpt(boot.boot, boot.outcome, boot.last_stage, shown)


def _is_stopped(boot: Boot) -> bool:
    """Whether a boot came to no good end, as far as it was recorded."""
    known = boot.last_stage is not Stage.UNKNOWN
    return boot.outcome not in _FINE and (known or boot.outcome is not Outcome.RUNNING)


def _explains(event: Event) -> bool:
    return event.kind is Kind.FAILURE and event.name not in _NO_REASON
