"""What is checked of a console's settings before they become a `ConsoleConfig`."""

from __future__ import annotations

from collections.abc import Mapping, Set as AbstractSet

from solrecd.config.console_kinds import ConsoleKind
from solrecd.config.document import Given
from solrecd.config.errors import Problems
from solrecd.config.keys import Schema
from solrecd.config.secret_sources import OTHERS, SecretKind
from solrecd.config.settings import Settings, Table, parse_settings


def read_settings(
    table: Table, kind: ConsoleKind, schema: Schema, problems: Problems
) -> Settings:
    """Return the settings of one table, ``[defaults]`` or that of a console."""
    settings = parse_settings(table, schema, problems)
    for keys in kind.secrets:
        check_secret(settings, keys.keys, problems)
    return settings


def check_secret(
    settings: Settings, keys: Mapping[str, SecretKind], problems: Problems
) -> None:
    """Note a secret given twice, and one in a file that others can read.

    Args:
        settings: of one table.
        keys: those that may give this secret.
        problems: takes the problems.
    """
    found = [key for key in keys if key in settings]
    for key in found[1:]:
        text = f"stands beside {found[0]}; allowed: one of {', '.join(keys)}"
        problems.add(settings[key].given.problem(text))
    for key in found:
        if keys[key] is SecretKind.INLINE:
            _check_mode(settings[key].given, key, problems)


def _check_mode(given: Given, key: str, problems: Problems) -> None:
    mode, path = given.document.mode & 0o7777, given.document.path
    if mode & OTHERS:
        text = (
            f"is a secret in a file of mode {mode:04o}; allowed: mode 0600 or less"
            f" (chmod 600 {path}), or {key}_file, or {key}_credential"
        )
        problems.add(given.problem(text))


def merge(own: Settings, defaults: Settings, kind: ConsoleKind) -> Settings:
    """Return the own settings over the defaults.

    An own secret replaces the default one, wherever that is kept, and an own key
    speaks for those that it implies too.
    """
    hidden: set[str] = set()
    for secret in kind.secrets:
        if secret.keys.keys() & own.keys():
            hidden.update(secret.keys)
    hidden.update(key for key, source in kind.implied.items() if source in own)
    kept = {key: one for key, one in defaults.items() if key not in hidden}
    merged = {**kept, **own}
    for key, source in kind.implied.items():
        if source in merged:
            merged.setdefault(key, merged[source])
    return merged


def check_complete(
    table: Given, said: AbstractSet[str], kind: ConsoleKind, problems: Problems
) -> None:
    """Note what a console cannot do without.

    Args:
        table: the console's table.
        said: keys that it or the defaults give, also those with wrong values.
        kind: of the console.
        problems: takes the problems.
    """
    for alternatives in kind.required:
        keys = (alternatives,) if isinstance(alternatives, str) else alternatives
        if said.isdisjoint(keys):
            text = f"has no {' or '.join(keys)}, and [defaults] has none"
            problems.add(table.problem(text))
    for secret in kind.secrets:
        if secret.is_required and secret.keys.keys().isdisjoint(said):
            text = f"has no {secret.name}; allowed: one of {', '.join(secret.keys)}"
            problems.add(table.problem(text))
