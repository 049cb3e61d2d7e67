"""The ``[api]`` table: the TLS listener for those who are not on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from solrecd.config.addresses import listener
from solrecd.config.errors import Problems
from solrecd.config.keys import Key, Schema
from solrecd.config.model import ApiConfig
from solrecd.config.secret_sources import OTHERS, ConfigEnvironment
from solrecd.config.settings import Setting, Table, parse_settings
from solrecd.config.values import absolute_path, text
from solrecd.process.access import Policy
from solrecd.process.tls import TlsFiles

API_KEYS: Schema = MappingProxyType(
    {
        "listen": Key(
            listener,
            "Where the TLS listener is; people and programs on other machines need one."
            " Takes effect at the next start.",
            example="0.0.0.0:9622",
        ),
        "certificate": Key(
            absolute_path,
            "The certificate of that listener, in PEM, followed by the intermediate"
            " ones. A reload reads it again.",
            example="/etc/solrecd/api.crt",
        ),
        "key": Key(
            absolute_path,
            "The certificate's key, in PEM, which no other user may read (mode 0600). A"
            " reload reads it again.",
            example="/etc/solrecd/api.key",
        ),
        "key_credential": Key(
            text(min_bytes=1, max_bytes=255),
            "The key is the systemd credential of this name, from `LoadCredential=` of"
            " the unit; a new one needs a restart.",
            example="api-key",
        ),
        "client_ca": Key(
            absolute_path,
            "Authorities that sign certificates of clients, in PEM. They should sign"
            " nothing else: every certificate they signed is accepted, by its names.",
            example="/etc/solrecd/clients.pem",
        ),
    }
)


class ApiReader:
    """Reads the table, and checks it against the grants."""

    def __init__(self, environment: ConfigEnvironment, problems: Problems) -> None:
        self._environment = environment
        self._problems = problems

    def read(self, table: Table, policy: Policy) -> ApiConfig:
        """Return what the table says; what is wrong is noted."""
        settings = parse_settings(table, API_KEYS, self._problems)
        given = {key: setting.value for key, setting in settings.items()}
        credential = given.pop("key_credential", None)
        if credential is not None:
            self._check_one_key(settings)
            given["key"] = f"{self._environment.credentials or ''}/{credential}"
        config = ApiConfig(**given)
        if config.listen is not None:
            self._check(config, settings, policy)
        return config

    def _check_one_key(self, settings: Mapping[str, Setting]) -> None:
        if "key" in settings:
            text = "stands beside key; allowed: one of key, key_credential"
            self._problems.add(settings["key_credential"].given.problem(text))

    def _check(
        self, config: ApiConfig, settings: Mapping[str, Setting], policy: Policy
    ) -> None:
        listen = settings["listen"].given
        if not any(grant.is_remote for grant in policy.grants):
            text = "admits no caller; allowed: with tokens or certificates in [access]"
            self._problems.add(listen.problem(text))
        if config.client_ca is None and any(g.certificates for g in policy.grants):
            text = "needs client_ca: [access] names client certificates"
            self._problems.add(listen.problem(text))
        files = config.tls_files
        if files is None:
            text = "needs a certificate and its key, or key_credential"
            self._problems.add(listen.problem(text))
            return
        try:
            self._check_files(files, is_ours="key" in settings)
        except ValueError as error:
            self._problems.add(_key(settings).given.problem(str(error)))

    def _check_files(self, files: TlsFiles, *, is_ours: bool) -> None:
        """Raise `ValueError` where the files cannot be used."""
        environment = self._environment
        if not is_ours and environment.credentials is None:
            if environment.assume_credentials:
                return
            raise ValueError(
                "needs systemd, and this process was given no credentials; add"
                " LoadCredential= to the unit, or use key"
            )
        try:
            mode = environment.mode_of(files.key)
        except OSError as error:
            raise ValueError(
                f"cannot read {files.key}: {error.strerror or error}"
            ) from None
        if is_ours and mode & OTHERS:
            raise ValueError(
                f"{files.key} has mode {mode & 0o7777:04o}, so that others can read"
                f" it; allowed: 0600 or less (chmod 600 {files.key})"
            )
        environment.check_tls(files)


def _key(settings: Mapping[str, Setting]) -> Setting:
    return settings.get("key") or settings["key_credential"]
