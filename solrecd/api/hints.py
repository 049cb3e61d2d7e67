"""What to do when the daemon cannot be reached; imported only when that happens."""

from __future__ import annotations

import getpass
import grp
import re
from contextlib import suppress
from pathlib import Path

from solrecd.process.certificates import strict_cure

_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:]+\]|[^/:\[\]]+):\d+\Z")

_RUNNING = "is it running? systemctl status solrecd"


def hint_for(error: OSError, address: str) -> str:
    """Return the remedy in brackets, with a space before them; or nothing.

    Args:
        error: what connecting met.
        address: path of a unix socket, or a URL.
    """
    match error:
        case FileNotFoundError():
            is_port = _HOST_AND_PORT.match(address)
            remedy = f"for a port: -s https://{address}" if is_port else _RUNNING
            return f" ({remedy})"
        case ConnectionRefusedError():
            return " (it has stopped: systemctl status solrecd)"
        case PermissionError():
            return f" ({_how_to_join(Path(address))})"
        case TimeoutError():
            return " (it is there and does not answer: systemctl status solrecd)"
        case _ if type(error).__name__ == "SSLCertVerificationError":
            # By its name: a unix socket does without ssl's import.
            unknown = "its authority: SOLRECCTL_CA=FILE, or ca in client.toml"
            return f" ({strict_cure(error) or unknown})"
        case _:
            return ""


def _how_to_join(path: Path) -> str:
    group = _group_of(path)
    if group is None:
        return "only its user and group may ask: sudo solrecctl ..."
    return (
        f"only its user and the group {group} may ask: "
        f"sudo usermod -aG {group} {getpass.getuser()}, then log in again"
    )


def _group_of(path: Path) -> str | None:
    """Return the group that may use a socket, or the folder that hides it."""
    for place in (path, path.parent):
        with suppress(OSError, KeyError):
            group = grp.getgrgid(place.stat().st_gid).gr_name
            return None if group == "root" else group
    return None
