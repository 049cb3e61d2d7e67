"""The ``[web]`` table as the rest of solrecd has it; `web_keys` reads it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """The ``[web]`` table."""

    listen: tuple[str, int] | None = ("127.0.0.1", 9624)
    """Host and TCP port of the pages; None: there are none."""
    hosts: frozenset[str] = frozenset()
    """Names that they are asked under, beside those of this machine's loopback."""
