"""What a kind of console brings into the configuration: keys, secrets, a parser.

The configuration knows no kind by itself: `parse` is given a table of them, and what a
kind reads stays opaque in `ConsoleConfig.options`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from solrecd.config.errors import Problems
from solrecd.config.keys import Schema
from solrecd.config.model import Options
from solrecd.config.secret_sources import SecretKind
from solrecd.config.settings import Settings
from solrecd.process.secret import Secret

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SecretKeys:
    """The keys that may give one secret: ``kg``, ``kg_file`` and ``kg_credential``."""

    name: str
    """What the secret is called, and the key that holds it itself."""
    decode: Callable[[bytes], bytes]
    """Returns what the text stands for, or raises a `ValueError` that reads "found X;
    allowed: Y"."""
    is_required: bool = False
    keys: Mapping[str, SecretKind] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        keys = {self.name + kind.value: kind for kind in SecretKind}
        object.__setattr__(self, "keys", MappingProxyType(keys))


class Values(Protocol):
    """The settings of one console, its own over the defaults."""

    @property
    def name(self) -> str:
        """The console's name."""

    @property
    def plain(self) -> Mapping[str, Any]:
        """The values of all keys that are not secrets, as written."""

    def expanded(self, key: str, parse: Callable[[str], T]) -> T | None:
        """Return a value in which ``{name}`` and ``{n}`` are replaced, then parsed.

        None where it is not given, or wrong: that is noted.
        """

    def made(self, key: str, make: Callable[[str], T]) -> T | None:
        """Return what is made of the console's name for a key, where it can be.

        None where it cannot: that is noted as wrong with the key.
        """

    def secret(self, keys: SecretKeys) -> Secret | None:
        """Return a secret; None where it is not given, or cannot be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleKind:
    """A kind of console, as the configuration sees it."""

    name: str
    """The value of the key ``kind``."""
    help: str
    """What such a console is, in whole sentences, as in `keys.Key`."""
    keys: Schema
    """Those of this kind alone, in the order in which they are explained."""
    defaults: Mapping[str, Any]
    """What keys that are not given are; absent: there is no default."""
    build: Callable[[Values], Options | None]
    """Returns what the source wants to know; None where something is missing, which
    is noted."""
    secrets: tuple[SecretKeys, ...] = ()
    required: tuple[str | tuple[str, ...], ...] = ()
    """Keys that every console of this kind needs, here or in the defaults; of several
    together, one."""
    implied: Mapping[str, str] = field(default_factory=dict)
    """Keys that go by another one where that is given and they are not: a console's
    own counts for both."""
    shared: Schema = field(default_factory=dict)
    """Those of `keys` that other kinds have as well: they are explained once."""
    power: Callable[[Values], object | None] = lambda _values: None
    """Returns how the machine's power is switched, where consoles of this kind cannot
    do it themselves; see `solrecd.sources.power`."""
    check: Callable[[Settings, Problems], None] = lambda _settings, _problems: None
    """Notes what is wrong between the keys of one table."""


ConsoleKinds = Mapping[str, ConsoleKind]
"""The kinds there are, by name; the first one is that of a console that says none."""


def console_kinds(*kinds: ConsoleKind) -> ConsoleKinds:
    """Return kinds by their names, in this order."""
    return MappingProxyType({kind.name: kind for kind in kinds})
