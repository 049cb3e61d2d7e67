"""Makes pages out of templates; everything in them is escaped.

Jinja is imported when the first page is asked for: most recorders never show one, and
it takes three megabytes.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from solrecd import __version__
from solrecd.analysis.text.visible import visible
from solrecd.process.stamps import SECOND, parse_stamp

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER: Final = Path(__file__).parent


class Templates:
    """The templates of this package."""

    @cached_property
    def _environment(self) -> Environment:
        # Imported here: see above.
        from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

        environment = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters.update(
            visible=_shown, screen=_screen, moment=moment, span=duration
        )
        environment.globals.update(version=__version__)
        return environment

    def render(self, name: str, values: Mapping[str, Any]) -> str:
        """Return a page; may block while templates are read for the first time."""
        return self._environment.get_template(name).render(values)


def _shown(text: object) -> str:
    return visible(str(text))


def _screen(text: str) -> str:
    return "\n".join(visible(line) for line in text.split("\n"))


def moment(time_: str | None) -> str:
    """Return a time of the contract as pages show it: UTC, to the second."""
    return "" if time_ is None else f"{time_[:10]} {time_[11:19]}"


def duration(seconds: float) -> str:
    """Return a duration in a few characters: 4.2 s, 59 s, 12 min, 3 h 05, 12 d."""
    if seconds < 10:
        return f"{max(seconds, 0.0):.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    if minutes < 100:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h {minutes % 60:02}" if hours < 48 else f"{hours // 24} d"


def since(time_: str | None) -> str:
    """Return how long ago a time of the contract was."""
    if time_ is None:
        return ""
    return duration(time.time() - parse_stamp(time_) / SECOND)


def utc(seconds: float) -> str:
    """Return seconds since the epoch as `moment` shows them."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
