"""What ssh says when it ends, in one line that says what to do. Pure.

As OpenSSH 7.4 to 9.9 print it with ``LogLevel=VERBOSE``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from solrecd.events.sessions import LostReason
from solrecd.sources.stream.printed import last_line
from solrecd.sources.stream.ssh.algorithms import OLD
from solrecd.sources.stream.ssh.options import SshOptions
from solrecd.sources.troubles import NotConnectedError

AUTHENTICATED: Final = b"\nAuthenticated to "
"""What ssh says once the account is accepted."""

_FINGERPRINT: Final = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


@dataclass(frozen=True, slots=True)
class Complaint:
    """What ssh says, and what it means."""

    said: re.Pattern[str]
    reason: LostReason
    what: str
    """May quote groups of the pattern, as ``{0}``."""
    cure: str = ""
    """May name ``{host}``, ``{port}``, ``{known_as}``, ``{user}`` and ``{files}``."""


def _complaint(said: str, reason: LostReason, what: str, cure: str = "") -> Complaint:
    return Complaint(re.compile(said), reason, what, cure)


UNKNOWN: Final = "its host key is not known"
"""Begins what is said where no host key of it is believed."""

CHANGED: Final = "its host key has changed"

LEARN: Final = (
    "compare it on the machine itself, then: ssh-keyscan -p {port} {host} >> {files}"
)
FORGET: Final = (
    "find out why; if it is right: ssh-keygen -R '{known_as}' -f {files}, and add the"
    " new one: ssh-keyscan -p {port} {host} >> {files}"
)

COMPLAINTS: Final[Sequence[Complaint]] = (
    _complaint(
        r"ssh_askpass: exec\((.*?)\)",
        LostReason.PROTOCOL_ERROR,
        "{0} cannot be run, which gives ssh the password",
        "make it executable, on a file system without noexec",
    ),
    _complaint(
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key for \S+ has changed",
        LostReason.UNTRUSTED,
        CHANGED,
        FORGET,
    ),
    _complaint(
        r"No \S+ host key is known for|Host key verification failed",
        LostReason.UNTRUSTED,
        UNKNOWN,
        LEARN,
    ),
    _complaint(
        r"Could not resolve hostname \S+: (.*)",
        LostReason.NAME_UNRESOLVED,
        "{0}",
        "correct `host`, DNS or /etc/hosts",
    ),
    _complaint(
        r"Unable to negotiate with .*: (no matching .* found)\. Their offer: (.*)",
        LostReason.SUITE_REFUSED,
        "{0}, it offers {1}",
    ),
    _complaint(
        r"Invalid key length|Bad server host key: (.*)",
        LostReason.SUITE_REFUSED,
        "its host key is too short for this ssh",
        "give the BMC a longer one",
    ),
    _complaint(
        r'Load key "(.*?)": (.*)|no such identity: (.*?): (.*)',
        LostReason.BAD_PASSWORD,
        "its account refuses us, and ssh cannot read {0}: {1}",
        "correct `identity_file`: a private key without passphrase that the daemon's"
        " user may read",
    ),
    _complaint(
        r"Too many authentication failures",
        LostReason.BAD_PASSWORD,
        "too many keys were tried",
        "set `identity_file` to the one that {user} has there",
    ),
    _complaint(
        r"Permission denied \(([^)]*)\)",
        LostReason.BAD_PASSWORD,
        "permission denied for {user} (it takes: {0})",
        "correct `username`, the password or key, or unlock the account there",
    ),
    _complaint(
        r"Permission denied",
        LostReason.BAD_PASSWORD,
        "permission denied for {user}",
        "correct `username`, the password or key, or unlock the account there",
    ),
    _complaint(
        r"connect to host \S+ port \d+: (.*)",
        LostReason.UNREACHABLE,
        "{0}",
        "see whether the host is on and its ssh is enabled, and which firewall is"
        " between",
    ),
    _complaint(
        r"Timeout, server \S+ not responding|Broken pipe|Connection timed out",
        LostReason.BMC_TIMEOUT,
        "no sign of life any more",
        "see whether the host is on",
    ),
    _complaint(
        r"((?:shell|exec|PTY allocation) request failed)",
        LostReason.PROTOCOL_ERROR,
        "it refuses a terminal or shell ({0})",
        "give the account the right to it",
    ),
    _complaint(
        r"kex_exchange_identification: (.*)|banner exchange: .*: (.*)",
        LostReason.BMC_BUSY,
        "it ends the connection before the login ({0})",
        "see whether ssh listens on that port, and how many sessions it allows",
    ),
    _complaint(
        r"Received disconnect from .*?: *\d+: *(.*)|Disconnected from .*: (.*)",
        LostReason.CLOSED,
        "it ended the session: {0}",
    ),
    _complaint(
        r"Connection to \S+ closed|Connection (?:closed|reset) by|Transferred:",
        LostReason.CLOSED,
        "it closed the session",
    ),
)
"""In the order in which they are looked for: the cause before what follows from it."""


def explain(output: bytes, options: SshOptions) -> NotConnectedError:
    """Return why there is no session.

    Args:
        output: all that ssh said on its standard error.
        options: of the console.
    """
    said = output.decode(errors="replace").replace("\r", "")
    for complaint in COMPLAINTS:
        if match := complaint.said.search(said):
            return _explained(complaint, match, said, options)
    shown = last_line(output) or "ssh ended, and said nothing"
    return NotConnectedError(LostReason.CLOSED, f"{options.place}: {shown}", "")


def _explained(
    complaint: Complaint, match: re.Match[str], said: str, options: SshOptions
) -> NotConnectedError:
    groups = [last_line(group.encode()) for group in match.groups() if group]
    user = options.username
    what = complaint.what.format(*groups, *("",) * 4, user=user)
    if complaint.what == CHANGED and (found := _FINGERPRINT.search(said)):
        what = f"{what}, it shows {found[0]}"
    cure = cure_of(complaint.cure, options)
    if complaint.reason is LostReason.SUITE_REFUSED and len(groups) > 1:
        cure = _offer(groups[1])
    return NotConnectedError(complaint.reason, f"{options.place}: {what}", cure)


def _offer(theirs: str) -> str:
    ours = [name for name in theirs.split(",") if name in OLD]
    if not ours:
        return "this ssh has none of these any more: update the BMC"
    return f'algorithms = ["{ours[0]}"] allows it'


def cure_of(template: str, options: SshOptions) -> str:
    """Return what to do, with the names of this console."""
    return template.format(
        host=options.host,
        port=options.port,
        known_as=options.known_as,
        user=options.username,
        files=options.known_hosts,
    )
