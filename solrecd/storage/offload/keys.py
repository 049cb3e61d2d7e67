"""What things are called in a store; pure."""

from __future__ import annotations

from typing import NamedTuple

MANIFESTS = ".manifests"
"""The folder of manifests: no console's name begins with a dot."""

WORDS = "words"
ROWS = "rows.zst"

_JSON = ".json"


def manifest_key(console: str, member: str) -> str:
    """Return the key of a manifest."""
    return f"{MANIFESTS}/{console}/{member}{_JSON}"


class ManifestKey(NamedTuple):
    """Whose manifest it is."""

    console: str
    member: str


def parse_manifest_key(key: str) -> ManifestKey | None:
    """Return what a key says; None: it is none of a manifest."""
    folder, _, rest = key.partition("/")
    console, _, name = rest.partition("/")
    member = name.removesuffix(_JSON)
    if folder != MANIFESTS or not _is_name(console):
        return None
    return ManifestKey(console, member) if member != name and member else None


def file_key(console: str, stem: str, suffix: str) -> str:
    """Return the key of a file of a segment."""
    return f"{console}/{stem}.{suffix}"


def _is_name(text: str) -> bool:
    """Whether this can be the folder of a console, here too."""
    return bool(text) and not text.startswith(".") and "\0" not in text
