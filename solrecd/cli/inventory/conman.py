"""ConMan's configuration, conman.conf(5)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from solrecd.cli.inventory import terms
from solrecd.cli.inventory.commands import is_command, join_address, read_command
from solrecd.cli.inventory.found import Collector, Inventory, Place
from solrecd.cli.inventory.streams import TELNET, program, serial, tcp, unix

_PAIR = re.compile(
    r"""\s*(?P<key>\w+)\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"'\#]+))"""
)
_DIRECTIVE = re.compile(r"\s*(?P<name>server|global|console)\b", re.IGNORECASE)
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
        elif directive.name == "global":
            defaults = {**defaults, **directive.pairs}
            _remark_all(directive, _CONSOLE, found)
        else:
            _read_console(directive, defaults, found)
    return found.inventory()


def _directives(text: str, found: Collector) -> Iterator[_Directive]:
    for number, line in _logical_lines(text):
        if _REST.match(line):
            continue
        start = _DIRECTIVE.match(line)
        pairs, end = _pairs(line, start.end() if start else 0)
        if start is None or not _REST.match(line, end):
            found.remark(number, line.strip()[:40], "is not understood")
            continue
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
            options = _ipmi_options(pairs.get("ipmiopts", ""))
            found.add(line, name, Place(join_address(device[5:], ""), options))
        elif is_command(device):
            target = read_command(device)
            found.add(line, name, Place(target.bmc, target.settings))
        else:
            found.add(line, name, _other(device, pairs.get("seropts", _SEROPTS)))
    except ValueError as error:
        found.remark(line, name, f"{error}; left out")


def _other(device: str, seropts: str) -> Place:
    """Return a console that is no BMC (conman.conf(5), dev).

    Raises:
        ValueError: it is not known what it is.
    """
    if device.lower().startswith("unix:"):
        return unix(device[5:])
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


def _ipmi_options(text: str) -> terms.Settings:
    """Return the settings of an ``ipmiopts`` value, ``U:str,P:str,K:str,C:int,...``.

    Raises:
        ValueError: something in it cannot be kept.
    """
    settings: terms.Settings = {}
    workarounds: list[str] = []
    for part in text.split(","):
        key, _, value = part.strip().partition(":")
        key = key.upper()
        if key == "W":
            workarounds.append(value)
        elif value and key not in _IPMI_OPTIONS:
            raise ValueError(f"ipmiopts has an unknown option {key!r}")
        elif value:
            settings |= _IPMI_OPTIONS[key](value)
    return settings | terms.quirks(workarounds)
