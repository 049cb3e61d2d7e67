"""``solrecd run``: record until told to stop."""

from __future__ import annotations

import argparse
import os
import resource
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVarTuple

import trio

from solrecd.analysis.boot.rulefiles import RuleError
from solrecd.api.listening_sockets import ListenError
from solrecd.api.webconfig.settings import WebConfigError
from solrecd.cli.commands import check
from solrecd.cluster.shards import config_of_shard
from solrecd.config import Config, ConfigError, Engine, Problem
from solrecd.daemon import Daemon
from solrecd.process import (
    clock_memory,
    garbage_collection,
    log,
    malloc_arenas,
    systemd,
)
from solrecd.process.clock import SteadyClock
from solrecd.process.clock_memory import ClockMemory
from solrecd.process.stopping import LastResort
from solrecd.process.threads import hanging
from solrecd.storage import marker_files
from solrecd.storage.archive.sink import ArchiveError
from solrecd.storage.journal import JournalError

FAILED = 1
"""Exit status when something outside the configuration forbids to start."""


Arguments = TypeVarTuple("Arguments")


_FORBIDS_THE_START = (
    ArchiveError,
    JournalError,
    ListenError,
    RuleError,
    WebConfigError,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    check.add_sources(parser)
    parser.add_argument(
        "--shard",
        type=int,
        metavar="K",
        help="which one this is of [cluster] shards, from 1",
    )


def main(args: argparse.Namespace) -> int:
    """Run the daemon; what forbids its start is one line and an exit status."""
    try:
        config = _load(args.config, args.shard)
        if args.shard is not None and not 0 < args.shard <= config.cluster.shards:
            print(_no_such(args.shard, config), file=sys.stderr)
            return check.USAGE
    except ConfigError as error:
        print(error, file=sys.stderr)
        return check.USAGE
    log.configure(
        format_=config.daemon.log_format,
        level=config.daemon.log_level,
        journal=log.open_journal(),
    )
    status = exit_status_of(_run, config, lambda: _load(args.config, args.shard))
    if hanging():
        # The interpreter would close what they have open, and wait for them there.
        os._exit(status)
    return status


def _load(path: str, shard: int | None) -> Config:
    """Return the configuration as this process has it; raises `ConfigError`."""
    config = check.load(path)
    if (config.cluster.engine is Engine.STATIC) == (shard is not None):
        return config if shard is None else config_of_shard(config, shard)
    if shard is None:
        text = "there are several shards: run needs --shard (solrecd-shard@1, ...)"
    else:
        text = f'--shard {shard} needs engine = "static"'
    raise ConfigError([Problem(path, None, "cluster", text)])


def _no_such(shard: int, config: Config) -> str:
    found = config.cluster.shards
    return f"solrecd: there is no shard {shard}: [cluster] shards = {found}"


def exit_status_of(
    main: Callable[[*Arguments], Awaitable[None]], *arguments: *Arguments
) -> int:
    """Run Trio; what forbids the daemon to start becomes a line and a status."""
    status = 0
    raise_descriptor_limit()
    malloc_arenas.limit_malloc_arenas()
    garbage_collection.shorten_switch_interval()
    try:
        trio.run(main, *arguments)
    except* _FORBIDS_THE_START as group:
        status = FAILED
        for error in _leaves(group):
            print(f"solrecd: {error}", file=sys.stderr)
    return status


def raise_descriptor_limit() -> None:
    """Allow as many open files as the service manager lets us have.

    A console that prints holds three; the usual soft limit of 1024 ends at 340.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _run(config: Config, read_config: Callable[[], Config]) -> None:
    notifier = systemd.connect()
    try:
        journal = Path(config.daemon.journal_path)
        memory = ClockMemory(journal.with_name(clock_memory.FILE_NAME))
        clock = SteadyClock(ahead=memory.read())
        daemon = Daemon(
            config,
            rules=marker_files.load(config.daemon.markers_dir),
            read_config=read_config,
            notifier=notifier,
            wall_clock=clock,
            steady_for=lambda: clock.steady_for,
        )
        daemon.stopping.last_resort = LastResort()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(memory.follow, clock.ahead)
            await daemon.run()
            nursery.cancel_scope.cancel()
    finally:
        notifier.close()


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
