"""What a table may be of several kinds of: each kind has keys and options of its own.

The configuration knows no kind. Who composes the program hands the kinds to
`reading.parse`, out of a table beside what they are: of receivers of alerts in
`solrecd.alerts.senders.table`. To the rest of the configuration a kind's options are
opaque: they are made, kept, and compared at a reload.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

from solrecd.config.keys import Schema, defaults_of
from solrecd.config.options import OptionReader

OptionsT = TypeVar("OptionsT")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableKind(Generic[OptionsT]):
    """One kind, by the name that a table has in the key which tells the kind."""

    name: str
    help: str
    """What it is, as in `keys.Key.help`: the reference explains the kind with it."""
    keys: Schema
    """Its own, beside those that all kinds have."""
    required: str
    """The one of these that it cannot do without."""
    options: type[OptionsT]
    """What `build` returns: a frozen dataclass of this kind alone."""
    build: Callable[[OptionReader], OptionsT]
    """Makes the options out of settings; notes mistakes there. The required key is
    among the settings."""
    defaults_from: tuple[type, ...] = ()
    """Dataclasses inside of the options whose fields are keys as well."""

    @property
    def defaults(self) -> Mapping[str, Any]:
        """What keys that are not given are, by their names."""
        models = (self.options, *self.defaults_from)
        return {key: it for one in models for key, it in defaults_of(one).items()}


Kinds = Mapping[str, TableKind[Any]]
"""Kinds by their names, in the order in which they are explained."""

NO_KINDS: Final[Kinds] = MappingProxyType({})
