"""How often a stream is tried, and what is said of it; in virtual time."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import trio
from trio.testing import MockClock

from solrecd.events.sessions import Lost, LostReason, SessionState
from solrecd.sources.base import Recorder, Services
from solrecd.sources.stream.source import StreamSource
from solrecd.sources.stream.tcp.place import TcpOptions
from solrecd.sources.stream.tcp.way import TcpWay
from solrecd.sources.stream.unix.place import UnixOptions
from solrecd.sources.stream.unix.way import UnixWay
from solrecd.sources.stream.way import Connection, Way
from solrecd.sources.troubles import NotConnectedError

NOBODY = 65534


class Told:
    """A recorder that keeps what it is told."""

    name = "vm1"
    offset = 0
    session_state = SessionState.CONNECTING
    last_output = None

    def __init__(self) -> None:
        self.states: list[tuple[SessionState, Lost | None, float | None]] = []

    def session_changed(
        self, state: SessionState, lost: Lost | None, retry_in: float | None
    ) -> None:
        """Keep it."""
        self.states.append((state, lost, retry_in))

    def line_seen(self, ago: float) -> None:
        """Learn it."""

    @property
    def waits(self) -> list[float]:
        """Seconds between tries that were announced."""
        return [wait for _, _, wait in self.states if wait is not None]


class Forgetful:
    """Keeps no connection for a process that follows."""

    def adopt(self, way: Way, recorder: Recorder) -> Connection | None:
        """Have none."""
        del way, recorder
        return None

    def keep(self, way: Way, console: str, connection: Connection) -> None:
        """Use it once."""

    async def release(self, console: str, connection: Connection) -> None:
        """Close it."""
        del console
        await connection.aclose()


def unix(path: Path) -> Way:
    """Return the way to a socket."""
    return UnixWay(UnixOptions(path=str(path)))


@asynccontextmanager
async def trying(way: Way) -> AsyncIterator[tuple[StreamSource, Told]]:
    """Run the source of a console."""
    told = Told()
    services = SimpleNamespace(rng=random.Random(7), wall_clock=lambda: 0)
    source = StreamSource(
        way, cast("Recorder", told), Forgetful(), cast("Services", services)
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(source.run)
        yield source, told
        nursery.cancel_scope.cancel()


async def test_a_socket_that_is_not_there_is_looked_for_every_three_seconds(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    del autojump_clock
    async with trying(unix(tmp_path / "missing")) as (_, told):
        await trio.sleep(60)

    assert told.waits[0] <= 0.5
    assert max(told.waits) <= 3
    assert 20 < len(told.waits) < 45
    assert {lost.reason for _, lost, _ in told.states if lost} == {
        LostReason.UNREACHABLE
    }


async def test_who_wants_a_connection_now_does_not_wait(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    del autojump_clock
    async with trying(unix(tmp_path / "missing")) as (source, told):
        await trio.sleep(60)
        before = len(told.waits)
        source.reconnect("for anna")
        await trio.sleep(0.1)

    lost = Lost(LostReason.RECONNECT, "for anna")
    assert (SessionState.DOWN, lost, 0.0) in told.states
    assert len(told.waits) == before + 2, "told, and tried again"
    assert told.waits[-1] <= 0.5


def test_nothing_is_typed_where_nothing_is_connected(tmp_path: Path) -> None:
    services: Any = SimpleNamespace(rng=random.Random(7), wall_clock=lambda: 0)
    way = unix(tmp_path / "missing")
    source = StreamSource(way, cast("Recorder", Told()), Forgetful(), services)

    assert (source.write(b"root\r"), source.unsent) == (False, 0)


@contextmanager
def another_user() -> Iterator[None]:
    """Be a user who may do nothing, as far as the kernel asks."""
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may be another user")
async def test_a_socket_of_others_says_who_may_not(tmp_path: Path) -> None:
    path = str(tmp_path / "serial.sock")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()

        with another_user(), pytest.raises(NotConnectedError) as caught:
            await unix(Path(path)).open(cast("Recorder", Told()))

    assert str(caught.value) == (
        f"{path}: permission denied; let the daemon's user write to it and search"
        " its folders"
    )


async def test_a_host_that_does_not_answer_is_given_up(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    del autojump_clock

    async def wait(*_: object) -> None:
        await trio.sleep_forever()

    monkeypatch.setattr(trio, "open_tcp_stream", wait)
    began = trio.current_time()

    with pytest.raises(NotConnectedError, match="no answer; see whether the host"):
        await TcpWay(TcpOptions(host="192.0.2.1", port=7001)).open(
            cast("Recorder", Told())
        )

    assert trio.current_time() - began == pytest.approx(10)
