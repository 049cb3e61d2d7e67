"""Damage to the files of a stopped recorder, as disks, people and downgrades do it."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Collection, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

DEPTH = 200_000
"""Brackets in a JSON text that no recursive parser survives."""

HUGE = 10**20
"""Larger than any integer that a file format of ours holds."""

Harm = Callable[[Path, random.Random], None]


class Damage(NamedTuple):
    """What was done to which file."""

    path: Path
    """The file as it was called before."""
    kind: str

    def __str__(self) -> str:
        """Return one line for a failing test."""
        return f"{self.kind} of {self.path}"


def _truncate(path: Path, rng: random.Random) -> None:
    os.truncate(path, rng.randrange(path.stat().st_size + 1))


def _flip(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(rng.choice((1, 8, 200)) if data else 0):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def _page(path: Path, rng: random.Random) -> None:
    """Lose a page, as a disk does."""
    data = bytearray(path.read_bytes())
    start = rng.randrange(max(1, len(data))) & ~0xFFF
    end = min(len(data), start + 0x1000)
    data[start:end] = rng.randbytes(end - start)
    path.write_bytes(data)


def _become_folder(path: Path, _rng: random.Random) -> None:
    path.unlink()
    path.mkdir()
    (path / "anything").touch()


def _become_fifo(path: Path, _rng: random.Random) -> None:
    path.unlink()
    os.mkfifo(path)


def _become_number(path: Path, rng: random.Random) -> None:
    path.write_text(rng.choice((str(HUGE), "1e400", "-1", "9" * 10_000)))


def _grow_numbers(path: Path, _rng: random.Random) -> None:
    """Replace the digits of a text by more of them."""
    text = path.read_bytes()
    path.write_bytes(b"".join(_grown(text.splitlines(keepends=True))))


def _grown(lines: list[bytes]) -> list[bytes]:
    return [line.replace(b" 1", b" 9%d" % HUGE) for line in lines]


def _nest(path: Path, _rng: random.Random) -> None:
    path.write_text("[" * DEPTH + "]" * DEPTH)


def _nest_in_line(path: Path, _rng: random.Random) -> None:
    path.write_text('{"console":"node1","sessions":' + "[" * DEPTH + "\n")


def _delete(path: Path, _rng: random.Random) -> None:
    path.unlink()


HARMS: Mapping[str, Harm] = {
    "truncation": _truncate,
    "flipped bits": _flip,
    "a lost page": _page,
    "a folder in place": _become_folder,
    "a FIFO in place": _become_fifo,
    "a number in place": _become_number,
    "numbers that grew": _grow_numbers,
    "deep JSON in place": _nest,
    "deep JSON in a line": _nest_in_line,
    "removal": _delete,
}
"""What may happen to any file."""

STATEMENTS = (
    "DROP TABLE events",
    "DROP TABLE boots",
    "DROP TABLE meta",
    "ALTER TABLE boots RENAME COLUMN outcome TO result",
    "UPDATE boots SET outcome = 'exploded'",
    "UPDATE boots SET last_stage = 7, started = 'yesterday'",
    "UPDATE boots SET started = 9223372036854775807",
    "UPDATE boots SET facts = (SELECT max(id) FROM texts)",
    "UPDATE texts SET text = '{\"' || text",
    "UPDATE texts SET text = x'ff00ff'",
    "UPDATE events SET numbers = '[1e400]', time = -9223372036854775808",
    "UPDATE consoles SET name = CAST(id AS BLOB)",
    "INSERT OR REPLACE INTO meta VALUES ('stale', 'since ever')",
    "PRAGMA user_version = 77",
    "PRAGMA application_id = 5",
)
"""What may happen to an index besides: no page of it is damaged."""


def damage_one(
    rng: random.Random,
    folders: list[Path],
    archive: Path,
    *,
    kinds: Collection[str] = (),
) -> Damage:
    """Damage one file, chosen by chance; each folder is as likely as another.

    Args:
        rng: decides.
        folders: with the files, searched through and through.
        archive: one of them, whose consoles may also get a file with a huge number.
        kinds: words of which one is in each name of the archive's files that may be
            damaged; empty: any may.
    """
    files = [found for folder in folders if (found := _files(folder, archive, kinds))]
    path = rng.choice(rng.choice(files))
    if path.suffix == ".sqlite" and rng.random() < 0.5:
        return Damage(path, _alter(path, rng.choice(STATEMENTS)))
    if path.is_relative_to(archive) and rng.random() < 0.1:
        return Damage(path, _add_segment(path.parent, rng))
    kind = rng.choice(list(HARMS))
    HARMS[kind](path, rng)
    return Damage(path, kind)


def _files(folder: Path, archive: Path, kinds: Collection[str]) -> list[Path]:
    found = sorted(folder.rglob("*"))
    files = [it for it in found if it.is_file() and not it.is_symlink()]
    if not kinds or folder != archive:
        return files
    return [it for it in files if any(kind in it.name for kind in kinds)]


def _alter(path: Path, statement: str) -> str:
    with closing(sqlite3.connect(path)) as index, suppress(sqlite3.Error), index:
        index.execute(statement)
    return statement


def _add_segment(folder: Path, rng: random.Random) -> str:
    stamp = rng.choice(("20261122T120005.123456Z", "99991231T235959.999999Z"))
    kind = rng.choice(("log", "raw", "timing", "raw.zst", "log.zst"))
    boot = rng.choice((str(HUGE), "9" * 17, "999999999"))
    name = f"{stamp}.boot-{boot}.{kind}"
    (folder / name).write_bytes(b"nothing of ours\n")
    return f"addition of {name}"


def copy_of(folder: Path, to: Path) -> Path:
    """Return a copy of a stopped recorder's folder, to be damaged."""
    shutil.copytree(folder, to, symlinks=True)
    return to
