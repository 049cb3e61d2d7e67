"""What `solrecd demo` says and leaves."""

from pathlib import Path

from solrecd.cli.commands import demo
from tests.support.configs import read


def test_its_log_starts_again_when_it_is_full(tmp_path: Path) -> None:
    file = demo.BoundedLog(tmp_path / "log")
    line = "x" * 99 + "\n"

    with file:
        for _ in range(2 * demo.LOG_BOUND // len(line) + 5):
            assert file.write(line) == len(line)

    assert 0 < (tmp_path / "log").stat().st_size <= demo.LOG_BOUND


def test_its_archive_is_bounded(tmp_path: Path) -> None:
    text = demo.CONFIG.format(
        folder=tmp_path, metrics=1, web=2, bound=demo.ARCHIVE_BOUND
    )

    assert read(text).daemon.retention_total == 32 << 20
