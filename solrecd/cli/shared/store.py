"""Opens an archive in an object store: ``--dir s3://BUCKET/PREFIX``."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from solrecd.cli.program import CommandError, Exit
from solrecd.cli.shared import config_files
from solrecd.config import ConfigError
from solrecd.config.offload import DEFAULT_REGION, OffloadConfig, parse_url
from solrecd.config.reading import parse_offload
from solrecd.process.secret import Secret
from solrecd.storage.offload.cache import Cache
from solrecd.storage.offload.reading import StoreArchive
from solrecd.storage.offload.store import Store, StoreError


def open_archive(url: str, config: str | None) -> StoreArchive:
    """Return the archive at a URL.

    Args:
        url: ``s3://BUCKET/PREFIX``.
        config: a configuration file whose ``[offload]`` names server and account; None:
            the environment does, or the usual file where the environment has no key.

    Raises:
        CommandError: it cannot be opened.
    """

    def fail(text: str) -> NoReturn:
        raise CommandError(f"{url}: {text}", Exit.UNREACHABLE)

    chosen = _chosen(url, config, os.environ)
    try:
        return StoreArchive(Store(chosen), Cache(_folder(chosen, os.environ)), fail)
    except StoreError as error:
        raise CommandError(f"{url}: {error}") from None
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from None


def _chosen(url: str, config: str | None, environ: Mapping[str, str]) -> OffloadConfig:
    try:
        parse_url(url)
    except ValueError as error:
        raise CommandError(f"--dir: {error}") from None
    if config is not None or "AWS_ACCESS_KEY_ID" not in environ:
        found = _configured(config)
        if found is not None:
            return replace(found, url=url.rstrip("/"))
    return from_environment(url, environ)


def _configured(path: str | None) -> OffloadConfig | None:
    """Return the ``[offload]`` of a file, and of none that was not named."""
    try:
        return parse_offload(
            config_files.read_sources(path or config_files.DEFAULT_PATH),
            config_files.environment(),
        )
    except ConfigError as error:
        if path is None:
            return None
        raise CommandError(str(error)) from None


def from_environment(url: str, environ: Mapping[str, str]) -> OffloadConfig:
    """Return where a store is by the variables that Amazon's tools read."""
    key, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    token = environ.get("AWS_SESSION_TOKEN")
    is_complete = bool(key and secret)
    return OffloadConfig(
        url=url.rstrip("/"),
        endpoint=environ.get("AWS_ENDPOINT_URL_S3")
        or environ.get("AWS_ENDPOINT_URL")
        or "",
        region=environ.get("AWS_REGION")
        or environ.get("AWS_DEFAULT_REGION")
        or DEFAULT_REGION,
        access_key=key or "" if is_complete else "",
        secret_key=Secret((secret or "").encode()) if is_complete else None,
        session_token=Secret(token.encode()) if token and is_complete else None,
        ca_file=environ.get("AWS_CA_BUNDLE") or None,
    )


def _folder(config: OffloadConfig, environ: Mapping[str, str]) -> Path:
    """Return where what is fetched from a store is kept."""
    caches = environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    which = hashlib.sha256(f"{config.endpoint} {config.url}".encode()).hexdigest()
    return Path(caches, "solrecd", which[:16])
