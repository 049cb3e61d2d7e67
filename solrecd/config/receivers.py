"""The ``[alerts.NAME]`` tables: `ReceiverConfig`s, secrets fetched."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from solrecd.config import alert_values as v
from solrecd.config.alert_keys import REQUIRED, SECRET_MAX, TYPES, keys_of
from solrecd.config.alerts import (
    Alertmanager,
    Hook,
    Http,
    ReceiverConfig,
    Selection,
    Webhook,
)
from solrecd.config.console_settings import check_secret
from solrecd.config.document import Document, Given
from solrecd.config.errors import Problems
from solrecd.config.secret_sources import (
    ConfigEnvironment,
    SecretKind,
    SecretSource,
    fetch,
)
from solrecd.config.settings import Setting, Settings, Table, parse_settings
from solrecd.config.values import refusal, suggestion
from solrecd.process.secret import Secret

_SELECTING: Final = ("kinds", "names", "severity", "match")
_PLAIN: Final = ("labels", "damping", "resolve_after", "excerpt", "runbook", "link")
_HOOK_PLAIN: Final = ("command", "timeout", "concurrency", "send_resolved")
_HTTP_PLAIN: Final = ("timeout", "ca_file", "proxy", "username")


class ReceiverReader:
    """Reads the receivers of one file after the other into `receivers`.

    Args:
        environment: what secrets are fetched from.
        problems: takes all mistakes.
        consoles: the names of all consoles.
    """

    def __init__(
        self,
        environment: ConfigEnvironment,
        problems: Problems,
        consoles: Collection[str],
    ) -> None:
        self.receivers: dict[str, ReceiverConfig] = {}
        self._environment = environment
        self._problems = problems
        self._consoles = consoles
        self._first: dict[str, Given] = {}

    def read(self, document: Document, tables: Mapping[str, Any]) -> None:
        """Read the receivers of a file."""
        for name, table in tables.items():
            given = Given(table, document, ("alerts", name))
            try:
                self._read(v.receiver_name(name), given)
            except ValueError as error:
                self._problems.add(given.problem(str(error)))

    def _read(self, name: str, given: Given) -> None:
        first = self._first.setdefault(name, given)
        if first is not given:
            place = first.document.place_of(first.path)
            raise ValueError(f"is already given at {place}")
        if not isinstance(given.value, dict):
            raise refusal(given.value, f"a table, [alerts.{name}]")
        table = {
            key: Given(value, given.document, (*given.path, key))
            for key, value in given.value.items()
        }
        kind = self._type(table)
        settings = parse_settings(table, keys_of(kind), self._problems)
        if REQUIRED[kind] not in table:
            raise ValueError(f"has no {REQUIRED[kind]}")
        if REQUIRED[kind] in settings:
            self.receivers[name] = self._build(name, kind, settings)

    def _type(self, table: Table) -> str:
        given = table.get("type")
        if given is None:
            raise ValueError(f"has no type; allowed: {', '.join(TYPES)}")
        if given.value not in list(TYPES):
            hint = suggestion(str(given.value), TYPES)
            raise ValueError(f"has an unknown type; {hint}")
        return str(given.value)

    def _build(self, name: str, kind: str, settings: Settings) -> ReceiverConfig:
        target: Alertmanager | Webhook | Hook
        match kind:
            case "alertmanager":
                http = self.http(settings)
                target = Alertmanager(http=http, **_values(settings, "urls", "resend"))
            case "webhook":
                target = Webhook(
                    http=self.http(settings),
                    secret=self._secret("secret", settings),
                    **_values(settings, "url", "queue_size", "send_resolved"),
                )
            case _:
                target = Hook(**_values(settings, *_HOOK_PLAIN))
        return ReceiverConfig(
            name=name,
            target=target,
            selection=self._selection(settings),
            **_values(settings, *_PLAIN),
        )

    def _selection(self, settings: Settings) -> Selection:
        fields = _values(settings, *_SELECTING)
        words = settings.get("consoles")
        if words is not None:
            try:
                fields["consoles"] = v.chosen(words.value, self._consoles)
            except ValueError as error:
                self._problems.add(words.given.problem(str(error)))
        return Selection(**fields)

    def http(self, settings: Settings) -> Http:
        """Return how to talk to a server; mistakes are noted."""
        password = self._secret("password", settings)
        if (password is None) != ("username" not in settings):
            given = settings.get("username") or next(
                one for key, one in settings.items() if key.startswith("password")
            )
            text_ = "username and a password go together: one of them is missing"
            self._problems.add(given.given.problem(text_))
        token = self._secret("token", settings)
        if token is not None and password is not None:
            given = settings["username"]
            self._problems.add(
                given.given.problem("stands beside a token; allowed: one")
            )
        self._check_readable(settings.get("ca_file"))
        fields = _values(settings, *_HTTP_PLAIN)
        return Http(password=password, token=token, **fields)

    def _check_readable(self, setting: Setting | None) -> None:
        if setting is None:
            return
        try:
            self._environment.read_bytes(setting.value)
        except OSError as error:
            text_ = f"cannot read {setting.value}: {error.strerror or error}"
            self._problems.add(setting.given.problem(text_))

    def _secret(self, key: str, settings: Settings) -> Secret | None:
        kinds = {key + kind.value: kind for kind in SecretKind}
        check_secret(settings, kinds, self._problems)
        for name, kind in kinds.items():
            if name in settings:
                source = SecretSource(kind, settings[name].value)
                try:
                    return Secret(_usable(fetch(source, self._environment)))
                except ValueError as error:
                    self._problems.add(settings[name].given.problem(str(error)))
        return None


def _usable(secret: bytes) -> bytes:
    if not 1 <= len(secret) <= SECRET_MAX or b"\0" in secret or b"\n" in secret:
        raise ValueError(
            f"found a secret of {len(secret)} bytes; allowed: one line of 1 to"
            f" {SECRET_MAX} bytes"
        )
    return secret


def _values(settings: Settings, *keys: str) -> dict[str, Any]:
    return {key: settings[key].value for key in keys if key in settings}
