"""The wall clock of the machine jumps under a real daemon, by libfaketime.

Names, order, durations and retention survive it, both ways, while it records and when
it starts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trio

from solrecd.process.stamps import parse_stamp
from solrecd.simbmc.fleet import Member
from solrecd.simbmc.payload import SolSettings
from solrecd.storage.formats.names import parse_file_name
from tests.reliability.comparison import count_repeated
from tests.reliability.fleet import Load, recorder_of, simulated, until_acknowledged
from tests.support.fake_time import LIBRARIES, FakeTime
from tests.support.recorder import Recorder

YEAR = 365 * 86_400
HOUR = 3600

DAEMON = 'segment_size = "64KiB"\nretention_age = "30d"\n'
SETTINGS = SolSettings(buffers_without_owner=True, retry_interval=0.2)
SOME = 60_000
"""Bytes: about a segment."""

LOOK = 2.0
"""Seconds for which a jump lasts; the closer looks each second."""

NEAR = timedelta(minutes=5)
"""Whatever is stamped here is stamped within that of now."""

pytestmark = pytest.mark.skipif(not LIBRARIES, reason="no libfaketime")


def segments(recorder: Recorder) -> set[str]:
    """Return the stems of all segments."""
    files = (parse_file_name(path.name) for path in recorder.archive.glob("*/*"))
    return {str(file.segment) for file in files if file is not None}


def stamps(recorder: Recorder, name: str) -> list[datetime]:
    """Return the stamps of a console's lines, and of its files."""
    of_lines = re.findall(r"(?m)^(\S+Z) ", recorder.log(name))
    found = [parse_stamp(text) for text in of_lines]
    for path in recorder.archive.glob(f"{name}/*"):
        file = parse_file_name(path.name)
        if file is not None:
            found.append(file.segment.started)
    return [datetime.fromtimestamp(stamp / 1e6, UTC) for stamp in found]


async def record(
    recorder: Recorder, members: Mapping[str, Member], count: int = SOME
) -> None:
    """Start, and record for a while."""
    recorder.launch()
    await until_acknowledged(recorder, members, count)


async def test_nothing_is_stamped_named_or_deleted_by_a_clock_that_jumps_for_a_look(
    tmp_path: Path,
) -> None:
    clock = FakeTime(tmp_path / "clock")
    async with simulated(Load(1, keep=1 << 30), SETTINGS) as (_, members):
        (name, member), *_ = members.items()
        with recorder_of(tmp_path / "solrecd", members, DAEMON) as recorder:
            recorder.environment |= clock.environment
            await record(recorder, members, 2 * SOME)
            for jump in (YEAR, -YEAR, HOUR, -HOUR):
                clock.set(jump)
                await trio.sleep(LOOK)
                clock.set(0)
                await until_acknowledged(recorder, members, 1000)
            before = segments(recorder)
            ends = []
            for jump in (YEAR, -YEAR):
                await trio.to_thread.run_sync(recorder.stop)
                ends.append(member.bmc.ledger.acknowledged)
                clock.set(jump)
                await record(recorder, members, 1000)
                await trio.sleep(LOOK)
                clock.set(0)
                await until_acknowledged(recorder, members, 1000)
            await trio.to_thread.run_sync(recorder.stop)
            kept = bytes(member.bmc.ledger.kept)
            now = datetime.now(UTC)
            boots = recorder.replayed_boots(name)

            assert before <= segments(recorder)
            assert len(before) >= 2
            count_repeated(recorder.raw(name), kept, ends)
            found = stamps(recorder, name)
            assert now - NEAR < min(found)
            assert max(found) < now + NEAR
            # Lines of notes carry when they begin to be true, which may be before.
            gaps = [
                float(g) for g in re.findall(r"gap: .*?([\d.]+) s", recorder.log(name))
            ]
            assert max(gaps, default=0) < NEAR.total_seconds()
            assert "clock.jumped" in recorder.messages
            assert "clock.followed" not in recorder.messages
            assert all(
                sum(boot["stages"].values()) < NEAR.total_seconds() for boot in boots
            )


async def test_a_clock_that_was_set_is_followed_and_the_stream_stays_in_order(
    tmp_path: Path,
) -> None:
    clock = FakeTime(tmp_path / "clock")
    async with simulated(Load(1, keep=1 << 30), SETTINGS) as (_, members):
        (name, member), *_ = members.items()
        with recorder_of(tmp_path / "solrecd", members, DAEMON) as recorder:
            recorder.environment |= clock.environment
            await record(recorder, members)
            for jump in (HOUR, -HOUR):
                clock.set(jump)
                await trio.sleep(12)
                await until_acknowledged(recorder, members, SOME)
            await trio.to_thread.run_sync(recorder.stop)
            end = member.bmc.ledger.acknowledged
            await record(recorder, members, 1000)
            await trio.to_thread.run_sync(recorder.stop)

            assert recorder.messages.count("clock.followed") == 2
            kept = bytes(member.bmc.ledger.kept)
            count_repeated(recorder.raw(name), kept, [end])
