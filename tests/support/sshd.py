"""OpenSSH's server on a port of its own, with BMCs behind it that act their prompts."""

from __future__ import annotations

import getpass
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from solrecd.config import ConsoleConfig
from solrecd.sources.stream.ssh.options import SshOptions
from solrecd.sources.stream.ssh.vendors import VENDORS
from tests.support.ports import free_port
from tests.support.serial_peers import Program

SSHD: Final = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin")
MISSING: Final = "openssh-server is not installed"

_BMC: Final = r"""#!/bin/sh
# A BMC's command line: a banner, a prompt, and a console behind the right commands.
echo "Welcome to the BMC"
echo
ready={needed}
while printf '\r\n%s' '{prompt}'; read -r line; do
    case $line in
    '{enter}')
        if [ -e '{folder}/refusal' ]; then
            cat '{folder}/refusal'
        elif [ -n "$ready" ]; then
            printf '{greeting}'
            socat STDIO,raw,echo=0,escape=0x1c UNIX-CONNECT:'{folder}/serial.sock'
        else
            echo "Error: the console is in use by another session"
        fi
        ;;
    '{first}') ready=1; echo ok ;;
    '') ;;
    exit) exit 0 ;;
    *) echo "Error: invalid command '$line'" ;;
    esac
done
"""


class Sshd(Program):
    """A server that only the test's own key opens.

    Args:
        folder: of the test.
        command: what every session runs; none: a shell, or what the client asks for.
        settings: more lines of sshd_config(5).
    """

    def __init__(self, folder: Path, command: str = "", settings: str = "") -> None:
        assert SSHD is not None
        self.folder = folder
        self.port = free_port()
        self.identity = folder / "id"
        self.known_hosts = folder / "known_hosts"
        if not self.identity.exists():
            make_key(self.identity)
            make_key(folder / "host")
        (folder / "authorized").write_text((folder / "id.pub").read_text())
        force = f"ForceCommand {command}\n" if command else ""
        (folder / "sshd_config").write_text(
            f"{settings}Port {self.port}\nListenAddress 127.0.0.1\n"
            f"HostKey {folder}/host\n"
            f"AuthorizedKeysFile {folder}/authorized\nPidFile none\nUsePAM no\n"
            "StrictModes no\nPasswordAuthentication no\nPrintMotd no\n"
            f"PermitRootLogin yes\nMaxStartups 500\n{force}"
        )
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # sshd gives up its rights in there
        self.know()
        super().__init__(SSHD, "-D", "-e", "-f", folder / "sshd_config")

    def know(self) -> None:
        """Put its host key among those that are known."""
        kind, key, *_ = (self.folder / "host.pub").read_text().split()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {kind} {key}\n")

    def is_ready(self) -> bool:
        """See `Program`."""
        listening = f":{self.port:04X} 00000000:0000 0A"
        return listening in Path("/proc/net/tcp").read_text()

    def options(self, **changes: Any) -> SshOptions:
        """Return what a console there says, by its key."""
        vendor = VENDORS[changes.get("vendor", "generic")]
        usual: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.port,
            "username": getpass.getuser(),
            "identity_file": str(self.identity),
            "known_hosts": str(self.known_hosts),
            "prompt": vendor.prompt,
            "enter": vendor.enter,
        }
        return SshOptions(**(usual | changes))


def make_key(path: Path) -> None:
    """Make a key pair without a passphrase, in place of another."""
    path.unlink(missing_ok=True)
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
    subprocess.run(words, check=True)


def ssh_console(name: str, options: SshOptions) -> ConsoleConfig:
    """Return the configuration of a console that is reached by ssh."""
    return ConsoleConfig(name=name, kind="ssh", options=options)


def acted(folder: Path, vendor: str) -> str:
    """Return the command that acts a vendor's command line, for a forced command."""
    habits = VENDORS[vendor]
    first, *_, last = ("", *habits.enter) if len(habits.enter) < 2 else habits.enter
    script = _BMC
    greeting = f"{habits.greeting} 1.\\r\\n" if habits.greeting else ""
    for key, value in {
        "prompt": habits.prompt.replace("*", "</>"),
        "enter": last,
        "first": first or "nothing",
        "needed": "" if first else "1",
        "greeting": greeting,
        "folder": str(folder),
    }.items():
        script = script.replace(f"{{{key}}}", value)
    path = folder / "bmc"
    path.write_text(script)
    path.chmod(0o755)
    return str(path)


@contextmanager
def throwaway_user() -> Iterator[tuple[str, str]]:
    """Have a user with a password while a test runs; as root alone."""
    name, password = f"solrec-{secrets.token_hex(4)}", secrets.token_urlsafe(12)
    add = ["useradd", "--no-create-home", "--home-dir", "/", "--shell", "/bin/sh"]
    subprocess.run([*add, name], check=True)
    try:
        line = f"{name}:{password}\n".encode()
        subprocess.run(["chpasswd"], input=line, check=True)
        yield name, password
    finally:
        subprocess.run(["userdel", name], check=True, stderr=subprocess.DEVNULL)
