"""Options out of the settings of one table: plain values, secrets, files to read."""

from __future__ import annotations

from typing import Any, Final

from solrecd.config.console_settings import check_secret
from solrecd.config.errors import Problems
from solrecd.config.keys import Key
from solrecd.config.secret_sources import (
    STAND_IN,
    ConfigEnvironment,
    SecretKind,
    SecretSource,
    fetch_line,
)
from solrecd.config.settings import Settings
from solrecd.config.values import absolute_path, text
from solrecd.process.secret import Secret

SECRET_MAX: Final = 4096
"""Bytes of a token, a password or a key."""

_secret = text(min_bytes=1, max_bytes=SECRET_MAX, hidden=True)
_credential = text(min_bytes=1, max_bytes=255)


def secret_keys(key: str, what: str, example: str) -> dict[str, Key]:
    """Return the three keys of which one gives a secret, for `OptionReader.secret`.

    Args:
        key: the one that has the secret itself.
        what: the secret is, the subject of a sentence.
        example: of the secret itself.
    """
    return {
        f"{key}_credential": Key(
            _credential,
            f"{what} is the systemd credential of this name, from `LoadCredential=` of"
            " the unit.",
            example=f"alerts-{key}",
        ),
        f"{key}_file": Key(
            absolute_path,
            f"{what} is in this file, which no other user may read (mode 0600).",
            example=f"/etc/solrecd/alerts.{key}",
        ),
        key: Key(
            _secret,
            f"{what} itself, in a file of mode 0600. `{key}_credential` or"
            f" `{key}_file` is better.",
            example=example,
        ),
    }


class OptionReader:
    """The settings of one table, for what makes options out of them.

    Nothing here raises: mistakes are noted, with the place of their key.

    Args:
        settings: the parsed values that the table gives.
        environment: what secrets and files are fetched from.
        problems: takes all mistakes.
    """

    def __init__(
        self, settings: Settings, environment: ConfigEnvironment, problems: Problems
    ) -> None:
        self._settings = settings
        self._environment = environment
        self._problems = problems
        self.lacks_credential = False
        """A secret is `STAND_IN`: only the service itself has it."""

    def __contains__(self, key: str) -> bool:
        """Whether the table gives a key, with an allowed value."""
        return key in self._settings

    def values(self, *keys: str) -> dict[str, Any]:
        """Return those of the keys that are given, with their values."""
        return {key: self._settings[key].value for key in keys if key in self}

    def note(self, key: str, problem: str) -> None:
        """Note what is wrong with the value of a key that is given."""
        self._problems.add(self._settings[key].given.problem(problem))

    def secret(self, key: str) -> Secret | None:
        """Return the secret of one of the keys of `secret_keys`; None: there is none.

        Args:
            key: the one that has the secret itself.
        """
        kinds = {key + kind.value: kind for kind in SecretKind}
        check_secret(self._settings, kinds, self._problems)
        for name, kind in kinds.items():
            if name in self:
                return self._fetch(name, kind)
        return None

    def _fetch(self, key: str, kind: SecretKind) -> Secret | None:
        source = SecretSource(kind, self._settings[key].value)
        try:
            found = _usable(fetch_line(source, self._environment))
        except ValueError as error:
            self.note(key, str(error))
            return None
        self.lacks_credential |= found == STAND_IN
        return Secret(found)

    def check_readable(self, key: str) -> None:
        """Note when the file that a key names cannot be read."""
        for path in self.values(key).values():
            try:
                self._environment.read_bytes(path)
            except OSError as error:
                self.note(key, f"cannot read {path}: {error.strerror or error}")


def _usable(secret: bytes) -> bytes:
    if not 1 <= len(secret) <= SECRET_MAX or b"\0" in secret or b"\n" in secret:
        raise ValueError(
            f"found a secret of {len(secret)} bytes; allowed: one line of 1 to"
            f" {SECRET_MAX} bytes"
        )
    return secret
