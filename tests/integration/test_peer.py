"""Who is at the other end of a unix socket, as the kernel says."""

from __future__ import annotations

import grp
import os
import pwd
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import trio

from solrecd.api.peer import Credentials, credentials_of, local_caller
from solrecd.process.access import LocalCaller

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another")


@contextmanager
def being(uid: int, gid: int, groups: list[int]) -> Iterator[None]:
    """Be another user for a while."""
    before = os.getgroups()
    os.setgroups(groups)
    os.setegid(gid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(before)


def connected_as(uid: int, gid: int, groups: list[int]) -> Credentials:
    """Return the credentials of such a user's connection, as the server has them."""
    with TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listening:
        path = str(Path(folder) / "s")
        Path(folder).chmod(0o755)
        listening.bind(path)
        Path(path).chmod(0o666)
        listening.listen()
        with socket.socket(socket.AF_UNIX) as client:
            with being(uid, gid, groups):
                client.connect(path)
            connection, _ = listening.accept()
            with connection:
                return credentials_of(connection)


@only_root
def test_the_groups_are_those_of_the_process() -> None:
    found = connected_as(65534, 65534, [1, 2, 4242])

    assert found == Credentials(65534, 65534, frozenset({1, 2, 4242}))


@only_root
async def test_groups_have_their_names_and_strangers_none() -> None:
    known = grp.getgrall()[1]
    credentials = connected_as(65534, 65534, [known.gr_gid, 4242])

    caller = await local_caller(credentials, trio.CapacityLimiter(1))

    own = grp.getgrgid(65534).gr_name
    user = pwd.getpwuid(65534).pw_name
    assert caller == LocalCaller(user, frozenset({known.gr_name, own}))


@only_root
def test_more_groups_than_can_be_asked_for_are_no_error() -> None:
    found = connected_as(65534, 65534, list(range(1000, 1300)))

    assert found.groups is None


async def test_more_groups_than_can_be_asked_for_are_looked_up() -> None:
    daemon = pwd.getpwnam("daemon")
    credentials = Credentials(daemon.pw_uid, daemon.pw_gid, None)

    caller = await local_caller(credentials, trio.CapacityLimiter(1))

    assert "daemon" in caller.groups


async def test_a_user_without_a_name_has_a_number() -> None:
    caller = await local_caller(
        Credentials(4_000_000, 4_000_000, None), trio.CapacityLimiter(1)
    )

    assert caller == LocalCaller("uid 4000000")


async def test_root_gets_in_while_names_are_unknown() -> None:
    no_lookups = trio.CapacityLimiter(1)
    async with no_lookups:
        caller = await local_caller(Credentials(0, 0, frozenset()), no_lookups)

    assert caller == LocalCaller("root", is_master=True)


async def test_a_directory_that_does_not_answer_costs_the_names_only(
    autojump_clock: trio.testing.MockClock,
) -> None:
    busy = trio.CapacityLimiter(1)
    async with busy:
        caller = await local_caller(Credentials(4_000_000, 1, frozenset({1})), busy)

    assert caller == LocalCaller("uid 4000000")
