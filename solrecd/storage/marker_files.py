"""Where marker rules come from: the package, then the administrator's own files.

The files in /etc/solrecd/markers.d/*.toml add rules, switch packaged ones off
(``disable = ["id"]``) or replace them (the same id). Everything that reads consoles
reads the same ones.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Final

from solrecd.analysis.boot.rulefiles import Problem, RuleError, load_rules
from solrecd.analysis.boot.rules import RuleSet

USER_FOLDER: Final = "/etc/solrecd/markers.d"
"""Where an administrator's own files are looked for unless told otherwise."""

FILE_LIMIT: Final = 1 << 20
"""Bytes; all packaged rules are a tenth of that. A log is not a marker file."""


def load(folder: str | None = None) -> RuleSet:
    """Load the packaged rules, and a folder's on top of them.

    Args:
        folder: with ``*.toml`` files, read in order of their names; one that does not
            exist holds none. None: the packaged rules alone.

    Raises:
        RuleError: files cannot be read, or rules are wrong; it tells all of that, with
            file, line and rule.
    """
    problems: list[Problem] = []
    own = {} if folder is None else _own(Path(folder), problems)
    return load_rules(_packaged(), own, problems)


def _packaged() -> dict[str, str]:
    folder = resources.files("solrecd.analysis.boot") / "markers"
    found = sorted(folder.iterdir(), key=lambda path: path.name)
    return {path.name: path.read_text("utf-8") for path in found}


def _own(folder: Path, problems: list[Problem]) -> dict[str, str]:
    """Read a folder's files; those that cannot be read become problems."""
    texts: dict[str, str] = {}
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".toml")
    except FileNotFoundError:
        return texts
    except OSError as error:
        problems.append(_unreadable(folder, error))
        return texts
    for path in paths:
        try:
            texts[str(path)] = _read(path)
        except (OSError, UnicodeDecodeError) as error:
            problems.append(_unreadable(path, error))
    return texts


def _read(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(FILE_LIMIT + 1)
    if len(content) > FILE_LIMIT:
        raise OSError(None, f"larger than {FILE_LIMIT} bytes")
    return content.decode()


def _unreadable(path: Path, error: OSError | UnicodeDecodeError) -> Problem:
    if isinstance(error, OSError):
        why = error.strerror or str(error)
    else:
        line = error.object.count(b"\n", 0, error.start) + 1
        why = f"byte 0x{error.object[error.start]:02x} in line {line} is not UTF-8"
    return Problem(str(path), None, "", f"cannot be read: {why}")


__all__ = ["USER_FOLDER", "RuleError", "load"]
