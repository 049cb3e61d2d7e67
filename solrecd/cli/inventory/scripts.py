"""The expect scripts that ConMan ships (``lib/exec``), as consoles of ours.

Scripts are recognised by name, since ``execpath`` may lead to edited copies. The order
of their arguments is that of the comment at the head of each (ConMan 0.2.7).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final, NamedTuple

from solrecd.cli.inventory import terms
from solrecd.cli.inventory.commands import join_address
from solrecd.cli.inventory.found import HOST, Place
from solrecd.cli.inventory.streams import TELNET, program, tcp

FOLDER: Final = "/usr/lib/conman/exec"
"""Where Debian's package has them."""

_Arguments = Mapping[str, str]
_PASSWORD: Final = "PSWD"  # noqa: S105 - the name of an argument


class ScriptConsole(NamedTuple):
    """A console that ConMan reaches by a script of its own."""

    place: Place
    why: str = ""
    """What to do about a script that still runs; nothing where none does."""


class _Script(NamedTuple):
    arguments: tuple[str, ...]
    read: Callable[[_Arguments], Place | None]
    """Returns nothing where the script itself has to run."""
    instead: str = ""
    """What may take its place."""


def _bmc(arguments: _Arguments) -> Place:
    settings = {
        **terms.username(arguments.get("USER", "")),
        **terms.clear_password(arguments.get(_PASSWORD, "")),
        **terms.kg(arguments.get("KEYG", "")),
    }
    return Place(join_address(arguments["HOST"], ""), settings)


def _ssh(arguments: _Arguments) -> Place:
    port = arguments.get("PORT", "22")
    settings = {
        "kind": "ssh",
        **terms.username(arguments.get("USER", "")),
        **terms.clear_password(arguments.get(_PASSWORD, "")),
    }
    address = join_address(arguments["HOST"], "" if port == "22" else port)
    return Place(address, settings, HOST)


def _telnet(arguments: _Arguments) -> Place | None:
    if "PORT" not in arguments or "USER" in arguments:
        return None
    return tcp(join_address(arguments["HOST"], arguments["PORT"]), TELNET)


def _runs(_arguments: _Arguments) -> None:
    return None


_SSH: Final = 'try kind = "ssh"'
_OF_HOST: Final = ("HOST", "USER", _PASSWORD)
_OF_PORT: Final = ("HOST", "PORT", "USER", _PASSWORD)

_SCRIPTS: Final[Mapping[str, _Script]] = MappingProxyType(
    {
        "ipmitool.exp": _Script((*_OF_HOST, "KEYG"), _bmc),
        "ipmiconsole.exp": _Script((*_OF_HOST, "KEYG"), _bmc),
        "ssh.exp": _Script(_OF_PORT, _ssh),
        "cyclades-telnet.exp": _Script(_OF_PORT, _telnet),
        "cyclades-ssh.exp": _Script(_OF_PORT, _runs, _SSH),
        "hp-ilo.exp": _Script(_OF_PORT, _runs, f'{_SSH} with vendor = "ilo"'),
        "hp-lo100.exp": _Script(_OF_PORT, _runs, 'a BMC: try bmc = "HOST"'),
        "ibm-bc.exp": _Script(("HOST", "BLADE", "USER", _PASSWORD), _runs),
        "sun-elom.exp": _Script(_OF_HOST, _runs, _SSH),
        "sun-ilom.exp": _Script(_OF_HOST, _runs, _SSH),
        "sun-v20z-v40z.exp": _Script(_OF_HOST, _runs, _SSH),
    }
)

NAMES: Final = frozenset(_SCRIPTS)
"""File names of the scripts."""


def is_script(words: Sequence[str]) -> bool:
    """Whether a command runs a script of ConMan's, with arguments."""
    return len(words) > 1 and PurePosixPath(words[0]).name in _SCRIPTS


def read_script(words: Sequence[str], folder: str = FOLDER) -> ScriptConsole:
    """Return the console that a script of ConMan's shows.

    Args:
        words: the script and its arguments, for which `is_script` is true.
        folder: where a script without a folder is.

    Raises:
        ValueError: an argument cannot be taken over.
    """
    path = PurePosixPath(words[0])
    script = _SCRIPTS[path.name]
    arguments = dict(zip(script.arguments, words[1:], strict=False))
    if not arguments.get("PORT", "0").isdecimal():
        # Not the word itself: with an argument too few it may be the password.
        raise ValueError(f"{path.name} has no number as its PORT")
    if place := script.read(arguments):
        return ScriptConsole(place)
    # Its password is the last of its arguments; users of the machine could read it.
    safe = [value for name, value in arguments.items() if name != _PASSWORD]
    place = program([str(folder / path), *safe])
    return ScriptConsole(place, _why(script, arguments))


def _why(script: _Script, arguments: _Arguments) -> str:
    parts = ["ConMan's script is run for it"]
    if _PASSWORD in arguments:
        parts.append("its password is left out: put it into the script's password file")
    if script.instead:
        parts.append(f"or {script.instead}")
    return ", ".join(parts)
