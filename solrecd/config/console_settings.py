"""The settings of one ``[console.X]`` table: its own over the defaults, checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from solrecd.config.console_keys import INSECURE_SUITES, KG_KEYS, PASSWORD_KEYS
from solrecd.config.document import Given
from solrecd.config.errors import Problems
from solrecd.config.keys import Schema
from solrecd.config.secret_sources import OTHERS, SecretKind
from solrecd.config.settings import Setting, Table, parse_settings

Settings = Mapping[str, Setting]


def read_settings(table: Table, schema: Schema, problems: Problems) -> Settings:
    """Return the settings of one table, ``[defaults]`` or that of a console."""
    settings = parse_settings(table, schema, problems)
    for keys in (PASSWORD_KEYS, KG_KEYS):
        check_secret(settings, keys, problems)
    return settings


def check_secret(
    settings: Settings, keys: Mapping[str, SecretKind], problems: Problems
) -> None:
    """Note a secret given twice, and one in a file that others can read.

    Args:
        settings: of one table.
        keys: the keys that may give this secret.
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


def merge(own: Settings, defaults: Settings) -> Settings:
    """Return the own settings over the defaults.

    An own secret replaces the default one, wherever that is kept, and an own
    ``on_conflict`` speaks for ``on_stolen`` too.
    """
    hidden: set[str] = set()
    for keys in (PASSWORD_KEYS, KG_KEYS):
        if keys.keys() & own.keys():
            hidden.update(keys)
    if "on_conflict" in own:
        hidden.add("on_stolen")
    kept = {key: one for key, one in defaults.items() if key not in hidden}
    merged = {**kept, **own}
    if "on_conflict" in merged:
        merged.setdefault("on_stolen", merged["on_conflict"])
    return merged


def check_complete(table: Given, said: Collection[str], problems: Problems) -> None:
    """Note what a console cannot do without.

    Args:
        table: the console's table.
        said: keys that it or the defaults give, also those with wrong values.
        problems: takes the problems.
    """
    for key in ("bmc", "username"):
        if key not in said:
            problems.add(table.problem(f"has no {key}, and [defaults] has none"))
    if PASSWORD_KEYS.keys().isdisjoint(said):
        text = f"has no password; allowed: one of {', '.join(PASSWORD_KEYS)}"
        problems.add(table.problem(text))


def check_suites(settings: Settings, problems: Problems) -> None:
    """Note cipher suites that protect nothing, unless that is asked for."""
    suites, insecure = settings.get("cipher_suites"), settings.get("insecure")
    if suites is None:
        return
    if not suites.value:
        problems.add(suites.given.problem("names no cipher suite"))
    weak = INSECURE_SUITES.intersection(suites.value)
    if weak and not (insecure and insecure.value):
        shown = ", ".join(map(str, sorted(weak)))
        text = f"found {shown}, without integrity or encryption; allowed: 3, 17,"
        problems.add(suites.given.problem(f"{text} or more with insecure = true"))
