"""How fast `solrecctl` answers questions about 2 GB of archive, and what that costs.

In one run, on one archive of 500 consoles that booted 40 times each: `solrecctl grep`
against `rg -z` and `zstdgrep` (on a share of it: it starts three processes per file),
each the best of some runs in turn; the closer; what index and vocabularies take. The
archive is made once, which takes minutes, into ``$SOLRECD_BENCH_CACHE`` (default:
``~/.cache/solrecd-bench``); ``$SOLRECD_BENCH_CONSOLES`` makes it smaller.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bench.figures import Figure
from bench.generated import FIRST, NEEDLE, Built, Job, Size, build, build_console
from solrecd.events.boots import Boot, Outcome
from solrecd.events.event import Event, Kind, Severity
from solrecd.events.stages import Stage
from solrecd.process.stamps import SECOND
from solrecd.storage.index import Batch, Index

FORMAT = 1
"""Of the generated archive; one of another format is made again."""

BOOTS = 40
LINES = 600
CONSOLES = 500

ANYWHERE = "12345678"
"""A text without a letter: no vocabulary helps, everything must be read."""

SAMPLE = 8
"""Consoles that are indexed to know how large the index of all would be."""

ZSTDGREP_SHARE = 10
"""Consoles that zstdgrep has to do."""

RUNS = 3

_STAGES = ("firmware", "loader", "kernel", "initramfs", "init", "login")


def measure(directory: Path) -> Iterable[Figure]:
    """Yield the figures; takes two minutes, the first time ten more."""
    consoles = int(os.environ.get("SOLRECD_BENCH_CONSOLES", str(CONSOLES)))
    size = Size(consoles, BOOTS, LINES)
    archive = _cache() / f"archive-{FORMAT}-{consoles}x{BOOTS}x{LINES}"
    built = build(archive, size)
    megabytes = built.text / 1e6
    yield Figure(f"archive: text of {consoles} x {BOOTS} boots", megabytes, "MB")
    yield from _cost(directory, archive, built)
    yield from _closer(directory)
    yield from _grep(archive, megabytes)
    yield from _commands(directory)


def _cache() -> Path:
    default = Path.home() / ".cache" / "solrecd-bench"
    return Path(os.environ.get("SOLRECD_BENCH_CACHE", default))


def _cost(directory: Path, archive: Path, built: Built) -> Iterable[Figure]:
    """Yield how much the archive is compressed, and what is kept beside it."""
    names = sorted(path.name for path in archive.iterdir() if path.is_dir())[:SAMPLE]
    index = directory / "sample.sqlite"
    directory.mkdir(parents=True, exist_ok=True)
    _run([*_solrecctl(archive), "reindex", "--index", str(index), *names])
    packed = sum(
        path.stat().st_size for name in names for path in (archive / name).glob("*.zst")
    )
    words = built.words / built.packed
    rows = index.stat().st_size / packed
    yield Figure("compression ratio", built.plain / built.packed, "times")
    yield Figure("vocabularies, of the compressed size", words * 100, "%")
    yield Figure("index, of the compressed size", rows * 100, "%")
    yield Figure("index and vocabularies", (words + rows) * 100, "%", 3)


def _closer(directory: Path) -> Iterable[Figure]:
    folder = directory / "closed"
    built = build_console(Job(folder, 1, Size(1, BOOTS, LINES)))
    shutil.rmtree(folder)
    speed = built.plain / built.seconds / 1e6
    yield Figure("closer, per CPU second", speed, "MB/s")


def _grep(archive: Path, megabytes: float) -> Iterable[Figure]:
    """Yield searches in turn with those of others."""
    ours, rivals = [*_solrecctl(archive), "grep"], ["rg", "-z", "-g", "*.log.zst"]
    for name, pattern, least in (("rare", NEEDLE, 10.0), ("any", ANYWHERE, 1 / 1.5)):
        rival, own = _best(
            lambda pattern=pattern: _run([*rivals, pattern, str(archive)]),  # type: ignore[misc]
            lambda pattern=pattern: _run([*ours, pattern]),  # type: ignore[misc]
        )
        what = "a rare word" if name == "rare" else "what no vocabulary knows"
        yield Figure(f"grep, {what}: solrecctl", own, "s")
        yield Figure(f"grep, {what}: rg -z", rival, "s")
        yield Figure(
            f"grep, {what}: rg -z / solrecctl",
            rival / own,
            "times",
            least,
            more_is_better=True,
        )
        yield Figure(f"grep, {what}: text", megabytes / own, "MB/s")
    yield from _zstdgrep(archive)


def _zstdgrep(archive: Path) -> Iterable[Figure]:
    names = sorted(path.name for path in archive.iterdir() if path.is_dir())
    names = names[:ZSTDGREP_SHARE]
    files = [str(path) for name in names for path in (archive / name).glob("*.log.zst")]
    rival, own = _best(
        lambda: _run(["zstdgrep", ANYWHERE, *files]),
        lambda: _run([*_solrecctl(archive), "grep", ANYWHERE, *names]),
        runs=1,
    )
    yield Figure(f"grep, {len(files)} logs read: solrecctl", own, "s")
    yield Figure(f"grep, {len(files)} logs read: zstdgrep", rival, "s")


def _commands(directory: Path) -> Iterable[Figure]:
    """Yield how long it takes to start, and to list 20,000 boots."""
    (directory / "log").mkdir(parents=True, exist_ok=True)
    _make_index(directory / "index.sqlite")
    command = _solrecctl(directory / "log")
    one, everything = _best(
        lambda: _run([*command, "boots", "node0001", "-n", "1"]),
        lambda: _run([*command, "boots"]),
        runs=9,
    )
    yield Figure("solrecctl, start-up", one * 1e3, "ms", 80)
    yield Figure("solrecctl boots, of 20,000", everything, "s", 0.3)


def _make_index(path: Path) -> None:
    """Write an index of as many boots as the archive has."""
    draw = random.Random(1)  # noqa: S311 - it must be repeatable
    boots = [
        _boot(draw, f"node{console:04}", number)
        for console in range(1, CONSOLES + 1)
        for number in range(1, BOOTS + 1)
    ]
    events = [
        Event(
            time=boot.started + round(seconds * SECOND),
            console=boot.console,
            boot=boot.boot,
            kind=Kind.STAGE,
            name=stage,
            severity=Severity.INFO,
            title=stage,
            line=100,
        )
        for boot in boots
        for stage, seconds in boot.stages.items()
    ]
    index = Index.create(path)
    index.write(Batch(boots, events))
    index.close()


def _boot(draw: random.Random, console: str, number: int) -> Boot:
    started = FIRST + number * 86400 * SECOND + draw.randrange(3600 * SECOND)
    return Boot(
        console,
        number,
        started,
        ended=started + 3600 * SECOND,
        cause="firmware",
        outcome=draw.choice((Outcome.OK, Outcome.OK, Outcome.FAILED)),
        last_stage=Stage.LOGIN,
        stages={stage: n * 9 + draw.random() for n, stage in enumerate(_STAGES)},
        kernel="6.1.0-56-amd64",
        cmdline="BOOT_IMAGE=/boot/vmlinuz-6.1.0-56-amd64 ro quiet console=ttyS0",
        bytes=80_000,
    )


def _solrecctl(archive: Path) -> list[str]:
    program = Path(sys.executable).with_name("solrecctl")
    return [str(program), "--dir", str(archive)]


def _run(command: Sequence[str]) -> int:
    """Run a command; its output goes into a pipe, as people use it."""
    # As installed: with byte code. A developer may have told Python to write none, and
    # compiling everything again is a fifth of a start-up.
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, stdout=subprocess.PIPE, env=environ, check=False)
    if done.returncode not in {0, 1}:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}")
    return len(done.stdout)


def _best(*ways: Callable[[], object], runs: int = RUNS) -> list[float]:
    """Return the seconds of the best run of each; they take turns."""
    best = [float("inf")] * len(ways)
    for _ in range(runs):
        for n, way in enumerate(ways):
            begin = time.perf_counter()
            way()
            best[n] = min(best[n], time.perf_counter() - begin)
    return best
