"""The service as an operator has it: systemctl, its journal, its archives."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.systemd.nspawn import CommandError, Machine

CONFIGURATION = "/etc/solrecd/solrecd.toml"
PATIENCE = 60.0
START_PATIENCE = 120.0
_SHOWN = 6000
"""Characters of the journal in a failure's text."""

HEAD = """\
[daemon]
metrics = ""
compress = false
"""


class Service:
    """One unit of the machine.

    Args:
        machine: it runs there.
        unit: its name.
        instance: of the template; empty: the unit is none.
    """

    def __init__(self, machine: Machine, unit: str, instance: str = "") -> None:
        self.machine = machine
        self.unit = unit
        self._instance = instance
        self._cursor = ""
        self.forget_messages()

    # What an operator does.

    def configure(self, consoles: str, path: str = CONFIGURATION) -> None:
        """Write the configuration; the password is in it, so it is the daemon's own."""
        script = f"install -D -m 600 -o solrecd /dev/stdin {path}"
        self.machine.run(script, stdin=HEAD + consoles)

    def systemctl(self, verb: str, *, check: bool = True) -> str:
        """Do something to the unit, and wait until systemd has done it.

        Raises:
            CommandError: it failed, and ``check`` is set; the text has the journal's.
        """
        try:
            return self.machine.run(f"systemctl {verb} {self.unit}", check=check)
        except CommandError as error:
            raise CommandError(f"{error}\n{self.messages}") from None

    def show(self, name: str) -> str:
        """Return a property of the unit."""
        return self.systemctl(f"show --value --property={name}").strip()

    @property
    def pid(self) -> int:
        """The daemon's process, as the machine numbers it; 0: none."""
        return int(self.show("MainPID"))

    def restart(self) -> None:
        """Restart it as an operator does."""
        self.systemctl("restart")

    def kill(self) -> None:
        """Kill the daemon; return when systemd has started it again."""
        self._replace("SIGKILL")

    def stop_breathing(self) -> None:
        """Stop the process; return when the watchdog has had it replaced."""
        self._replace("SIGSTOP")

    def _replace(self, by_signal: str) -> None:
        # The wait is long enough for a thousand consoles on a busy machine.
        before = self.pid
        self.signal(by_signal)
        wait_until(
            lambda: self.pid not in (0, before) and self.show("SubState") == "running",
            lambda: self.messages,
            seconds=START_PATIENCE,
        )

    def signal(self, name: str) -> None:
        """Send the daemon a signal."""
        self.systemctl(f"kill --kill-whom=main --signal={name}")

    def forget_messages(self) -> None:
        """Let `messages` begin here."""
        shown = self.machine.run("journalctl --sync; journalctl -n 1 --show-cursor -q")
        self._cursor = shown.split("cursor: ")[1].strip()

    @property
    def messages(self) -> str:
        """What the daemon, and systemd about it, wrote to the journal."""
        return self.machine.run(
            "journalctl --sync; journalctl --quiet --output=cat "
            f"--unit={self.unit} --after-cursor='{self._cursor}'"
        )

    @contextmanager
    def changed(self, settings: str) -> Iterator[None]:
        """Change the unit's settings for a while, by a drop-in."""
        folder = f"/run/systemd/system/{self.unit}.d"
        script = f"mkdir -p {folder} && cat > {folder}/test.conf"
        self.machine.run(f"{script} && systemctl daemon-reload", stdin=settings)
        try:
            yield
        finally:
            self.machine.run(f"rm -r {folder} && systemctl daemon-reload")

    # What it left.

    def folder(self, name: str) -> Path:
        """Return a console's archive."""
        return self.machine.root / "var/log/solrecd" / self._instance / name

    def raw(self, name: str) -> bytes:
        """Return everything recorded of a console."""
        return b"".join(
            it.read_bytes() for it in sorted(self.folder(name).glob("2*.raw"))
        )

    def text(self, name: str) -> str:
        """Return the text of a console's log."""
        return "".join(
            it.read_text() for it in sorted(self.folder(name).glob("2*.log"))
        )

    def clear(self) -> None:
        """Remove what was recorded, and what failed."""
        self.machine.run(
            f"systemctl stop {self.unit}; systemctl reset-failed {self.unit} || :;"
            "rm -rf /var/log/solrecd/* /var/lib/solrecd/* /run/solrecd/*"
        )


_PAUSE = re.compile(r"# restart: ([0-9.]+) s, session kept\n")


def pauses(log: str) -> list[float]:
    """Return how long nothing was read, by the notes of sessions that went on."""
    return [float(pause) for pause in _PAUSE.findall(log)]


def wait_until(
    condition: Callable[[], object],
    why: Callable[[], object] = lambda: "",
    seconds: float = PATIENCE,
) -> float:
    """Wait for something, and return how many seconds that took.

    Raises:
        AssertionError: it did not come; ``why`` tells what is the matter.
    """
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, str(why())[-_SHOWN:]
        time.sleep(0.02)
    return time.monotonic() - began


def console(name: str, address: str, **keys: str) -> str:
    """Return a console's table of the configuration."""
    settings: Mapping[str, str] = {"bmc": address, "username": "recorder"} | keys
    lines = "".join(f'{key} = "{value}"\n' for key, value in settings.items())
    credential = "" if "password" in settings else 'password_credential = "bmc"\n'
    return f"[console.{name}]\n{lines}{credential}"
