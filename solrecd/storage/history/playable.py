"""Console bytes that a terminal may be given: it draws, and does nothing else. Pure.

A recording is hostile: a terminal obeys sequences that set its title or clipboard, make
it answer (as if typed: ENQ, device status, DECRQSS) or change how its keys work. Only
what draws is let through (ECMA-48, xterm's ctlseqs); whatever is not known is dropped.
Single C1 controls and invalid UTF-8 become U+FFFD, as a UTF-8 terminal shows them.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

MAX_SEQUENCE: Final = 64
"""Characters of a control sequence; none that draws is longer but by malice."""

MAX_STRING: Final = 4096
"""Characters that are dropped as one OSC or DCS at most: an end may never come."""

RESTORE: Final = (
    "\x18\x1b[!p"  # ends what is unfinished; DECSTR: soft reset
    "\x1b[?1049l\x1b[?5l\x1b[?7h\x1b[?25h"  # main screen, not inverse, wrap, cursor
    "\x1b[r\x1b(B\x1b)0\x0f\x1b[0m"  # whole screen scrolls, ASCII, no colours
    "\x1b[999;1H\n"  # below whatever is there
)
"""Brings a terminal back to what a shell expects."""

_FINALS: Final = frozenset("ABCDEFGHIJKLMPSTXZ@`adefgmrsu")
"""Final bytes of the control sequences without a private mark that draw."""

_MODES: Final = frozenset({"4", "20", "?1", "?5", "?6", "?7", "?12", "?25"} | {"?1049"})
"""Modes that may be set: insert, new line, cursor keys, inverse, origin, wrap, blink,
cursor, the other screen."""

_SINGLES: Final = re.compile(r"\x1b(?:[78DEHMc=>]|[()][0AB]|#[3-68])")
"""Escape sequences that draw: cursor saved and restored, index, tab stop, reset,
keypad, character sets, double size."""

_CONTROLS: Final = frozenset("\b\t\n\v\f\r\x0e\x0f")

_TOKEN: Final = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
    r"|\x1b\[(?P<csi>(?P<private>[<-?]?)(?P<parameters>[0-?]*)(?P<between>[ -/]*)"
    r"(?P<final>[@-~]))"
    r"|(?P<string>\x1b[\]PX^_])"
    r"|(?P<single>\x1b(?:[()#][ -~]|[0-OQ-WYZ`-~\\]))"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f-\x9f])"
)

_PARAMETERS: Final = re.compile(rf"[0-9;:]{{0,{MAX_SEQUENCE}}}")
_UNFINISHED: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[()#])?")
_STRING_END: Final = re.compile(r"[\x07\x18\x1a\x1b\r\n]")


class Playable:
    """Filters one recording; fed in pieces of any size."""

    def __init__(self) -> None:
        """Begin at the beginning of a session."""
        self._decode = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._skipping = 0

    def feed(self, data: bytes) -> str:
        """Return what of these bytes a terminal may be given."""
        text = self._rest + self._decode.decode(data)
        self._rest = ""
        done: list[str] = []
        place = 0
        while place < len(text):
            if self._skipping:
                place = self._skip(text, place)
                continue
            found = _TOKEN.match(text, place)
            if found is not None:
                done.append(self._allowed(found))
                place = found.end()
            elif self._is_unfinished(text, place):
                self._rest = text[place:]
                break
            else:
                place += 1  # an ESC that begins nothing; what follows is text
        return "".join(done)

    def _allowed(self, found: re.Match[str]) -> str:
        kind, text = found.lastgroup, found[0]
        if kind == "text":
            return text
        if kind == "control":
            return text if text in _CONTROLS else "\ufffd" * (text >= "\x80")
        if kind == "single":
            return text if _SINGLES.fullmatch(text) else ""
        if kind == "string":
            self._skipping = MAX_STRING
            return ""
        return text if _draws(found) else ""

    def _skip(self, text: str, place: int) -> int:
        """Return where an OSC, DCS or the like ends; nothing of it is shown."""
        end = _STRING_END.search(text, place, place + self._skipping)
        if end is None:
            skipped = min(len(text) - place, self._skipping)
            self._skipping -= skipped
            return place + skipped
        self._skipping = 0
        # ESC begins the ST that ends it, or what interrupts it; line ends are text.
        return end.end() if end[0] in "\x07\x18\x1a" else end.start()

    def _is_unfinished(self, text: str, place: int) -> bool:
        length = len(text) - place
        return length <= MAX_SEQUENCE and bool(_UNFINISHED.fullmatch(text, place))


def _draws(found: re.Match[str]) -> bool:
    private, parameters, final = found["private"], found["parameters"], found["final"]
    if found["between"] or not _PARAMETERS.fullmatch(parameters):
        return False
    if final in "hl":
        return all(private + each in _MODES for each in parameters.split(";"))
    return not private and final in _FINALS
