"""Where marker rules come from: the package, then the administrator's own files.

The files in /etc/solrecd/markers.d/*.toml add rules or switch packaged ones off
(``disable = ["id"]``). Everything that reads consoles reads the same ones.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Final

from solrecd.boot.rules import RuleError, RuleSet, load_rules

USER_FOLDER: Final = "/etc/solrecd/markers.d"
"""Where an administrator's own files are looked for unless told otherwise."""


def load(folder: str | None = None) -> RuleSet:
    """Load the packaged rules, and a folder's on top of them.

    Args:
        folder: with ``*.toml`` files, read in order of their names; one that does not
            exist holds none. None: the packaged rules alone.

    Raises:
        RuleError: a file cannot be read, or a rule is wrong; the message names file,
            line and rule.
    """
    texts = _packaged()
    if folder is not None:
        texts |= _user(Path(folder))
    return load_rules(texts)


def _packaged() -> dict[str, str]:
    folder = resources.files("solrecd.boot") / "markers"
    found = sorted(folder.iterdir(), key=lambda path: path.name)
    return {path.name: path.read_text("utf-8") for path in found}


def _user(folder: Path) -> dict[str, str]:
    try:
        if not folder.exists():
            return {}
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".toml")
        return {str(path): path.read_text("utf-8") for path in paths}
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError(f"{folder}: cannot read marker files: {error}") from None
