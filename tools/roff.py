"""Text as man(7) has it."""

from __future__ import annotations

import re

_MARKUP = re.compile(r"(?P<option>(?<![\w-])--?[a-z][\w-]*)|(?P<name>\b[A-Z]{2,}\b)")


def plain(text: str) -> str:
    """Return text for a macro's argument or a line of its own, without fonts."""
    return _guarded(_escaped(text).replace('"', "\\(dq"))


def prose(text: str) -> str:
    """Return text with options in bold and placeholders in italics."""
    done: list[str] = []
    place = 0
    for found in _MARKUP.finditer(text):
        font = "B" if found["option"] else "I"
        done.append(_escaped(text[place : found.start()]))
        done.append(f"\\f{font}{_escaped(found[0])}\\fR")
        place = found.end()
    return _guarded("".join([*done, _escaped(text[place:])])) or "\\&"


def marked(text: str) -> str:
    """Return text whose words in backticks are bold."""
    words = " ".join(text.split()).split("`")
    fonts = (f"\\fB{_escaped(word)}\\fR" for word in words[1::2])
    done = [_escaped(words[0])]
    for bold, rest in zip(fonts, words[2::2], strict=True):
        done += bold, _escaped(rest)
    return _guarded("".join(done))


def laid_out(text: str) -> str:
    """Return lines that stay as they are."""
    lines = (_guarded(_escaped(line)) for line in text.strip("\n").splitlines())
    return "\n".join([".nf", *lines, ".fi"])


_LONG = re.compile(r"[^\s\\]{32}(?=[^\s\\]{16})")
"""What does not fit beside the margin of a key: it may be broken there."""


def _escaped(text: str) -> str:
    text = _LONG.sub(lambda found: f"{found[0]}\0", text)
    return (
        text.replace("\\", "\\e")
        .replace("-", "\\-")
        .replace("\n", " ")
        .replace("\0", "\\:")
    )


def _guarded(line: str) -> str:
    """Return a line that is not taken for a request."""
    return f"\\&{line}" if line[:1] in {".", "'"} else line
