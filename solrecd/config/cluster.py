"""The ``[cluster]`` table: its keys, and what becomes of them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from solrecd.config.errors import Problems
from solrecd.config.keys import Key, Schema, TableSchema, defaults_of
from solrecd.config.settings import Table, parse_settings
from solrecd.config.values import choice, integer

MOST_SHARDS: Final = 64

ALONE: Final = ("api", "web", "loki", "otlp", "offload")
"""Tables that several processes cannot have yet."""


class Engine(enum.StrEnum):
    """What decides which process records a console."""

    NONE = "none"
    """There is one process."""
    STATIC = "static"
    """The console's name and the number of shards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterConfig:
    """How many processes record."""

    engine: Engine = Engine.NONE
    shards: int = 1
    shard: int = 0
    """Which of them this is, from 1; 0: none of them. No key of the configuration."""


CLUSTER_KEYS: Final[Schema] = MappingProxyType(
    {
        "engine": Key(
            choice(Engine),
            'What decides which process records a console. `"none"`: there is one.'
            ' `"static"`: its name, and `shards`; the processes run on this host.',
        ),
        "shards": Key(
            integer(1, MOST_SHARDS),
            "How many processes record (`solrecd-shard@1`, `solrecd-shard@2`, ...). A"
            " process uses one processor; a reload with another number moves as few"
            " consoles as can be.",
            example=4,
        ),
    }
)


def cluster_table() -> TableSchema:
    """Return what is explained of the table."""
    return TableSchema(
        path=("cluster",),
        keys=CLUSTER_KEYS,
        defaults={
            k: v for k, v in defaults_of(ClusterConfig).items() if k in CLUSTER_KEYS
        },
        help="More consoles than one processor can take: several processes share this"
        " configuration and the archive folder. Each has a folder `shard-N` of its own"
        " in `state_dir` and beside the control socket; shard N's metrics are on the"
        " port of `metrics` plus N - 1. `solrecctl` asks all of them.",
    )


def read_cluster(table: Table, problems: Problems) -> ClusterConfig:
    """Return what the table says; what is wrong is noted."""
    settings = parse_settings(table, CLUSTER_KEYS, problems)
    found = ClusterConfig(**{key: one.value for key, one in settings.items()})
    if "shards" in settings and found.engine is Engine.NONE:
        problems.add(table["shards"].problem('needs engine = "static"'))
    return found


def check_alone(
    cluster: ClusterConfig, tables: dict[str, Table], problems: Problems
) -> None:
    """Note what only one process can have, where there are several.

    Args:
        cluster: how many there are.
        tables: those that several processes cannot have, by their names.
        problems: takes the mistakes.
    """
    if cluster.engine is Engine.NONE:
        return
    for name, table in tables.items():
        for given in list(table.values())[:1]:
            text = f"[{name}] cannot be used with [cluster] engine yet"
            problems.add(given.problem(text))
