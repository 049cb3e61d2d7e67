"""Runs OpenSSH's client for a console: its command line, its environment, its answers.

The password is in memory that has no name on any file system, and of which only the
daemon's own user can open the descriptor, below /proc. ssh closes all descriptors that
it inherits, and asks a program for the password (``SSH_ASKPASS``): that reads it there.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from solrecd.process.secret import Secret
from solrecd.sources.stream.pty import PtyProcess, environment, spawn
from solrecd.sources.stream.ssh.algorithms import algorithm_options
from solrecd.sources.stream.ssh.options import SshOptions

CONNECTING: Final = 15
"""Seconds in which ssh has to get a connection and the other end's version."""

UNANSWERED: Final = 3
"""Questions for a sign of life without an answer, after which ssh ends."""

_ASKPASS: Final = Path(__file__).with_name("askpass")

_MOST_ERRORS: Final = 1 << 15
"""Bytes of what ssh says on its standard error; the rest is lost."""

_ALWAYS: Final[Mapping[str, str]] = {
    "AddKeysToAgent": "no",
    "CheckHostIP": "no",
    "ClearAllForwardings": "yes",
    "Compression": "no",
    "ConnectTimeout": str(CONNECTING),
    "ConnectionAttempts": "1",
    "ControlMaster": "no",
    "ControlPath": "none",
    "EscapeChar": "none",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "GSSAPIAuthentication": "no",
    "GlobalKnownHostsFile": "/dev/null",
    "HashKnownHosts": "no",
    "HostbasedAuthentication": "no",
    "IdentitiesOnly": "yes",
    "LogLevel": "VERBOSE",
    "NumberOfPasswordPrompts": "1",
    "PermitLocalCommand": "no",
    "ProxyCommand": "none",
    "RequestTTY": "force",
    "ServerAliveCountMax": str(UNANSWERED),
    "TCPKeepAlive": "yes",
    "UpdateHostKeys": "no",
    "VerifyHostKeyDNS": "no",
}


def command_line(options: SshOptions, learned: str) -> Sequence[str]:
    """Return the words with which ssh is run.

    Args:
        options: of the console.
        learned: path of the file with the host keys that were learned.
    """
    files = f"{_quoted(learned)} {_quoted(options.known_hosts)}"
    settings = {
        **_ALWAYS,
        **_authentication(options),
        **algorithm_options(options.algorithms),
        "Port": str(options.port),
        "ServerAliveInterval": str(round(options.keepalive)),
        "StrictHostKeyChecking": "accept-new" if options.learns else "yes",
        "User": options.username,
        "UserKnownHostsFile": files,
    }
    words = [
        word for key, value in settings.items() for word in ("-o", f"{key}={value}")
    ]
    there = () if options.prompt or not options.enter else ("; ".join(options.enter),)
    return ("ssh", "-F", "none", *words, "--", options.host, *there)


def _authentication(options: SshOptions) -> Mapping[str, str]:
    """Return the options that say how to log in."""
    keys = {"IdentityAgent": _quoted(options.identity_agent) or "none"}
    if options.identity_file:
        keys["IdentityFile"] = _quoted(options.identity_file)
    elif options.identity_agent:
        keys["IdentitiesOnly"] = "no"
    has_key = options.identity_file or options.identity_agent
    ways = ["publickey"] if has_key else []
    if options.password is not None:
        ways += ["password", "keyboard-interactive"]
    is_alone = "no" if options.password is not None else "yes"
    more = {"PreferredAuthentications": ",".join(ways), "BatchMode": is_alone}
    if not has_key:
        more["PubkeyAuthentication"] = "no"
    return {**keys, **more}


def _quoted(path: str) -> str:
    """Return a path as ssh_config(5) takes it, in which ``%`` begins a token."""
    return '"{}"'.format(path.replace("%", "%%")) if path else ""


class Client:
    """ssh's process, and what it says of itself.

    Args:
        process: runs on a terminal.
        errors: memory that is its standard error.
    """

    def __init__(self, process: PtyProcess, errors: int) -> None:
        self.process = process
        self.errors = errors

    @property
    def said(self) -> bytes:
        """What ssh said on its standard error."""
        return said_in(self.errors)


def said_in(errors: int) -> bytes:
    """Return what ssh wrote into that memory; it begins with a line end."""
    # The descriptor is a copy of ssh's, and shares its offset.
    written = os.lseek(errors, 0, os.SEEK_CUR)
    return b"\n" + os.pread(errors, written, 0)


def start(options: SshOptions, learned: str, answer: int | None) -> Client:
    """Run ssh.

    Args:
        options: of the console.
        learned: path of the file with the host keys that were learned.
        answer: descriptor of the password.

    Raises:
        OSError: it cannot be run.
    """
    environ = dict(environment(os.environ))
    if answer is not None:
        environ["SSH_ASKPASS"] = str(_ASKPASS)
        environ["SSH_ASKPASS_REQUIRE"] = "force"
        environ["SOLRECD_SSH_ANSWER"] = f"/proc/{os.getpid()}/fd/{answer}"
    errors = _bounded_memory()
    try:
        # The other end's terminal is set as ours is found: as a person's would be.
        words = command_line(options, learned)
        process = spawn(words, environ, errors, is_raw=False)
    except BaseException:
        os.close(errors)
        raise
    return Client(process, errors)


def _bounded_memory() -> int:
    """Return memory that a talkative server cannot fill without end."""
    fd = os.memfd_create("ssh-errors", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, _MOST_ERRORS)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
    return fd


@contextmanager
def answering(password: Secret | None) -> Iterator[int | None]:
    """Have a password in memory while ssh may ask for it; give its descriptor."""
    if password is None:
        yield None
        return
    fd = os.memfd_create("ssh-answer", os.MFD_CLOEXEC)
    try:
        os.fchmod(fd, 0o400)
        os.write(fd, password.reveal() + b"\n")
        yield fd
    finally:
        os.close(fd)
