"""conserver's configuration, conserver.cf(5): blocks of keywords, with defaults."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from solrecd.cli.inventory import terms
from solrecd.cli.inventory.commands import is_command, join_address, read_command
from solrecd.cli.inventory.found import Collector, Inventory, Place
from solrecd.cli.inventory.streams import RAW, TELNET, serial, shell, tcp, unix

_TOKENS: Final = "{};"
_INCLUDE = re.compile(r"#include\s+(.*?)\s*\Z")
_SUBSTITUTION = re.compile(r"(.)=([chrbpP])(0?)(\d*)([sdxXaA])\Z")
_OCTAL = re.compile(r"\\([0-7]{1,3}|.)", re.DOTALL)

_WITHOUT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "logfile": "every console is recorded below [daemon] log_dir",
        "logfilemax": "see [daemon] segment_size, and retention_age, -boots, -bytes",
        "timestamp": "every line is stamped",
        "idlestring": "see serial_keepalive",
        "idletimeout": "see serial_keepalive",
        "master": "one daemon holds all of its consoles",
        "aliases": "a console has one name; labels choose groups of them",
        "motd": "there are no greetings",
        "initcmd": "no program is run for a console",
        **dict.fromkeys(("ro", "rw"), "who may do what is not taken over"),
        **dict.fromkeys(
            ("break", "breaklist", "task", "tasklist"), "has no equivalent"
        ),
    }
)
"""Why a keyword of a console is not taken over."""

_BLOCKS_WITHOUT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "config": "the server's own settings: see [daemon]",
        "access": "who may do what is not taken over",
        "group": "who may do what is not taken over",
        "break": "one kind of break is known, IPMI's",
        "task": "no program is run for a console",
    }
)


class _Value(NamedTuple):
    text: str
    line: int


class _Block(NamedTuple):
    line: int
    kind: str
    name: str
    pairs: list[tuple[str, _Value]]


_Values = dict[str, _Value]


def read_conserver(text: str) -> Inventory:
    """Return the consoles of a conserver.cf, and remarks about what is left out.

    Those of type ``exec`` whose command is ipmitool or ipmiconsole are BMCs' consoles.
    ``#include`` is not followed: its file is to be read
    before, as if it stood there.
    """
    return _Reader().read(text)


class _Reader:
    def __init__(self) -> None:
        self._found = Collector()
        self._defaults: dict[str, _Values] = {}

    def read(self, text: str) -> Inventory:
        try:
            for block in _blocks(_Scanner(text, self._found)):
                self._take(block)
        except _UnexpectedEndError as error:
            self._found.remark(error.line, "end of file", "is inside a block")
        return self._found.inventory()

    def _take(self, block: _Block) -> None:
        if block.kind == "default":
            self._defaults[block.name] = self._values(block)
        elif block.kind == "console":
            self._take_console(block)
        else:
            why = _BLOCKS_WITHOUT.get(block.kind, "is not understood")
            self._found.remark(block.line, block.kind, why)

    def _values(self, block: _Block) -> _Values:
        """Return a block's keywords over those of the defaults it includes."""
        values = dict(self._defaults.get("*", {}))
        for keyword, value in block.pairs:
            if keyword == "include":
                if value.text not in self._defaults:
                    why = "is included but not there; name its file first"
                    self._found.remark(value.line, value.text, why)
                values |= self._defaults.get(value.text, {})
            else:
                values[keyword] = value
        return values

    def _take_console(self, block: _Block) -> None:
        values = self._values(block)
        for keyword in values.keys() & _WITHOUT.keys():
            self._found.remark(values[keyword].line, keyword, _WITHOUT[keyword])
        text = {keyword: value.text for keyword, value in values.items()}
        try:
            found = _target(block.name, text)
        except ValueError as error:
            self._found.remark(block.line, block.name, f"{error}; left out")
        else:
            self._found.add(block.line, block.name, found)


def _target(name: str, values: Mapping[str, str]) -> Place:
    """Return where a console is, and its settings.

    Raises:
        ValueError: it is one that solrecd cannot hold.
    """
    match values.get("type", ""):
        case "ipmi":
            if not values.get("host"):
                raise ValueError("has no host")
            return Place(join_address(values["host"], ""), _ipmi_settings(values))
        case "exec":
            return _program(_substituted(name, "exec", values))
        case "host":
            return _host(values)
        case "device":
            return _device(_substituted(name, "device", values), values)
        case "uds":
            return unix(_substituted(name, "uds", values))
        case other:
            raise ValueError(f"type {other or 'none'} is not known")


def _program(text: str) -> Place:
    if is_command(text):
        target = read_command(text)
        return Place(target.bmc, target.settings)
    return shell(text)


def _host(values: Mapping[str, str]) -> Place:
    """Return a port of a console server: telnet, unless it is said to be raw.

    Raises:
        ValueError: its port is not known.
    """
    if not values.get("host"):
        raise ValueError("has no host")
    address = join_address(values["host"], str(_port(values)))
    return tcp(address, RAW if values.get("protocol") == RAW else TELNET)


def _port(values: Mapping[str, str]) -> int:
    """Return a port as conserver.cf(5) computes it.

    Raises:
        ValueError: a part of it is not a number.
    """
    base, step, number = (_integer(key, values, usual) for key, usual in _PORT)
    return max(base + step * number, 0)


_PORT: Final = (("portbase", "0"), ("portinc", "1"), ("port", "23"))
"""A port is the first, plus the second times the third (conserver.cf(5))."""


def _integer(key: str, values: Mapping[str, str], usual: str) -> int:
    text = values.get(key, usual)
    if not _INTEGER.match(text):
        raise ValueError(f"{key} {text!r} is not a number")
    return int(text)


_INTEGER: Final = re.compile(r"-?\d{1,6}\Z", re.ASCII)


def _device(device: str, values: Mapping[str, str]) -> Place:
    stop = "2" if "cstopb" in values.get("options", "") else "1"
    parity = values.get("parity", "none")[:1]
    bits = "7" if parity in {"e", "o"} else "8"
    format_ = f"{values.get('baud', '9600')},{bits}{parity}{stop}"
    return serial(device, format_)


def _ipmi_settings(values: Mapping[str, str]) -> terms.Settings:
    settings: terms.Settings = {}
    for keyword, setting in _IPMI_KEYWORDS.items():
        if values.get(keyword):
            settings |= setting(values[keyword])
    return settings


def _workarounds(text: str) -> terms.Settings:
    return terms.quirks(name for name in text.split(",") if not name.startswith("!"))


def _kg(text: str) -> terms.Settings:
    r"""Return a K_g: ``\ooo`` is an octal number, ``\c`` the character itself."""

    def character(match: re.Match[str]) -> str:
        digits = match[1]
        return chr(int(digits, 8) & 0xFF) if digits[0] in "01234567" else digits

    return terms.kg(_OCTAL.sub(character, text).encode("latin-1", "replace"))


_IPMI_KEYWORDS: Final[Mapping[str, Callable[[str], terms.Settings]]] = MappingProxyType(
    {
        "username": terms.username,
        "password": terms.clear_password,
        "ipmikg": _kg,
        "ipmiciphersuite": terms.cipher_suite,
        "ipmiprivlevel": terms.privilege,
        "ipmiworkaround": _workarounds,
    }
)


def _substituted(name: str, keyword: str, values: Mapping[str, str]) -> str:
    """Return a value after ``execsubst`` and the like: ``&=cs`` is the name.

    Raises:
        ValueError: a number that it wants is not known.
    """
    command = values.get(keyword, "")
    known = {"c": name, "h": values.get("host", ""), "r": values.get("replstring", "")}
    for part in values.get(f"{keyword}subst", "").split(","):
        match = _SUBSTITUTION.match(part.strip())
        if match is None or match[1] not in command:
            continue
        if match[2] in known:
            replacement = known[match[2]].rjust(int(match[4] or 0))
        else:
            replacement = _formatted(_number(match[2], values), match)
        command = command.replace(match[1], replacement)
    return command


def _number(letter: str, values: Mapping[str, str]) -> int:
    match letter:
        case "b":
            return _integer("baud", values, "9600")
        case "p":
            return _integer("port", values, "")
        case _:
            return _port(values)


def _formatted(number: int, match: re.Match[str]) -> str:
    base = {"d": 10, "x": 16, "a": 36}.get(match[5].lower(), 10)
    digits = "" if number else "0"
    while number:
        number, digit = divmod(number, base)
        digits = string.printable[digit] + digits
    digits = digits.upper() if match[5].isupper() else digits
    return digits.rjust(int(match[4] or 0), match[3] or " ")


# The format: conserver.cf(5), PARSER.


class _UnexpectedEndError(Exception):
    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class _Scanner:
    """Words, values and tokens of a text."""

    def __init__(self, text: str, found: Collector) -> None:
        self._text = text
        self._found = found
        self._at = 0
        self.line = 1

    def word(self) -> str:
        """Return the next keyword or token; nothing at the end."""
        self._skip()
        if self._peek() in _TOKENS:
            return self._next()
        return self._collect(ends_at_space=True)

    def value(self) -> _Value:
        """Return what stands before the next token."""
        self._skip()
        return _Value(self._collect(ends_at_space=False), self.line)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        character = self._peek()
        self._at += 1
        self.line += character == "\n"
        return character

    def _skip(self) -> None:
        """Go behind spaces and comments."""
        while (character := self._peek()) and (character.isspace() or character == "#"):
            if character == "#":
                self._skip_comment()
            else:
                self._next()

    def _skip_comment(self) -> None:
        end = self._text.find("\n", self._at)
        comment = self._text[self._at : end if end >= 0 else None]
        include = _INCLUDE.match(comment)
        if include and self._text[self._at - 1 : self._at] in {"", "\n"}:
            why = "is not followed; name that file before this one"
            self._found.remark(self.line, f"#include {include[1]}", why)
        self._at += len(comment)

    def _collect(self, *, ends_at_space: bool) -> str:
        found, solid = [], 0
        while (character := self._peek()) and character not in _TOKENS:
            if character == "#":
                self._skip_comment()
                continue
            if character.isspace() and ends_at_space:
                break
            part = self._quoted() if character in '\\"' else self._next()
            found.append(part)
            if not part.isspace() or character in '\\"':
                solid = len(found)
        return "".join(found[:solid])

    def _quoted(self) -> str:
        if self._next() == "\\":
            return self._next()
        found = []
        while (character := self._next()) != '"':
            if not character:
                raise _UnexpectedEndError(self.line)
            if character == "\\" and self._peek() == '"':
                character = self._next()
            found.append(character)
        return "".join(found)


def _blocks(scanner: _Scanner) -> Iterator[_Block]:
    while kind := scanner.word():
        name = scanner.value()
        if scanner.word() != "{":
            raise _UnexpectedEndError(scanner.line)
        pairs = list(_pairs(scanner))
        yield _Block(name.line, kind, name.text, pairs)


def _pairs(scanner: _Scanner) -> Iterator[tuple[str, _Value]]:
    while (keyword := scanner.word()) != "}":
        if not keyword:
            raise _UnexpectedEndError(scanner.line)
        value = scanner.value()
        yield keyword, value
        if scanner.word() != ";":
            raise _UnexpectedEndError(scanner.line)
