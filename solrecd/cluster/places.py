"""Where a shard has what it shares with no other; `solrecctl` imports it at start."""

from __future__ import annotations


def instance(shard: int) -> str:
    """Return the name of a shard, as people and folders have it."""
    return f"shard-{shard}"


def below(folder: str, shard: int) -> str:
    """Return a shard's own folder in one of all shards."""
    return f"{folder.rstrip('/')}/{instance(shard)}"


def beside(path: str, shard: int) -> str:
    """Return the path of a shard's own file, of which one shard alone has ``path``."""
    folder, _, name = path.rpartition("/")
    return f"{below(folder, shard)}/{name}"
