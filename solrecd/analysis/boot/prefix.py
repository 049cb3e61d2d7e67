"""From screen lines to messages: stamps, caller ids, glued prompts, copies. Pure.

One screen line may hold several messages (a prompt without a newline, then the
kernel; two CPUs), and a message may carry prefixes that are not its own (printk
levels, a collector's stamp, syslog). Anchored rules look at what is left.
"""

from __future__ import annotations

import enum
import re
from typing import Final, NamedTuple


class Origin(enum.Enum):
    """Where a message comes from."""

    LIVE = enum.auto()
    COPY = enum.auto()
    """syslog wrote a kernel message to the console once more, or instead."""
    ECHO = enum.auto()
    """A person looks at old text, or types: ``dmesg -T``, a shell's command line."""


class Message(NamedTuple):
    """What one source said on one line."""

    text: str
    stamp: float | None = None
    """printk time stamp, seconds since the kernel began."""
    caller: str | None = None
    """printk caller id, ``T62`` or ``C1`` (CONFIG_PRINTK_CALLER)."""
    origin: Origin = Origin.LIVE


STAMP: Final = re.compile(
    r"(?:<\d+>)?\[ *(?P<stamp>\d+\.\d{3,7}) ?\](?:\[ *(?P<caller>[TC]\d+) *\])? ?"
    r"(?:\d{5}[.:]\d{5}> )?"  # Zircon: process and thread
)

# ``dmesg -x`` and lkp's serial logs print facility and level.
_LEVEL: Final = re.compile(r"<\d+>|(?:kern|user|daemon) *:(?:\w+ *): ?")

_COLLECTOR: Final = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.,]?\d*(?:Z|[+-]\d\d:?\d\d)?:? +(?:\| )?"
    r"|\d{4}/\d\d/\d\d \d\d:\d\d:\d\d +"
    r"|\[ ?\d\d:\d\d:\d\d\.?\d* ?\]:? +"
)

_SYSLOG: Final = re.compile(
    r"(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+)"
    r" (?:\S+ )?[\w./-]+(?:\[\d+\])?: ?"
)
_FROM_KERNEL: Final = re.compile(r"\bkernel: ?\Z")
SYSLOG_KERNEL: Final = re.compile(
    r"(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) \S+ kernel: "
)

# What follows an unanswered prompt was not typed. login(1) greets with
# "Last login: " and a date.
_PROMPT: Final = re.compile(r"(?!Last )(?:[\w.-]{1,64} )?login: (?=[^\s])")

# People read old logs with dmesg -T; no kernel prints this.
_HUMAN: Final = re.compile(r"\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d")

# conserver 8.2 (group.c, WriteLog) puts the same on each line of its log, if asked to
# ("timestamp 1l"), but nothing between it and what the console printed.
_CONSERVER: Final = re.compile(
    r"\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\](?! )"
)

# What boxes are drawn with: UTF-8, and bytes of code page 437 that are none.
_FRAMES: Final = "│║┃┤├┆ \ufffd"

_ECHO: Final = re.compile(r"[#$+] |[\w.-]+@[\w.-]+[:~ ][^#$]{0,80}[#$] ")

_PAIR: Final = re.compile(r"(.)\1")

# A collector turned ESC into two characters; the colours are still in the text.
_CARET_COLOUR: Final = re.compile(r"\^\[\[[0-9;]*[mK]")


def without_caret_colours(text: str) -> str:
    """Return text without what a collector has made of its colours."""
    return _CARET_COLOUR.sub("", text) if "^[[" in text else text


def undoubled(line: str) -> str:
    """Return a line as one of the two terminals that printed it would have."""
    return _PAIR.sub(r"\1", line)


def messages(line: str) -> list[Message]:
    """Split a line into its messages, in order; at least one."""
    line = line.strip()
    stamps = _stamps(line)
    if not stamps:
        return _unstamped(line)
    head = line[: stamps[0].start()]
    origin = Origin.COPY if _FROM_KERNEL.search(head) else Origin.LIVE
    found = _unstamped(head) if head.strip() and origin is Origin.LIVE else []
    ends = [stamp.start() for stamp in stamps[1:]] + [len(line)]
    for stamp, end in zip(stamps, ends, strict=True):
        text = line[stamp.end() : end].rstrip()
        seconds = float(stamp["stamp"])
        found.append(Message(text, seconds, stamp["caller"], origin))
    return found


def _stamps(line: str) -> list[re.Match[str]]:
    """Return a line's stamps; nearly all lines have one, at their beginning."""
    first = STAMP.match(line)
    if first is None:
        return [*STAMP.finditer(line)] if "[" in line else []
    if "[" not in line[first.end() :]:
        return [first]
    return [*STAMP.finditer(line)]


def _unstamped(text: str) -> list[Message]:
    text = _unframed(_after(_CONSERVER, _after(_COLLECTOR, text.strip())))
    if _HUMAN.match(text) or _ECHO.match(text):
        return [Message(text, origin=Origin.ECHO)]
    syslog = _SYSLOG.match(text)
    if syslog is not None:
        if _FROM_KERNEL.search(syslog.group()):
            return [Message(text[syslog.end() :], origin=Origin.COPY)]
        return [Message(text)]
    prompt = _PROMPT.match(text)
    if prompt is not None:
        return [Message(prompt.group().rstrip()), Message(text[prompt.end() :])]
    return [Message(_after(_LEVEL, text))]


def _unframed(text: str) -> str:
    """Return what stands in a box, without its sides."""
    if text[:1] in "|│║┃┤\ufffd":
        if text.startswith("|"):
            return text[1:-1].strip() if len(text) > 1 and text[-1] == "|" else text
        return text.strip(_FRAMES)
    return text


def _after(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.match(text)
    return text if found is None else text[found.end() :]
