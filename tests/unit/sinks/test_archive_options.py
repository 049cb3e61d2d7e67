"""What ``[daemon]`` says of the archive reaches it."""

import dataclasses

from solrecd.config import DaemonConfig, Fsync
from solrecd.storage.archive.sink import options_of
from solrecd.storage.formats.retention import Retention

DAY = 86400.0


def test_every_limit_of_what_is_kept_can_be_configured() -> None:
    settings = DaemonConfig(
        retention_age=DAY, retention_boots=3, retention_bytes=4, retention_total=5
    )

    retention = options_of(settings).retention

    assert retention == Retention(age=int(DAY * 1e6), boots=3, size=4, total_size=5)
    assert None not in dataclasses.astuple(retention)


def test_the_disk_is_forced_as_configured() -> None:
    settings = [DaemonConfig(fsync=each) for each in (5.0, Fsync.DRAIN, Fsync.OFF)]

    assert [options_of(one).fsync for one in settings] == [5.0, 0.0, None]
