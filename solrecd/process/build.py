"""How this solrecd was built: with its hot modules compiled, or as Python alone."""

from importlib.machinery import EXTENSION_SUFFIXES, PathFinder
from pathlib import Path
from typing import Final

from solrecd import __version__

_PACKAGE: Final = str(Path(__file__).parents[1] / "events")
_COMPILED: Final = "event"
"""One of the modules that pyproject.toml has compiled where that can be."""


def version_text() -> str:
    """Return the version and how it was built, for people."""
    spec = PathFinder.find_spec(_COMPILED, [_PACKAGE])
    origin = "" if spec is None else str(spec.origin)
    how = "compiled" if origin.endswith(tuple(EXTENSION_SUFFIXES)) else "pure Python"
    return f"{__version__} ({how})"
