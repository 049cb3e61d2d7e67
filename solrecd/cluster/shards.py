"""What one shard makes of the configuration that all of them have."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from solrecd.cluster.places import below, beside
from solrecd.cluster.plan import shard_of
from solrecd.config import Config, DaemonConfig


def config_of_shard(config: Config, shard: int) -> Config:
    """Return the configuration as one shard has it.

    It records its own consoles, in folders of its own, and listens on its own port; the
    archive folder it shares. A shard beyond the number of shards has no consoles: its
    reload hands all of them over.

    Args:
        config: of all.
        shard: from 1.
    """
    shards = config.cluster.shards
    consoles = {
        name: console
        for name, console in config.consoles.items()
        if shard_of(name, shards) == shard
    }
    daemon = _daemon_of_shard(config.daemon, shard, shards)
    return replace(
        config,
        daemon=daemon,
        consoles=MappingProxyType(consoles),
        cluster=replace(config.cluster, shard=shard),
    )


def _daemon_of_shard(daemon: DaemonConfig, shard: int, shards: int) -> DaemonConfig:
    total, metrics = daemon.retention_total, daemon.metrics
    return replace(
        daemon,
        state_dir=below(daemon.state_dir, shard),
        control=beside(daemon.control, shard),
        journal=beside(daemon.journal_path, shard),
        metrics=None if metrics is None else (metrics[0], metrics[1] + shard - 1),
        retention_total=None if total is None else max(total // shards, 1),
    )
