"""ConMan's configuration, conman.conf(5)."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from solrecd.cli.inventory import terms
from solrecd.cli.inventory.commands import is_command, read_command, split_address
from solrecd.cli.inventory.found import Collector, Inventory, Place
from solrecd.cli.inventory.scripts import FOLDER, is_script, read_script
from solrecd.cli.inventory.streams import TELNET, program, serial, tcp, unix

_PAIR = re.compile(
    r"""\s*(?P<key>\w+)\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"'\#]+))"""
)
_DIRECTIVE = re.compile(r"\s*(?P<name>server|global|console)\b", re.IGNORECASE)
_WORD = re.compile(r"\w+|\S")
_REST = re.compile(r"\s*(?:#.*)?\Z")

_SERVER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "logdir": "archives are in [daemon] log_dir",
        "logfile": "solrecd's own log goes to the journal; see log_level",
        "syslog": "solrecd's own log goes to the journal; see log_level",
        "timestamp": "every line is stamped",
        "resetcmd": "solrecctl power NAME reset does it over the session",
    }
)
"""Why a key of SERVER has no equivalent; the others have nothing to say here."""

_CONSOLE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "log": "every console is recorded below [daemon] log_dir",
        "logopts": "text is stamped and safe, the exact bytes stand beside it",
    }
)

_IPMI_OPTIONS: Final[Mapping[str, Callable[[str], terms.Settings]]] = MappingProxyType(
    {
        "U": terms.username,
        "P": terms.password,
        "K": terms.kg,
        "C": terms.cipher_suite,
        "L": terms.privilege,
    }
)


class _Directive(NamedTuple):
    line: int
    name: str
    pairs: Mapping[str, str]


def read_conman(text: str) -> Inventory:
    """Return the consoles of a conman.conf, and remarks about what is left out."""
    found = Collector()
    defaults: Mapping[str, str] = {}
    for directive in _directives(text, found):
        if directive.name == "server":
            _remark_all(directive, _SERVER, found)
            defaults = {**defaults, **_only(directive.pairs, "execpath")}
        elif directive.name == "global":
            defaults = {**defaults, **directive.pairs}
            _remark_all(directive, _CONSOLE, found)
        else:
            _read_console(directive, defaults, found)
    return found.inventory()


def _only(pairs: Mapping[str, str], key: str) -> Mapping[str, str]:
    return {key: pairs[key]} if key in pairs else {}


def _directives(text: str, found: Collector) -> Iterator[_Directive]:
    for number, line in _logical_lines(text):
        if _REST.match(line):
            continue
        start = _DIRECTIVE.match(line)
        if start is None:
            # Only its first word: what follows may be a password.
            found.remark(number, _WORD.findall(line)[0], "is not a directive; left out")
            continue
        pairs, end = _pairs(line, start.end())
        if not _REST.match(line, end):
            what = pairs.get("name", start["name"])
            found.remark(number, what, "the end of its line is invalid; left out")
        yield _Directive(number, start["name"].lower(), pairs)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield lines, those that end in a backslash joined with the next."""
    begun, joined = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        begun = begun or number
        if line.endswith("\\"):
            joined += line[:-1]
            continue
        yield begun, joined + line
        begun, joined = 0, ""
    if joined:
        yield begun, joined


def _pairs(line: str, position: int) -> tuple[Mapping[str, str], int]:
    pairs = {}
    while match := _PAIR.match(line, position):
        values = match.group("double", "single", "bare")
        pairs[match["key"].lower()] = next(v for v in values if v is not None)
        position = match.end()
    return pairs, position


def _remark_all(
    directive: _Directive, reasons: Mapping[str, str], found: Collector
) -> None:
    for key in directive.pairs.keys() & reasons.keys():
        found.remark(directive.line, key, reasons[key])


def _read_console(
    directive: _Directive, defaults: Mapping[str, str], found: Collector
) -> None:
    line, pairs = directive.line, {**defaults, **directive.pairs}
    _remark_all(directive, _CONSOLE, found)
    name, device = pairs.get("name", ""), pairs.get("dev", "")
    if not name:
        found.remark(line, "console", "has no name")
        return
    device = device.replace("%N", name)
    try:
        if device.lower().startswith("ipmi:"):
            texts = [each.get("ipmiopts", "") for each in (defaults, directive.pairs)]
            options, unknown = _ipmi_options(texts)
            for word in unknown:
                found.remark(line, name, f"ipmiopts has an unknown {word}; left out")
            found.add(line, name, Place(split_address(device[5:]), options))
        elif is_script(words := device.split()):
            folder = pairs.get("execpath", FOLDER).partition(":")[0]
            place, why = read_script(words, folder)
            found.add(line, name, place, why)
        elif is_command(device):
            target = read_command(device)
            found.add(line, name, Place(target.bmc, target.settings))
        else:
            found.add(line, name, _other(device, pairs.get("seropts", _SEROPTS)))
    except ValueError as error:
        found.remark(line, name, f"{error}; left out")


def _other(device: str, seropts: str) -> Place:
    """Return a console without IPMI (conman.conf(5), dev).

    Raises:
        ValueError: its device is unknown.
    """
    if device.lower().startswith("unix:"):
        return unix(device[5:])
    if device.lower().startswith("test:"):
        raise ValueError("is a test console of ConMan")
    if _DEVICE.match(device):
        return serial(device, seropts)
    if device.startswith("/"):
        return program(shlex.split(device))
    if _HOST_AND_PORT.match(device):
        return tcp(device, TELNET)
    # Only its first word: what follows may be a password.
    raise ValueError(f"{device.partition(' ')[0]!r} is not understood")


_SEROPTS: Final = "9600,8n1"
_DEVICE: Final = re.compile(r"/dev/\S+\Z")
_HOST_AND_PORT: Final = re.compile(r"\S+:\d{1,5}\Z", re.ASCII)


def _ipmi_options(texts: Sequence[str]) -> tuple[terms.Settings, Sequence[str]]:
    """Return the settings of ``ipmiopts``, ``U:str,P:str,K:str,C:int,...``.

    Args:
        texts: the global options, then those of the console, which override them key by
            key; an empty value means the default. Flags (``W``) add up, ``W:none`` and
            ``W:default`` clear them (ConMan's ``process_ipmi_opt``). What is
            unknown is returned, too: a console that is recorded without a flag may
            work, one that is missing does not.

    Raises:
        ValueError: a value in it cannot be kept.
    """
    values: dict[str, str] = {}
    flags: list[str] = []
    unknown: list[str] = []
    for key, value in itertools.chain.from_iterable(map(_option_pairs, texts)):
        if key in _IPMI_OPTIONS:
            values[key] = value
        elif key != "W":
            # Not its value, which may be a password; so may a longer key.
            unknown.append(f"option {key!r}" if len(key) == 1 else "option")
        elif not terms.is_workaround(value):
            unknown.append(f"flag W:{value}")
        else:
            flags = [*flags, value] if terms.quirks([value]) else []
    settings: terms.Settings = {}
    for key, value in values.items():
        settings |= _IPMI_OPTIONS[key](value) if value else {}
    return settings | terms.quirks(flags), unknown


def _option_pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield key and value of each option, also of ConMan's old form without keys."""
    parts = [part.strip() for part in text.split(",")] if text else []
    if parts and parts[0][1:2] != ":":
        keys = itertools.chain("UPK", itertools.repeat("W"))
        # "-" is the default in this form: "user,password,kg,flag...".
        pairs = zip(keys, parts, strict=False)
        yield from ((key, "" if part == "-" else part) for key, part in pairs)
        return
    for part in filter(None, parts):
        key, _, value = part.partition(":")
        yield key.upper(), value
