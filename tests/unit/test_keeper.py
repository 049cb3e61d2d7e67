"""The keeper: attempts, back-off, and who may hold the console."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest
import trio
from trio.testing import MockClock

from solrecd.events.gaps import Gap
from solrecd.events.sessions import Lost, LostReason, SessionState
from solrecd.events.wire_counts import WireCounts
from solrecd.sources.ipmi.keeper import Keeper
from solrecd.sources.ipmi.keeper.attempt import GRACE, POLL_FOREIGN, REACTIVATIONS
from solrecd.sources.ipmi.keeper.keeper import (
    BACKOFF_FIRST,
    BACKOFF_LAST,
    POWER_AFTER_QUIET,
    REFUSED_FIRST,
    REFUSED_LAST,
)
from solrecd.sources.ipmi.keeper.takeover import TAKES, TAKES_WITHIN
from solrecd.sources.ipmi.link.base import NameUnresolvedError, RequestError
from solrecd.sources.ipmi.link.login import GOODBYE, LOGIN_REFUSED, SLOT_PATIENCE
from solrecd.sources.ipmi.options import IpmiOptions, OnConflict
from solrecd.sources.ipmi.protocol.constants import PrivilegeLevel
from solrecd.sources.ipmi.protocol.events import (
    CommandAnswered,
    LoggedIn,
    SessionEvent,
    SessionLost,
    SolActivated,
    SolConfirmed,
    SolDeactivated,
    SolRefused,
    SolStolen,
    SolUnavailable,
)
from tests.support.configs import bmc_options
from tests.support.unguarded import Unguarded

OURS, THEIRS = 1, 2

CONFIG = bmc_options("node1")


@dataclass
class FakeBmc:
    """What a BMC does, seen through a link."""

    owner: int | None = None
    refuses: LostReason | None = None
    """Why it lets no session in."""
    refuses_sol: LostReason | None = None
    silent: bool = False
    sticks: bool = False
    """Deactivation is said to work and does not."""
    deactivation: int = 0
    """Completion code of Deactivate Payload."""
    unresolved: bool = False
    logins: int = 0
    taken: int = 0
    goodbyes: int = 0
    left: bool = False
    """An earlier process had a session here."""
    resumed: int = 0
    is_handing_over: bool = False
    """We are being replaced."""
    own_session_ids: tuple[int, ...] = ()
    asked_power: list[tuple[float, float]] = field(default_factory=list)
    """When the keeper wanted to know about the power, and after how many seconds."""
    link: FakeLink | None = None

    def post(self, event: SessionEvent) -> None:
        assert self.link is not None
        self.link.post(event)

    def is_taken(self) -> None:
        self.owner = THEIRS
        self.post(SolStolen(THEIRS))

    def switches_off(self) -> None:
        self.owner = None
        self.post(SolDeactivated())

    def dies(self) -> None:
        self.post(SessionLost(LostReason.BMC_TIMEOUT, "no answer"))


class FakeLink:
    """Stands for `SolLink`."""

    def __init__(self, bmc: FakeBmc) -> None:
        self.bmc = bmc
        self.is_over = False
        self.send_error = None
        self.closed = False
        self.session = SimpleNamespace(privilege=PrivilegeLevel.OPERATOR)
        self.tell_power: Callable[[bool | None], None] | None = None
        self._post, self._mail = trio.open_memory_channel[SessionEvent](64)

    def post(self, event: SessionEvent) -> None:
        self.is_over = self.is_over or isinstance(event, SessionLost)
        self._post.send_nowait(event)

    async def next_event(self) -> SessionEvent:
        return await self._mail.receive()

    def open(self) -> None:
        self.bmc.logins += 1
        if self.bmc.silent:
            return
        if self.bmc.refuses is not None:
            self.post(SessionLost(self.bmc.refuses, "refused"))
        else:
            self.post(LoggedIn(17, PrivilegeLevel.OPERATOR))

    def catch_up(self) -> None:
        self.bmc.resumed += 1
        if self.bmc.silent:
            return
        self.post(SolConfirmed() if self.bmc.owner == OURS else SolDeactivated())

    def leave(self) -> bool:
        return self.bmc.owner == OURS

    def activate(self) -> None:
        if self.is_over:
            return
        if self.bmc.refuses_sol is not None:
            self.post(SolRefused(self.bmc.refuses_sol, 0x81))
        elif self.bmc.owner == THEIRS:
            self.post(SolRefused(LostReason.FOREIGN_OWNER, 0x80, THEIRS))
        else:
            self.bmc.owner = OURS
            self.post(SolActivated(1, 255))

    def deactivate(self) -> None:
        if self.is_over:
            return
        self.bmc.taken += 1
        if not self.bmc.sticks:
            self.bmc.owner = None
        self.post(SolDeactivated(self.bmc.deactivation))

    def write(self, data: bytes) -> None:
        assert not self.is_over or not data

    def watch_power(
        self, tell: Callable[[bool | None], None], rng: random.Random
    ) -> None:
        self.tell_power = tell

    def ask_power_soon(self, after: float) -> None:
        self.bmc.asked_power.append((trio.current_time(), after))

    async def request(
        self,
        netfn: int,
        command: int,
        data: bytes = b"",
        *,
        lun: int = 0,
        retry_intervals: tuple[float, ...] = (),
    ) -> CommandAnswered:
        await trio.lowlevel.checkpoint()
        return CommandAnswered(1, 0, bytes((netfn, command)) + data)

    def close_session(self) -> None:
        self.bmc.goodbyes += 1
        if not self.bmc.silent:
            self.post(SessionLost(LostReason.STOPPED, ""))

    def close(self) -> None:
        self.closed = True
        self._post.close()
        self._mail.close()


class FakeDialer:
    """Gives every attempt a link to the same BMC."""

    def __init__(self, bmc: FakeBmc, slots: int = 64) -> None:
        self.slots = trio.CapacityLimiter(slots)
        self.bmc = bmc
        self.addresses = 1
        self.turns = 0

    async def resolve(self, config: IpmiOptions) -> object:
        await trio.lowlevel.checkpoint()
        if self.bmc.unresolved:
            raise NameUnresolvedError(f"{config.host}: unknown")
        return object()

    def link(self, config: IpmiOptions, address: object, recorder: object) -> FakeLink:
        self.bmc.link = FakeLink(self.bmc)
        return self.bmc.link

    def try_next(self, name: str) -> bool:
        self.turns += 1
        return bool(self.turns % self.addresses)

    def relearn(self, name: str) -> None:
        self.turns = 0

    def resume(self, config: IpmiOptions, recorder: object) -> FakeLink | None:
        if not self.bmc.left:
            return None
        self.bmc.link = FakeLink(self.bmc)
        return self.bmc.link

    def own_session_ids(self, name: str) -> tuple[int, ...]:
        return self.bmc.own_session_ids

    @property
    def is_handing_over(self) -> bool:
        return self.bmc.is_handing_over


@dataclass
class FakeConsole:
    """Remembers what it is told, with the time."""

    guard = Unguarded()

    changes: list[tuple[float, SessionState, LostReason | None]] = field(
        default_factory=list
    )
    losts: list[Lost] = field(default_factory=list)
    retries: list[float | None] = field(default_factory=list)
    power: list[bool | None] = field(default_factory=list)
    offset: int = 0
    counts: WireCounts = field(default_factory=WireCounts)
    keeper: Keeper | None = None

    def revive(self) -> bool:
        assert self.keeper is not None
        return self.keeper.revive("nothing came")

    def mark_restart(self, since: int, *, output_waited: bool) -> None:
        raise AssertionError(since)

    def power_seen(self, *, on: bool | None) -> None:
        self.power.append(on)

    def record(self, data: bytes) -> bool:
        return True

    def resumed(self) -> None:
        """A gap ends; no test here needs it."""

    def line_seen(self, ago: float) -> None:
        """The payload is not ours; no test here needs it."""

    def mark_loss(self, gap: Gap) -> None:
        raise AssertionError("no loss here")

    def input_stuck(self, unsent: int, *, is_stuck: bool) -> None:
        raise AssertionError("nothing is typed here")

    def session_changed(
        self, state: SessionState, lost: Lost | None, retry_in: float | None
    ) -> None:
        reason = None if lost is None else lost.reason
        self.changes.append((trio.current_time(), state, reason))
        self.losts += [] if lost is None else [lost]
        self.retries.append(retry_in)

    @property
    def states(self) -> list[SessionState]:
        return [state for _, state, _ in self.changes]

    @property
    def state(self) -> SessionState:
        return self.states[-1]

    @property
    def reason(self) -> LostReason | None:
        return self.changes[-1][2]


Start = Callable[..., FakeConsole]


@pytest.fixture
def start(nursery: trio.Nursery) -> Callable[..., FakeConsole]:
    """Run a keeper against a BMC; return the console that it reports to."""

    def start_one(
        bmc: FakeBmc, *, addresses: int = 1, **changes: object
    ) -> FakeConsole:
        console, dialer = FakeConsole(), FakeDialer(bmc)
        dialer.addresses = addresses
        keeper = Keeper(
            replace(CONFIG, **changes),  # type: ignore[arg-type]
            dialer,  # type: ignore[arg-type]
            console,
            rng=random.Random(1),
        )
        nursery.start_soon(keeper.run)
        console.keeper = keeper
        return console

    return start_one


async def test_a_session_comes_up_and_stays_up(
    start: Start, autojump_clock: MockClock
) -> None:
    console = start(FakeBmc())

    await trio.sleep(3600)

    assert console.states == [SessionState.CONNECTING, SessionState.UP]


async def test_a_lost_session_is_back_within_two_seconds(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc()
    console = start(bmc)
    await trio.sleep(100)

    bmc.dies()
    await trio.sleep(2)

    assert console.states[-3:] == [
        SessionState.DOWN,
        SessionState.CONNECTING,
        SessionState.UP,
    ]


@pytest.mark.parametrize(
    "reason", [LostReason.SUITE_REFUSED, LostReason.UNREACHABLE, LostReason.BMC_BUSY]
)
async def test_a_refused_login_is_told_and_tried_again_ever_more_rarely(
    start: Start, autojump_clock: MockClock, reason: LostReason
) -> None:
    bmc = FakeBmc(refuses=reason)
    console = start(bmc)

    await trio.sleep(3600)

    waits = [retry for retry in console.retries if retry is not None]
    assert (console.state, console.reason) == (SessionState.DOWN, reason)
    assert waits[0] <= 1
    assert BACKOFF_LAST / 2 <= waits[-1] <= BACKOFF_LAST
    assert bmc.logins < 3600 / (BACKOFF_LAST / 2) + 10


async def test_a_name_without_address_is_told(
    start: Start, autojump_clock: MockClock
) -> None:
    console = start(FakeBmc(unresolved=True))

    await trio.sleep(1)

    assert console.reason is LostReason.NAME_UNRESOLVED


async def test_disabled_sol_is_told_and_the_session_closed(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc(refuses_sol=LostReason.SOL_DISABLED)
    console = start(bmc)

    await trio.sleep(0.1)

    assert console.reason is LostReason.SOL_DISABLED
    assert bmc.goodbyes == bmc.logins


async def test_by_default_a_foreign_owner_is_waited_for(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc(owner=THEIRS)
    console = start(bmc)
    await trio.sleep(7200)

    waiting = console.state
    bmc.owner = None
    await trio.sleep(POLL_FOREIGN + 1)

    assert waiting is SessionState.FOREIGN
    assert console.state is SessionState.UP
    assert (bmc.taken, bmc.logins) == (0, 1)


async def test_a_thief_may_keep_the_console_for_a_while_only(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc()
    console = start(bmc, yield_for=900.0)
    await trio.sleep(10)

    bmc.is_taken()
    await trio.sleep(890)
    before = console.state
    await trio.sleep(30)

    assert before is SessionState.YIELDED
    assert (console.state, bmc.taken) == (SessionState.UP, 1)


async def test_take_takes_at_once_but_two_recorders_do_not_fight_for_ever(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc(owner=THEIRS)
    console = start(bmc, on_conflict=OnConflict.TAKE, on_stolen=OnConflict.TAKE)

    for _ in range(TAKES):
        await trio.sleep(1)
        bmc.is_taken()
    await trio.sleep(1)
    after_the_last = console.state
    await trio.sleep(TAKES_WITHIN + POLL_FOREIGN)

    assert after_the_last is SessionState.YIELDED
    assert (console.state, bmc.taken) == (SessionState.UP, TAKES + 1)


async def test_wait_never_takes_even_from_a_thief(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc()
    start(bmc, on_stolen=OnConflict.WAIT)
    await trio.sleep(10)

    bmc.is_taken()
    await trio.sleep(7200)

    assert bmc.taken == 0


async def test_a_payload_that_sticks_is_reported_with_bounded_tries(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc(owner=THEIRS, sticks=True)
    console = start(bmc, on_conflict=OnConflict.TAKE)

    await trio.sleep(300)

    assert LostReason.STUCK_PAYLOAD in [reason for _, _, reason in console.changes]
    assert bmc.taken <= TAKES


async def test_a_payload_the_bmc_drops_is_activated_again_a_few_times(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc()
    console = start(bmc)
    await trio.sleep(1)

    for _ in range(REACTIVATIONS):
        bmc.post(SolDeactivated())
        await trio.sleep(GRACE + 0.1)
    logins, state = bmc.logins, console.state
    bmc.post(SolDeactivated())
    await trio.sleep(5)

    assert (logins, state) == (1, SessionState.UP)
    assert (bmc.logins, console.state) == (2, SessionState.UP)


async def test_a_payload_that_was_switched_off_is_left_to_others_for_some_seconds(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc()
    console = start(bmc)
    await trio.sleep(1)

    bmc.owner = None
    bmc.post(SolDeactivated())
    await trio.sleep(GRACE - 0.1)
    meanwhile = bmc.owner
    bmc.owner = THEIRS
    await trio.sleep(0.2)

    assert meanwhile is None
    assert console.state is SessionState.YIELDED
    assert (bmc.owner, bmc.logins) == (THEIRS, 1)


async def test_a_payload_that_was_switched_off_and_is_not_taken_is_had_again(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc()
    console = start(bmc)
    await trio.sleep(1)

    bmc.switches_off()
    await trio.sleep(GRACE + 0.1)

    assert (bmc.owner, bmc.logins) == (OURS, 1)
    assert console.state is SessionState.UP


async def test_who_wants_the_console_at_once_does_not_stand_back(
    start: Start, autojump_clock: MockClock
) -> None:
    greedy, asked = FakeBmc(), FakeBmc()
    start(greedy, on_stolen=OnConflict.TAKE)
    console = start(asked)
    await trio.sleep(1)

    for bmc in (greedy, asked):
        bmc.owner = None
        bmc.post(SolDeactivated())
    await trio.sleep(0.1)
    before = asked.owner
    assert console.keeper is not None
    console.keeper.take_back()
    await trio.sleep(0.1)

    assert (greedy.owner, asked.owner) == (OURS, OURS)
    assert before is None


async def test_who_may_not_take_the_console_is_told_which_privilege_is_lacking(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc(owner=THEIRS, sticks=True, deactivation=0xD4)
    console = start(bmc, on_conflict=OnConflict.TAKE)

    await trio.sleep(10)

    details = {lost.detail for lost in console.losts}
    (detail,) = [each for each in details if "0xd4" in each]
    assert LostReason.PRIVILEGE_REFUSED in {lost.reason for lost in console.losts}
    assert "user recorder" in detail
    assert "operator" in detail
    assert "administrator" in detail
    assert not any("cold reset" in each for each in details)


async def test_a_console_that_fell_silent_is_activated_again_in_its_session(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc()
    console = start(bmc)
    await trio.sleep(1)

    revived = console.revive()
    await trio.sleep(1)

    assert revived
    assert (bmc.logins, bmc.taken, console.state) == (1, 1, SessionState.UP)
    assert console.changes[-2][1:] == (SessionState.CONNECTING, LostReason.SILENT)


async def test_no_console_is_revived_in_a_circle_or_without_the_console(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc()
    console = start(bmc, on_stolen=OnConflict.WAIT)
    await trio.sleep(1)

    allowed = []
    for _ in range(TAKES + 1):
        allowed.append(console.revive())
        await trio.sleep(5)
    await trio.sleep(TAKES_WITHIN)
    bmc.is_taken()
    await trio.sleep(1)

    assert allowed == [True] * TAKES + [False]
    assert not console.revive()
    assert bmc.taken == TAKES


async def test_silent_bmcs_do_not_keep_login_slots_from_living_ones(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    dead, living = FakeBmc(silent=True), FakeBmc()
    slots = trio.CapacityLimiter(1)
    for bmc in (dead, living):
        dialer = FakeDialer(bmc)
        dialer.slots = slots
        keeper = Keeper(CONFIG, dialer, FakeConsole(), rng=random.Random(1))  # type: ignore[arg-type]
        nursery.start_soon(keeper.run)

    await trio.sleep(SLOT_PATIENCE + 0.1)

    assert living.owner == OURS


@pytest.mark.parametrize("silent", [False, True])
async def test_a_cancelled_keeper_says_goodbye_in_bounded_time(
    autojump_clock: MockClock, *, silent: bool
) -> None:
    bmc = FakeBmc()
    keeper = Keeper(CONFIG, FakeDialer(bmc), FakeConsole(), rng=random.Random(1))  # type: ignore[arg-type]

    async with trio.open_nursery() as nursery:
        nursery.start_soon(keeper.run)
        await trio.sleep(1)
        bmc.silent = silent
        began = trio.current_time()
        nursery.cancel_scope.cancel()

    assert trio.current_time() - began <= GOODBYE
    assert bmc.goodbyes == 1
    assert bmc.link is not None
    assert bmc.link.closed


async def test_a_session_that_was_left_goes_on_without_a_login(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc(left=True, owner=OURS)
    console = start(bmc)

    await trio.sleep(100)

    assert console.states == [SessionState.UP]
    assert (bmc.resumed, bmc.logins) == (1, 0)


@pytest.mark.parametrize("owner", [None, THEIRS])
async def test_a_session_that_was_left_and_lost_the_console_is_replaced_at_once(
    start: Start, autojump_clock: MockClock, owner: int | None
) -> None:
    bmc = FakeBmc(left=True, owner=owner)
    console = start(bmc)

    await trio.sleep(1)

    assert (bmc.goodbyes, bmc.logins) == (1, 1)
    assert console.states[:2] == [SessionState.DOWN, SessionState.CONNECTING]


async def test_a_session_that_was_left_and_is_silent_is_replaced_in_five_seconds(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc(left=True, owner=OURS, silent=True)
    start(bmc)

    await trio.sleep(5)

    assert (bmc.resumed, bmc.logins) == (1, 1)


async def test_our_own_ghost_is_not_waited_for(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc(owner=THEIRS, own_session_ids=(THEIRS,))
    console = start(bmc, on_conflict=OnConflict.WAIT)

    await trio.sleep(1)

    assert console.state is SessionState.UP


@pytest.mark.parametrize(("owner", "goodbyes"), [(OURS, 0), (None, 1)])
async def test_a_keeper_that_is_replaced_leaves_what_can_be_left(
    autojump_clock: MockClock, owner: int | None, goodbyes: int
) -> None:
    bmc = FakeBmc()
    keeper = Keeper(CONFIG, FakeDialer(bmc), FakeConsole(), rng=random.Random(1))  # type: ignore[arg-type]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keeper.run)
        await trio.sleep(10)
        bmc.owner, bmc.is_handing_over = owner, True
        before = trio.current_time()
        nursery.cancel_scope.cancel()

    assert bmc.goodbyes == goodbyes
    assert trio.current_time() == before


async def test_the_power_is_watched_from_the_login_to_the_end_of_the_session(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc()
    console = start(bmc)
    await trio.sleep(1)
    assert bmc.link is not None
    assert bmc.link.tell_power is not None

    bmc.link.tell_power(True)
    bmc.dies()
    await trio.sleep(0.1)

    assert console.power == [True, None]


async def test_a_serial_port_that_goes_away_makes_us_ask_for_the_power_at_once(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc()
    start(bmc)
    await trio.sleep(10)

    bmc.post(SolUnavailable())
    await trio.sleep(1)

    assert bmc.asked_power == [(10, 0)]


async def test_a_console_that_fell_silent_makes_us_ask_for_the_power(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc()
    keeper = Keeper(CONFIG, FakeDialer(bmc), FakeConsole(), rng=random.Random(1))  # type: ignore[arg-type]
    keeper.console_is_quiet()
    nursery.start_soon(keeper.run)
    await trio.sleep(10)

    keeper.console_is_quiet()

    assert bmc.asked_power == [(10, POWER_AFTER_QUIET)]


async def test_commands_go_over_the_live_session(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    keeper = Keeper(CONFIG, FakeDialer(FakeBmc()), FakeConsole(), rng=random.Random(1))  # type: ignore[arg-type]
    nursery.start_soon(keeper.run)
    await trio.sleep(1)

    answer = await keeper.request(6, 1, b"x")

    assert answer.data == b"\x06\x01x"


async def test_without_a_session_a_command_fails_at_once(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc(unresolved=True)
    keeper = Keeper(CONFIG, FakeDialer(bmc), FakeConsole(), rng=random.Random(1))  # type: ignore[arg-type]
    nursery.start_soon(keeper.run)
    await trio.sleep(1)

    with pytest.raises(RequestError, match="no session"):
        await keeper.request(6, 1)


def keeper_of(console: FakeConsole) -> Keeper:
    assert console.keeper is not None
    return console.keeper


async def test_a_console_given_away_has_no_session_until_the_time_is_over(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc()
    console = start(bmc)
    await trio.sleep(100)

    keeper_of(console).yield_session(900, "for alice")
    await trio.sleep(890)

    assert (console.state, console.reason) == (
        SessionState.YIELDED,
        LostReason.YIELDED,
    )
    assert (bmc.logins, bmc.goodbyes) == (1, 1)
    await trio.sleep(12)
    assert console.state is SessionState.UP


async def test_a_console_given_away_before_its_login_began_is_not_logged_in_to(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc()
    console = start(bmc)
    await trio.lowlevel.checkpoint()

    keeper_of(console).yield_session(900, "for alice")
    await trio.sleep(890)

    assert (bmc.logins, console.state) == (0, SessionState.YIELDED)
    await trio.sleep(12)
    assert console.state is SessionState.UP


async def test_a_console_given_away_between_two_attempts_is_said_to_be_so_at_once(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc(refuses=LostReason.BMC_BUSY)
    console = start(bmc)
    await trio.sleep(600)

    keeper_of(console).yield_session(900, "for alice")
    await trio.sleep(0.1)
    logins = bmc.logins
    await trio.sleep(800)

    assert console.state is SessionState.YIELDED
    assert bmc.logins == logins


async def test_the_last_loan_is_the_one_that_counts(
    start: Start, autojump_clock: MockClock
) -> None:
    console = start(FakeBmc())
    await trio.sleep(100)

    keeper_of(console).yield_session(900, "for alice")
    await trio.sleep(10)
    keeper_of(console).yield_session(20, "for bob")
    await trio.sleep(19)
    before = console.state
    await trio.sleep(2)

    assert (before, console.state) == (SessionState.YIELDED, SessionState.UP)


async def test_a_loan_made_while_the_keeper_does_not_run_counts_once_it_does(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bmc, console = FakeBmc(), FakeConsole()
    keeper = Keeper(CONFIG, FakeDialer(bmc), console, rng=random.Random(1))  # type: ignore[arg-type]
    keeper.yield_session(900, "for alice")

    nursery.start_soon(keeper.run)
    await trio.sleep(890)

    assert (console.state, bmc.logins) == (SessionState.YIELDED, 0)
    assert console.reason is LostReason.YIELDED


@dataclass
class FaultyConsole(FakeConsole):
    """Has a bug, which shows once, with the first loss for this reason."""

    reason_of_bug: LostReason = LostReason.YIELDED

    def session_changed(
        self, state: SessionState, lost: Lost | None, retry_in: float | None
    ) -> None:
        super().session_changed(state, lost, retry_in)
        reasons = [reason for _, _, reason in self.changes]
        if self.reason is self.reason_of_bug and reasons.count(self.reason) == 1:
            raise RuntimeError("a bug")


async def test_a_wish_that_a_bug_kept_from_being_granted_is_forgotten(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bmc, console = FakeBmc(), FaultyConsole(reason_of_bug=LostReason.DEACTIVATED)
    keeper = Keeper(CONFIG, FakeDialer(bmc), console, rng=random.Random(1))  # type: ignore[arg-type]

    async def people() -> None:
        await trio.sleep(10)
        bmc.post(SolDeactivated())
        keeper.reconnect("for alice")

    nursery.start_soon(people)
    with pytest.raises(RuntimeError, match="a bug"):
        await keeper.run()
    nursery.start_soon(keeper.run)
    await trio.sleep(100)

    assert console.state is SessionState.UP
    assert bmc.logins == 2


async def test_a_loan_outlasts_a_bug(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bmc, console = FakeBmc(), FaultyConsole()
    keeper = Keeper(CONFIG, FakeDialer(bmc), console, rng=random.Random(1))  # type: ignore[arg-type]

    async def people() -> None:
        await trio.sleep(10)
        keeper.yield_session(900, "for alice")

    nursery.start_soon(people)
    with pytest.raises(RuntimeError, match="a bug"):
        await keeper.run()
    nursery.start_soon(keeper.run)
    await trio.sleep(880)

    assert (console.state, console.reason) == (
        SessionState.YIELDED,
        LostReason.YIELDED,
    )
    assert bmc.logins == 1


async def test_of_two_wishes_at_the_same_moment_the_later_one_counts(
    start: Start, autojump_clock: MockClock
) -> None:
    console = start(FakeBmc())
    await trio.sleep(100)

    keeper_of(console).yield_session(900, "for alice")
    keeper_of(console).take_back()
    await trio.sleep(1)

    assert console.state is SessionState.UP
    assert SessionState.YIELDED not in console.states


async def test_a_wish_at_the_moment_of_a_loss_does_not_hide_the_loss(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc()
    console = start(bmc)
    await trio.sleep(100)

    bmc.dies()
    assert console.revive()
    await trio.sleep(10)

    assert console.state is SessionState.UP
    assert LostReason.BMC_TIMEOUT in [reason for _, _, reason in console.changes]
    assert LostReason.SILENT not in [reason for _, _, reason in console.changes]


@pytest.mark.parametrize(("up_for", "settled"), [(30, False), (90, True)])
async def test_waits_begin_with_the_shortest_again_once_a_session_lasted(
    start: Start, autojump_clock: MockClock, up_for: float, *, settled: bool
) -> None:
    bmc = FakeBmc(refuses=LostReason.BMC_BUSY)
    console = start(bmc)
    await trio.sleep(600)
    bmc.refuses = None
    while console.state is not SessionState.UP:  # noqa: ASYNC110
        await trio.sleep(0.1)

    await trio.sleep(up_for / 2)
    bmc.post(SolDeactivated())
    await trio.sleep(up_for / 2)
    bmc.dies()
    await trio.sleep(0.1)

    wait = console.retries[-1]
    assert wait is not None
    assert (wait <= 1) is settled


async def test_a_fresh_session_is_not_made_while_the_console_is_given_away(
    start: Start, autojump_clock: MockClock
) -> None:
    console = start(FakeBmc())
    await trio.sleep(100)
    keeper_of(console).yield_session(900, "for alice")
    await trio.sleep(10)

    keeper_of(console).reconnect("for bob")
    await trio.sleep(10)

    assert (console.state, console.reason) == (
        SessionState.YIELDED,
        LostReason.YIELDED,
    )


async def test_a_console_given_away_is_taken_back_early(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc()
    console = start(bmc)
    await trio.sleep(100)
    keeper_of(console).yield_session(900, "for alice")
    await trio.sleep(10)

    keeper_of(console).take_back()
    await trio.sleep(0.1)

    assert console.state is SessionState.UP


async def test_a_wish_takes_the_console_at_once_from_its_holder(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc(owner=THEIRS)
    console = start(bmc, on_conflict=OnConflict.WAIT)
    await trio.sleep(POLL_FOREIGN * 10.5)
    assert console.state is SessionState.FOREIGN

    keeper_of(console).take_back()
    await trio.sleep(0.1)

    assert (bmc.owner, bmc.taken) == (OURS, 1)
    assert console.states.count(SessionState.UP) == 1


async def test_a_wish_is_granted_once_only(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc()
    console = start(bmc, on_stolen=OnConflict.WAIT)
    await trio.sleep(100)
    keeper_of(console).take_back()

    bmc.is_taken()
    await trio.sleep(60)

    assert (console.state, bmc.owner) == (SessionState.YIELDED, THEIRS)


async def test_a_fresh_session_comes_at_once_when_a_user_wants_one(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc()
    console = start(bmc)
    await trio.sleep(100)

    keeper_of(console).reconnect("for alice")
    await trio.sleep(0.1)

    assert (bmc.logins, bmc.goodbyes) == (2, 1)
    assert (SessionState.DOWN, LostReason.RECONNECT) in [
        change[1:] for change in console.changes
    ]
    assert console.state is SessionState.UP


async def test_a_wait_between_attempts_ends_when_a_user_wants_a_session(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc(refuses=LostReason.BMC_BUSY)
    console = start(bmc)
    await trio.sleep(600)
    bmc.refuses = None

    keeper_of(console).reconnect("for alice")
    await trio.sleep(0.1)

    assert console.state is SessionState.UP


async def test_what_is_typed_without_a_session_goes_nowhere(
    start: Start, autojump_clock: MockClock
) -> None:
    console = start(FakeBmc(refuses=LostReason.BMC_BUSY))
    await trio.sleep(1)

    assert not keeper_of(console).write(b"x")
    assert not keeper_of(console).send_break()
    assert keeper_of(console).unsent == 0


# --- refused logins -------------------------------------------------------------------


@pytest.mark.parametrize("reason", sorted(LOGIN_REFUSED))
async def test_a_refused_login_is_tried_again_after_minutes_then_after_an_hour(
    start: Start, autojump_clock: MockClock, reason: LostReason
) -> None:
    bmc = FakeBmc(refuses=reason)
    console = start(bmc)

    await trio.sleep(30 * 60)
    in_half_an_hour = bmc.logins
    await trio.sleep(24 * 3600)

    assert 4 <= in_half_an_hour <= 6
    assert bmc.logins - in_half_an_hour <= 48
    waits = [each for each in console.retries if each]
    assert REFUSED_FIRST / 2 <= waits[0] <= REFUSED_FIRST
    assert max(waits) <= REFUSED_LAST


@pytest.mark.parametrize("reason", sorted(LOGIN_REFUSED))
async def test_one_refusal_after_a_login_that_worked_is_not_believed(
    start: Start, autojump_clock: MockClock, reason: LostReason
) -> None:
    bmc = FakeBmc()
    console = start(bmc)
    await trio.sleep(100)
    assert console.state is SessionState.UP
    keeper = keeper_of(console)

    bmc.refuses = reason
    keeper.reconnect("a test")
    await trio.sleep(0.4)
    assert (console.state, bmc.logins) == (SessionState.DOWN, 2)
    assert console.retries[-1] is not None
    assert console.retries[-1] <= BACKOFF_FIRST
    bmc.refuses = None
    await trio.sleep(BACKOFF_FIRST)
    assert console.state is SessionState.UP

    bmc.refuses = reason
    keeper.reconnect("a test")
    await trio.sleep(BACKOFF_FIRST + 1)
    assert bmc.logins == 5, "the second one is"
    assert console.retries[-1] is not None
    assert REFUSED_FIRST / 2 <= console.retries[-1] <= REFUSED_FIRST


async def test_a_reload_and_a_fresh_session_try_a_refused_login_at_once(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc(refuses=LostReason.BAD_PASSWORD)
    console = start(bmc)
    await trio.sleep(3600)
    keeper, before = console.keeper, bmc.logins
    assert keeper is not None

    keeper.renew()
    await trio.sleep(1)
    assert bmc.logins == before + 1
    assert console.retries[-1] is not None
    assert console.retries[-1] <= REFUSED_FIRST, "the back-off has begun again"
    bmc.refuses = None
    keeper.reconnect("for admin")
    await trio.sleep(1)

    assert console.state is SessionState.UP


async def test_a_reload_leaves_sessions_and_other_waits_alone(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc()
    console = start(bmc)
    await trio.sleep(1)
    assert console.keeper is not None

    console.keeper.renew()
    await trio.sleep(1)

    assert bmc.logins == 1
    assert bmc.goodbyes == 0


async def test_the_addresses_of_a_name_are_tried_without_a_long_pause(
    start: Start, autojump_clock: MockClock
) -> None:
    bmc = FakeBmc(refuses=LostReason.UNREACHABLE)
    console = start(bmc, addresses=4)

    await trio.sleep(3.5)

    assert bmc.logins >= 4
    waits = [each for each in console.retries if each]
    assert max(waits[:4]) <= 1
