"""A shell prompt that waits unattended, in virtual time."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from solrecd.console.attachments import Mode, WriteClaim
from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.machine import Echo, Machine
from solrecd.simbmc.options import BmcOptions
from tests.support.configs import bmc_console
from tests.support.golden import RULES
from tests.support.virtual_site import VirtualSite, stamp

MINUTE = 60.0
LOGIN = b"[    0.000000] Linux version 6.1.0 (x) (gcc) #1\r\nnode01 login: "
SHELL = b"root\r\nroot@node01:~# "


class Room:
    """One console, and regular looks at the clock."""

    def __init__(self, clock: trio.testing.MockClock) -> None:
        self._clock = clock
        config = bmc_console("node01", host="192.0.2.9")
        bmc = Bmc(BmcOptions(), Machine(Echo()))
        self.site = VirtualSite(bmc, config, RULES, seed=1)
        self.console = self.site.console

    @property
    def told(self) -> int:
        """How often a shell was told of."""
        names = [event.name for event in self.site.told.events]
        return names.count("console_left_logged_in")

    def print(self, data: bytes) -> None:
        """Print something, now."""
        self.console.record(data)
        self.console.interpret()

    async def wait(self, minutes: float) -> None:
        """Let time pass, with a look at the clock every minute."""
        for _ in range(round(minutes)):
            self._clock.jump(MINUTE)
            await trio.lowlevel.checkpoint()
            self.console.settle(stamp())
            self.console.check(stamp())


@pytest.fixture
async def room(mock_clock: trio.testing.MockClock) -> Room:
    """Return a console at which a person has logged in."""
    room = Room(mock_clock)
    room.print(LOGIN)
    await room.wait(1)
    room.print(SHELL)
    return room


async def test_a_shell_that_waits_for_15_minutes_is_told_once(
    room: Room, mock_clock: trio.testing.MockClock
) -> None:
    await room.wait(14)
    before = room.told
    await room.wait(60)

    assert (before, room.told) == (0, 1)


async def test_a_shell_in_use_is_not_told(
    room: Room, mock_clock: trio.testing.MockClock
) -> None:
    for _ in range(6):
        await room.wait(10)
        room.print(b"date\r\nSun Nov 22 12:00:00 UTC 2026\r\nroot@node01:~# ")

    assert room.told == 0


async def test_a_shell_that_was_left_is_told_no_more_after_a_logout(
    room: Room, mock_clock: trio.testing.MockClock
) -> None:
    await room.wait(20)
    room.print(b"exit\r\nlogout\r\n\r\nnode01 login: ")
    await room.wait(1)

    assert room.console.details()["left_logged_in"] is False
    await room.wait(60)
    assert room.told == 1


async def test_who_sits_at_the_console_has_not_left_it(
    room: Room, mock_clock: trio.testing.MockClock
) -> None:
    room.console.attachments.attach("ada", Mode.WRITE, WriteClaim.ASK, stamp())

    await room.wait(60)

    assert room.told == 0


async def test_a_shell_is_left_when_the_last_one_leaves(
    room: Room, mock_clock: trio.testing.MockClock
) -> None:
    attachment = room.console.attachments.attach(
        "ada", Mode.WRITE, WriteClaim.ASK, stamp()
    )
    await room.wait(60)

    room.console.attachments.detach(attachment)
    await room.wait(13)
    before = room.told
    await room.wait(4)

    assert (before, room.told) == (0, 1)


async def test_a_shell_that_was_left_and_is_visited_is_told_again(
    room: Room, mock_clock: trio.testing.MockClock
) -> None:
    await room.wait(20)
    attachment = room.console.attachments.attach(
        "ada", Mode.READ, WriteClaim.ASK, stamp()
    )
    await room.wait(1)
    visited = room.console.details()["left_logged_in"]
    room.console.attachments.detach(attachment)

    await room.wait(20)

    assert (visited, room.told) == (False, 2)


async def test_a_login_prompt_is_no_shell(mock_clock: trio.testing.MockClock) -> None:
    room = Room(mock_clock)
    room.print(LOGIN)

    await room.wait(60)

    assert room.told == 0
