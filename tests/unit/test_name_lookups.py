"""A mute name server holds few threads, and nothing that has a good name."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from solrecd.process.name_lookups import (
    ANSWER_TIMEOUT,
    KNOWN_TIMEOUT,
    MAX_LOOKUPS,
    MAX_SLOW,
    SLOW_AFTER,
    NameLookups,
)

_FOUND = [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", ("192.0.2.1", 623))]


class Server:
    """A name server that answers some names, and says nothing of others."""

    def __init__(self) -> None:
        self.asked = Counter[str]()
        self.is_mute = True
        self._ended = threading.Event()

    def look_up(self, host: str, *_: Any) -> list[tuple[Any, ...]]:
        """Block as the C library does."""
        self.asked[host] += 1
        if host.startswith("gone"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if host.startswith("mute") and self.is_mute:
            self._ended.wait(30)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure")
        return _FOUND

    def give_up(self) -> None:
        """Let all threads end."""
        self._ended.set()


@contextmanager
def serving() -> Iterator[tuple[Server, NameLookups]]:
    server = Server()
    try:
        yield server, NameLookups(server.look_up)
    finally:
        server.give_up()


async def _asked(server: Server, count: int) -> None:
    """Wait for threads, which the clock of the test does not see."""
    while server.asked.total() < count:  # noqa: ASYNC110
        await trio.lowlevel.checkpoint()
    await wait_all_tasks_blocked()


async def _ask(lookups: NameLookups, host: str, into: dict[str, object]) -> None:
    try:
        into[host] = await lookups.getaddrinfo(host, 623)  # type: ignore[arg-type]
    except OSError as error:
        into[host] = error


async def test_good_names_do_not_wait_for_a_mute_server(mock_clock: MockClock) -> None:
    with serving() as (server, lookups):
        async with trio.open_nursery() as nursery:
            said: dict[str, object] = {}
            mute = 4 * MAX_LOOKUPS - 1
            for number in range(mute):
                nursery.start_soon(_ask, lookups, f"mute{number}", said)
            await _asked(server, MAX_LOOKUPS)
            nursery.start_soon(_ask, lookups, "good", said)
            await wait_all_tasks_blocked()
            assert "good" not in said
            mock_clock.jump(SLOW_AFTER)
            await _asked(server, 2 * MAX_LOOKUPS)
            assert "good" not in said  # behind the mute ones that came first
            mock_clock.jump(SLOW_AFTER)
            await _asked(server, 3 * MAX_LOOKUPS)
            mock_clock.jump(SLOW_AFTER)
            await _asked(server, mute + 1)

            assert said == {"good": _FOUND}
            nursery.cancel_scope.cancel()


async def test_a_name_without_an_answer_holds_one_thread_for_all_callers(
    mock_clock: MockClock,
) -> None:
    with serving() as (server, lookups):
        async with trio.open_nursery() as nursery:
            for _ in range(9):
                nursery.start_soon(_ask, lookups, "mute", {})
            await _asked(server, 1)
            mock_clock.jump(ANSWER_TIMEOUT)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(_jump, mock_clock)
            with pytest.raises(socket.gaierror, match="no answer"):
                await lookups.getaddrinfo("mute", 623)  # type: ignore[arg-type]

        assert server.asked == {"mute": 1}


async def _jump(clock: MockClock) -> None:
    await wait_all_tasks_blocked()
    clock.jump(ANSWER_TIMEOUT)


async def test_the_time_of_a_name_begins_with_its_thread(mock_clock: MockClock) -> None:
    with serving() as (server, lookups):
        said: dict[str, object] = {}
        threads = MAX_LOOKUPS + MAX_SLOW
        async with trio.open_nursery() as nursery:
            for number in range(threads):
                nursery.start_soon(_ask, lookups, f"mute{number}", said)
            for ready in range(MAX_LOOKUPS, threads + 1, MAX_LOOKUPS):
                await _asked(server, ready)
                mock_clock.jump(SLOW_AFTER)
            await wait_all_tasks_blocked()
            nursery.start_soon(_ask, lookups, "good", said)
            await wait_all_tasks_blocked()
            mock_clock.jump(10 * ANSWER_TIMEOUT)
            await wait_all_tasks_blocked()
            assert "good" not in said
            server.give_up()

    assert said["good"] == _FOUND


async def test_the_last_address_is_used_while_there_is_no_answer(
    mock_clock: MockClock,
) -> None:
    with serving() as (server, lookups):
        server.is_mute = False
        said: dict[str, object] = {}
        await _ask(lookups, "mute", said)
        server.is_mute = True
        said.clear()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(_ask, lookups, "mute", said)
            await _asked(server, 2)
            assert said == {}
            mock_clock.jump(KNOWN_TIMEOUT)

        assert said == {"mute": _FOUND}


async def test_the_last_address_is_not_used_of_a_name_that_was_removed() -> None:
    answers: list[Any] = [_FOUND, socket.gaierror(socket.EAI_NONAME, "unknown")]

    def look_up(*_: Any) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    lookups = NameLookups(look_up)

    assert await lookups.getaddrinfo(b"n", 1) == _FOUND
    with pytest.raises(socket.gaierror, match="unknown"):
        await lookups.getaddrinfo(b"n", 1)


@pytest.mark.usefixtures("mock_clock")
async def test_a_name_without_an_answer_last_time_waits_among_the_slow() -> None:
    with serving() as (server, lookups):
        said: dict[str, object] = {}
        async with trio.open_nursery() as nursery:
            for number in range(MAX_LOOKUPS):
                nursery.start_soon(_ask, lookups, f"mute{number}", said)
            await _asked(server, MAX_LOOKUPS)
            server.give_up()
        server._ended.clear()

        async with trio.open_nursery() as nursery:
            for number in range(MAX_LOOKUPS):
                nursery.start_soon(_ask, lookups, f"mute{number}", said)
            await _asked(server, 2 * MAX_LOOKUPS)
            await _ask(lookups, "good", said)  # at once: the clock stands still
            server.give_up()

        assert said["good"] == _FOUND
