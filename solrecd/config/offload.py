"""The ``[offload]`` table as the rest of solrecd has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from solrecd.process.secret import Secret

SCHEME = "s3://"
"""What the URL of a store begins with."""

DEFAULT_REGION = "us-east-1"
"""Where none is given; servers other than Amazon's take any."""


class Bucket(NamedTuple):
    """A place in an object store."""

    name: str
    prefix: str
    """Of all keys, without slashes around it; may be empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OffloadConfig:
    """Where closed segments are copied to. Durations in seconds, None is "off"."""

    url: str
    """``s3://BUCKET/PREFIX``."""
    endpoint: str = ""
    """URL of the server; empty: Amazon's in the region."""
    region: str = DEFAULT_REGION
    access_key: str = ""
    secret_key: Secret | None = None
    """Both or neither; neither: the role of the machine that this runs on."""
    session_token: Secret | None = None
    """Of an account that is lent for a while; no key of the configuration."""
    ca_file: str | None = None
    """PEM, beside the system's."""
    member: str = ""
    """Of the recorders that write there; empty: the name of this machine."""
    keep_local: float | None = None
    """Seconds that a closed segment stays here once it is in the store."""
    retention: float | None = None
    """Seconds that a segment stays in the store."""

    @property
    def bucket(self) -> Bucket:
        """What the URL means."""
        return parse_url(self.url)


def parse_url(text: str) -> Bucket:
    """Return the bucket and prefix of ``s3://BUCKET/PREFIX``.

    Raises:
        ValueError: it is no such URL.
    """
    rest = text.removeprefix(SCHEME)
    name, _, prefix = rest.partition("/")
    prefix = prefix.strip("/")
    parts = prefix.split("/") if prefix else []
    if rest == text or not name or any(part in {"", ".", ".."} for part in parts):
        raise ValueError(f"found {text!r}; allowed: {SCHEME}BUCKET/PREFIX")
    if not text.isascii() or not text.isprintable() or set(text) & set(" ?#"):
        raise ValueError(f"found {text!r}; allowed: a URL of plain ASCII without ?")
    return Bucket(name, prefix)
