"""Command lines of ipmitool and ipmiconsole, as people have them in scripts."""

from __future__ import annotations

import getopt
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final, NamedTuple

from solrecd.cli.inventory import terms

_Setter = Callable[[str], terms.Settings]


class Target(NamedTuple):
    """Whom a command line talks to, and how."""

    bmc: str
    settings: terms.Settings
    ignored: tuple[str, ...]
    """Options without an equivalent."""


class _Tool(NamedTuple):
    options: str
    """As `getopt` has them."""
    long_options: tuple[str, ...]
    host: tuple[str, ...]
    port: tuple[str, ...]
    settings: Mapping[str, _Setter]
    harmless: frozenset[str]
    """Options that say what solrecd does anyway."""


def _hex_key(text: str) -> terms.Settings:
    return terms.kg("0x" + text.removeprefix("0x"))


def _file(text: str) -> terms.Settings:
    return {"password_file": text}


def _workarounds(text: str) -> terms.Settings:
    return terms.quirks(text.split(","))


_TOOLS: Final[Mapping[str, _Tool]] = MappingProxyType(
    {
        "ipmitool": _Tool(
            "hVvcgsI:d:D:H:p:U:f:z:S:l:B:T:b:t:m:P:k:y:C:L:A:e:o:O:R:N:EYaK",
            (),
            ("-H",),
            ("-p",),
            {
                "-U": terms.username,
                "-P": terms.clear_password,
                "-f": _file,
                "-k": terms.kg,
                "-y": _hex_key,
                "-C": terms.cipher_suite,
                "-L": terms.privilege,
                "-o": _workarounds,
            },
            frozenset({"-I", "-v", "-e", "-N", "-R", "-E", "-A"}),
        ),
        "ipmiconsole": _Tool(
            "h:u:p:k:KPI:l:W:DVe:",
            (
                "hostname=",
                "username=",
                "password=",
                "k-g=",
                "cipher-suite-id=",
                "privilege-level=",
                "workaround-flags=",
                "escape-char=",
                "dont-steal",
                "serial-keepalive",
                "lock-memory",
            ),
            ("-h", "--hostname"),
            (),
            {
                **dict.fromkeys(("-u", "--username"), terms.username),
                **dict.fromkeys(("-p", "--password"), terms.password),
                **dict.fromkeys(("-k", "--k-g"), terms.kg),
                **dict.fromkeys(("-I", "--cipher-suite-id"), terms.cipher_suite),
                **dict.fromkeys(("-l", "--privilege-level"), terms.privilege),
                **dict.fromkeys(("-W", "--workaround-flags"), _workarounds),
            },
            frozenset({"-e", "--escape-char", "--dont-steal", "--lock-memory"}),
        ),
    }
)

_TOOL_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {**{name: name for name in _TOOLS}, "ipmi-console": "ipmiconsole"}
)
"""FreeIPMI has two names for one program."""

_TOOL_AT = re.compile(r"(?:^|[\s;|&/])(" + "|".join(_TOOL_NAMES) + r")\s")


def is_command(text: str) -> bool:
    """Whether a line runs ipmitool or ipmiconsole."""
    return _TOOL_AT.search(text) is not None


def read_command(text: str) -> Target:
    """Return the BMC that a command line of ipmitool or ipmiconsole talks to.

    What stands before the program, such as ``exec`` or ``env X=1``, does not count.

    Raises:
        ValueError: it is another command, or says something solrecd cannot do.
    """
    words = shlex.split(text)
    places = [
        at for at, word in enumerate(words) if PurePosixPath(word).name in _TOOL_NAMES
    ]
    if not places:
        raise ValueError("runs neither ipmitool nor ipmiconsole")
    tool = _TOOLS[_TOOL_NAMES[PurePosixPath(words[places[0]]).name]]
    try:
        found, rest = getopt.gnu_getopt(
            words[places[0] + 1 :], tool.options, tool.long_options
        )
    except getopt.GetoptError as error:
        raise ValueError(str(error)) from None
    target = _target(tool, found)
    for word in rest:
        if word.startswith("instance="):
            instance = terms.sol_instance(word.removeprefix("instance="))
            target = target._replace(settings=target.settings | instance)
    return target


def _target(tool: _Tool, found: list[tuple[str, str]]) -> Target:
    host = port = ""
    settings: terms.Settings = {}
    ignored = []
    for option, value in found:
        if option in tool.host:
            host = value
        elif option in tool.port:
            port = value
        elif option in tool.settings:
            settings |= tool.settings[option](value)
        elif option not in tool.harmless:
            ignored.append(option)
    if not host:
        raise ValueError(f"names no host ({' or '.join(tool.host)})")
    return Target(join_address(host, port), settings, tuple(ignored))


def join_address(host: str, port: str) -> str:
    """Return ``host`` or ``host:port``, IPv6 addresses in brackets."""
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"{host}:{port}" if port and port != "623" else host


def split_address(text: str) -> str:
    """Return ``HOST`` or ``HOST:PORT`` as ours; more than one colon is IPv6."""
    host, _, port = text.partition(":")
    if text.count(":") == 1 and port.isdecimal():
        return join_address(host, port)
    return join_address(text, "")
