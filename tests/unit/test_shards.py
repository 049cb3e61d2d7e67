"""Several processes that share a configuration: which console is whose, and where."""

from collections import Counter
from pathlib import Path

import pytest

from solrecd.cluster.plan import shard_of
from solrecd.cluster.shards import config_of_shard
from solrecd.config import ConfigError
from solrecd.storage.archive.console_locks import ConsoleLocks
from solrecd.storage.archive.folder_lock import FolderLock
from solrecd.storage.archive.segment_types import ArchiveError
from tests.support.configs import read

NAMES = [f"node{number}" for number in range(3000)]

CONSOLES = '[defaults]\nusername = "u"\npassword = "p"\n' + "".join(
    f'[console.{name}]\nbmc = "10.0.0.{number}"\n'
    for number, name in enumerate(NAMES[:40], 1)
)

CLUSTER = '[cluster]\nengine = "static"\nshards = 3\n'


def test_shards_have_about_the_same_number_of_consoles() -> None:
    counts = Counter(shard_of(name, 4) for name in NAMES)

    assert sorted(counts) == [1, 2, 3, 4]
    assert max(counts.values()) < 1.15 * min(counts.values())


def test_one_shard_more_moves_only_the_consoles_that_it_gets() -> None:
    moved = [name for name in NAMES if shard_of(name, 3) != shard_of(name, 4)]

    assert {shard_of(name, 4) for name in moved} == {4}
    assert len(moved) < 0.3 * len(NAMES)


def test_each_console_is_recorded_by_one_shard() -> None:
    config = read(CLUSTER + CONSOLES)

    found = [config_of_shard(config, shard).enabled for shard in (1, 2, 3)]

    assert sorted(name for one in found for name in one) == sorted(config.enabled)


def test_a_shard_beyond_their_number_has_no_consoles() -> None:
    assert not config_of_shard(read(CLUSTER + CONSOLES), 4).consoles


def test_shards_share_the_archive_and_nothing_else() -> None:
    config = read(CLUSTER + "[daemon]\nretention_total = '300MiB'\n")

    daemon = config_of_shard(config, 2).daemon

    assert daemon.log_dir == config.daemon.log_dir
    assert daemon.state_dir == "/var/lib/solrecd/shard-2"
    assert daemon.control == "/run/solrecd/shard-2/control.sock"
    assert daemon.journal_path == "/run/solrecd/shard-2/journal"
    assert daemon.metrics == ("127.0.0.1", 9624)
    assert daemon.retention_total == 100 * 1024 * 1024


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[cluster]\nshards = 2\n", 'needs engine = "static"'),
        ('[cluster]\nengine = "statik"\n', 'allowed: "none", "static"'),
        ('[cluster]\nengine = "static"\nshards = 65\n', "from 1 to 64"),
        (CLUSTER + '[web]\nlisten = ""\n', "[web] cannot be used with [cluster]"),
    ],
)
def test_mistakes_are_told(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(text)

    assert told in str(error.value)


def test_two_shards_share_a_folder_but_not_a_console(tmp_path: Path) -> None:
    first, second = FolderLock(tmp_path, "shard-1"), FolderLock(tmp_path, "shard-2")
    ours, theirs = first.consoles, second.consoles
    assert ours is not None
    assert theirs is not None
    ours.take("node1")
    theirs.take("node2")

    with pytest.raises(ArchiveError, match="another shard still records"):
        theirs.take("node1")
    assert not theirs.may_tidy("node1")

    ours.leave("node1")
    ours.settle(lambda _name: True)
    with pytest.raises(ArchiveError):
        theirs.take("node1")
    ours.settle(lambda _name: False)
    theirs.take("node1")
    first.close()
    second.close()


def test_a_console_that_is_opened_again_at_once_is_not_given_up(tmp_path: Path) -> None:
    ours, theirs = ConsoleLocks(tmp_path), ConsoleLocks(tmp_path)
    ours.take("node1")
    ours.leave("node1")
    ours.take("node1")

    ours.settle(lambda _name: False)

    with pytest.raises(ArchiveError):
        theirs.take("node1")
    ours.close()
    theirs.close()


def test_a_shard_runs_once_and_not_beside_a_recorder_that_is_none(
    tmp_path: Path,
) -> None:
    first = FolderLock(tmp_path, "shard-1")

    for shard in ("shard-1", ""):
        with pytest.raises(ArchiveError, match="another solrecd"):
            FolderLock(tmp_path, shard)

    first.close()
    FolderLock(tmp_path).close()
