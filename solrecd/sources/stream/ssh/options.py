"""Where a console of kind ``ssh`` is, by the configuration. Pure."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final

from solrecd.config.addresses import address
from solrecd.config.console_kinds import SecretKeys, Values
from solrecd.config.errors import Problems
from solrecd.config.keys import Key, Schema
from solrecd.config.names import expand_known
from solrecd.config.settings import Settings
from solrecd.config.values import choice, duration, one_of, refusal, some_of, text
from solrecd.process.secret import Secret
from solrecd.sources.accounts import ACCOUNT_KEYS, PASSWORD as REQUIRED_PASSWORD
from solrecd.sources.stream.ssh.algorithms import OLD
from solrecd.sources.stream.ssh.vendors import GENERIC, VENDORS, Vendor

KNOWN_HOSTS: Final = "/etc/solrecd/known_hosts"
"""Where an administrator keeps host keys."""

USUAL_PORT: Final = 22

PASSWORD: Final = SecretKeys("password", REQUIRED_PASSWORD.decode)

WAYS_IN: Final = (*PASSWORD.keys, "identity_file", "identity_agent")
"""Keys of which a console needs one."""

_PATH: Final = re.compile(r'/[^\0\n"$]{0,4000}\Z')
_COMMAND: Final = re.compile(r"[ -~]{1,500}\Z")
_MOST_COMMANDS: Final = 10
_EXPANDS: Final = " `{name}` and `{n}` expand in it."


class HostKey(enum.StrEnum):
    """Which host keys are believed."""

    KNOWN = "known"
    """Those that are in the files."""
    ACCEPT_NEW = "accept-new"
    """The first that a host shows, from then on that one only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SshOptions:
    """One console that is reached by ssh."""

    live: ClassVar[frozenset[str]] = frozenset()
    keeps_output: ClassVar[bool] = False
    host: str
    """Name or address, without port and brackets."""
    port: int = USUAL_PORT
    username: str
    password: Secret | None = None
    identity_file: str = ""
    identity_agent: str = ""
    known_hosts: str = KNOWN_HOSTS
    host_key: HostKey = HostKey.KNOWN
    vendor: str = GENERIC
    prompt: str = ""
    """As in `vendors.Vendor`."""
    enter: tuple[str, ...] = ()
    """As in `vendors.Vendor`."""
    algorithms: tuple[str, ...] = ()
    keepalive: float = 30.0
    """Seconds."""

    @property
    def place(self) -> str:
        """As people write it: user and host, and the port where it is not 22."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == USUAL_PORT else f":{self.port}"
        return f"{self.username}@{host}{port}"

    @property
    def line(self) -> str:
        """See `solrecd.config.model.Options`."""
        return " ".join((self.place, *self.enter))

    @property
    def known_as(self) -> str:
        """What the host is called in files of host keys."""
        return self.host if self.port == USUAL_PORT else f"[{self.host}]:{self.port}"

    @property
    def learns(self) -> bool:
        """The first host key is believed."""
        return self.host_key is HostKey.ACCEPT_NEW

    @property
    def habits(self) -> Vendor:
        """Those of its vendor."""
        return VENDORS[self.vendor]

    def details(self) -> Mapping[str, Any]:
        """What ``status`` shows."""
        shown = {"host": self.place.partition("@")[2], "username": self.username}
        more = {"vendor": self.vendor, "enter": list(self.enter)}
        return {**shown, **more, "escape": self.habits.escape}


def path(value: object) -> str:
    """Return an absolute path that can be written into an option of ssh's.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, str) and _PATH.match(value):
        return value
    raise refusal(value, 'an absolute path ("/...") without " and $')


def commands(value: object) -> tuple[str, ...]:
    """Return commands to type, from one or a list of them.

    Raises:
        ValueError: they are none.
    """
    found = [value] if isinstance(value, str) else value
    if value == "":
        return ()
    if not isinstance(found, list) or len(found) > _MOST_COMMANDS:
        raise refusal(value, 'a command, or a list of them, ["console start"]')
    for one in found:
        if not isinstance(one, str) or not _COMMAND.match(one):
            raise refusal(one, "a line of at most 500 printable ASCII characters")
    return tuple(found)


SSH_KEYS: Final[Schema] = MappingProxyType(
    {
        "host": Key(
            text(min_bytes=1, max_bytes=300),
            "Where it is: `host`, `host:port` or `[2001:db8::7]:port`. The port is the"
            " vendor's where none is given: 2200 of OpenBMC and BlueField, else 22."
            + _EXPANDS,
            example="{name}-bmc.example.net",
        ),
        **ACCOUNT_KEYS,
        "identity_file": Key(
            path,
            "A private key without passphrase that only the daemon's user may read. A"
            " certificate beside it, `-cert.pub`, is used too." + _EXPANDS,
            example="/etc/solrecd/id_ed25519",
        ),
        "identity_agent": Key(
            path,
            "The socket of an agent that has the keys. A console needs a password, an"
            " identity file or an agent." + _EXPANDS,
            example="/run/solrecd-agent/socket",
        ),
        "known_hosts": Key(
            path,
            "The host keys that are accepted, as `ssh-keyscan` prints them."
            + _EXPANDS
            + " Those that `accept-new` has learned are in `known_hosts` of the state"
            " folder, and accepted as well.",
        ),
        "host_key": Key(
            choice(HostKey),
            'Which host keys are accepted: `"known"`: those in the files;'
            ' `"accept-new"`: also the first one that an unknown host shows, which is'
            " kept. A changed one never is.",
        ),
        "vendor": Key(
            one_of(tuple(VENDORS)),
            "What has to be typed before the console appears: the vendor's prompt and"
            " commands; `generic`: nothing.",
            example="idrac",
        ),
        "prompt": Key(
            text(max_bytes=200),
            "The whole last line when commands can be typed, other than the vendor's:"
            " `*` stands for anything. When it comes back the console was left, and"
            ' is entered again. `""`: no prompt.',
            example="racadm>>",
        ),
        "enter": Key(
            commands,
            "What is typed at the prompt to enter the console, one command or a list,"
            " other than the vendor's. Without a prompt it is run by ssh in place of a"
            " shell. `{name}` and `{n}` expand in each, other braces stay.",
            example="connect com2",
        ),
        "algorithms": Key(
            some_of(OLD),
            "Old algorithms that are also offered, for BMCs without newer ones. They"
            " can be broken: keep such BMCs on a separate network.",
            example=["diffie-hellman-group14-sha1", "ssh-rsa"],
        ),
        "keepalive": Key(
            duration(5, 3600),
            "Send a keepalive after this long a silence; three without an answer end"
            " the session. Default: as the vendor requires, 30 s.",
            example="1m",
        ),
    }
)

SSH_DEFAULTS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "known_hosts": KNOWN_HOSTS,
        "host_key": HostKey.KNOWN,
        "vendor": GENERIC,
        "algorithms": (),
    }
)


def check_ssh(settings: Settings, problems: Problems) -> None:
    """Note a prompt at which nothing is typed."""
    prompt, enter = settings.get("prompt"), settings.get("enter")
    vendor = settings.get("vendor")
    habits = VENDORS[GENERIC if vendor is None else vendor.value]
    typed = habits.enter if enter is None else enter.value
    if prompt is not None and prompt.value and not typed:
        text = "means nothing without `enter`, what is typed at it"
        problems.add(prompt.given.problem(text))


def ssh_options(values: Values) -> SshOptions | None:
    """Return what a console of kind ``ssh`` says."""
    plain = values.plain
    target = values.expanded("host", address)
    password = values.secret(PASSWORD)
    paths = {key: _expanded_path(values, key) for key in _PATHS}
    habits = VENDORS[plain.get("vendor", GENERIC)]
    enter = _enter(values, habits)
    if target is None or enter is None or None in paths.values():
        return None
    if "username" not in plain:
        return None
    host, port = target
    given: dict[str, Any] = {key: value for key, value in paths.items() if value}
    given |= {key: plain[key] for key in _PLAIN if key in plain}
    return SshOptions(
        host=host,
        port=port or habits.port,
        username=plain["username"],
        password=password,
        prompt=plain.get("prompt", habits.prompt),
        enter=enter,
        **({"keepalive": habits.keepalive} | given),
    )


_PATHS: Final = ("identity_file", "identity_agent", "known_hosts")
_PLAIN: Final = ("host_key", "vendor", "algorithms", "keepalive")


def _expanded_path(values: Values, key: str) -> str | None:
    return values.expanded(key, path) if key in values.plain else ""


def _enter(values: Values, habits: Vendor) -> tuple[str, ...] | None:
    if "enter" not in values.plain:
        return habits.enter
    typed: tuple[str, ...] = values.plain["enter"]
    return values.made(
        "enter", lambda name: tuple(expand_known(one, name) for one in typed)
    )
