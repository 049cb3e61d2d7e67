"""Logins at BMCs that are slow, set otherwise, or have company on the network."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from solrecd.events.sessions import LostReason
from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.options import BmcOptions, User
from solrecd.sources.ipmi.protocol.constants import PayloadType
from solrecd.sources.ipmi.protocol.events import LoggedIn, SessionEvent, SessionLost
from solrecd.sources.ipmi.protocol.options import SessionOptions
from solrecd.sources.ipmi.protocol.packets import Rejection, encode_plain
from solrecd.sources.ipmi.protocol.session import Session
from tests.support.joined import SESSION_ID, Joined, counting_tokens
from tests.support.scripted_bmc import ScriptedBmc

KG = b"key of the machine"
OURS = ("192.0.2.1", 40000)


class SlowPath:
    """A session and a simulated BMC; each datagram takes its time, both ways.

    Args:
        bmc: answers.
        delay: seconds from a question to its answer.
        options: of the session.
    """

    def __init__(self, bmc: Bmc, delay: float, **options: object) -> None:
        given = {"username": b"recorder", "password": b"secret"} | options
        self.session = Session(
            SessionOptions(**given),  # type: ignore[arg-type]
            token_bytes=counting_tokens(),
            session_id=SESSION_ID,
        )
        self.bmc = bmc
        self.delay = delay
        self.now = 100.0
        self.events: list[SessionEvent] = []
        self.sent = 0
        self._flying: list[tuple[float, bytes]] = []

    def run(self, seconds: float) -> Sequence[SessionEvent]:
        """Log in, for so long."""
        end = self.now + seconds
        self.session.open(self.now)
        while self.now < end:
            for datagram in self.session.datagrams():
                self.sent += 1
                self.bmc.receive(datagram, OURS, self.now)
                answers = self.bmc.datagrams()
                self._flying += [(self.now + self.delay, one) for one, _ in answers]
            self.now = min([end, *self._due()])
            arrived = [one for one in self._flying if one[0] <= self.now]
            for one in arrived:
                self._flying.remove(one)
                self.events += self.session.receive(one[1], self.now)
            self.events += self.session.expire(self.now)
        return self.events

    def _due(self) -> list[float]:
        deadline = self.session.deadline
        return [at for at, _ in self._flying] + ([deadline] if deadline else [])

    def lost(self) -> SessionLost:
        """Return how the login failed."""
        (event,) = (one for one in self.events if isinstance(one, SessionLost))
        return event


def simulated(**options: object) -> Bmc:
    """Return a BMC that can be reckoned with."""
    return Bmc(BmcOptions(**options), rng=random.Random(1))  # type: ignore[arg-type]


@pytest.mark.parametrize("delay", [0.9, 2.6, 5.0, 9.5])
def test_a_bmc_that_answers_within_ten_seconds_is_logged_in_to(delay: float) -> None:
    path = SlowPath(simulated(), delay)

    events = path.run(6 * delay)

    (event,) = (one for one in events if isinstance(one, LoggedIn))
    assert event.suite == 17
    assert path.session.answer_delay == pytest.approx(delay)


@pytest.mark.parametrize("delay", [2.6, 9.5])
def test_a_bmc_that_is_known_to_be_slow_is_asked_each_thing_once(delay: float) -> None:
    path = SlowPath(simulated(), delay, answer_delay=delay)

    events = path.run(4.2 * delay)

    assert any(isinstance(one, LoggedIn) for one in events)
    assert path.sent == 4, "Open Session, RAKP 1 and 3, the privilege level"


def test_a_slow_bmc_that_lacks_a_suite_is_logged_in_to_under_the_next() -> None:
    events = SlowPath(simulated(cipher_suites=(3,)), 2.6).run(30)

    (event,) = (one for one in events if isinstance(one, LoggedIn))
    assert event.suite == 3


def test_a_bmc_that_takes_longer_is_not_called_gone() -> None:
    bmc = ScriptedBmc(silent_payloads={PayloadType.RAKP_1})
    joined = Joined(bmc, cipher_suites=(17,))
    joined.session.open(joined.now)
    answers = bmc.receive(joined.session.datagrams())
    joined.wait_unanswered(6)
    joined.feed(*answers)

    joined.wait(60)

    (event,) = joined.found(SessionLost)
    assert event.reason is LostReason.BMC_SLOW
    assert "other answers took up to 6.0 s" in event.detail


# --- K_g and passwords that a BMC has otherwise ---------------------------------------


def test_a_kg_that_the_bmc_does_not_have_leaves_no_session_behind() -> None:
    bmc = simulated()
    path = SlowPath(bmc, 0.01, kg=KG)

    path.run(5)

    assert path.lost().reason is LostReason.BAD_KG
    assert path.lost().detail == "the BMC has no key K_g, and one is configured"
    assert not bmc.controller.sessions


def test_a_kg_of_the_bmc_that_is_not_configured_opens_one_session_a_login() -> None:
    bmc = simulated(kg=KG)
    path = SlowPath(bmc, 0.01)

    path.run(30)

    assert path.lost().reason is LostReason.BAD_KG
    assert "another key K_g, or one where none is configured" in path.lost().detail
    assert len(bmc.controller.sessions) == 1


@pytest.mark.parametrize("length", [17, 18, 19, 20])
def test_a_bmc_that_kept_16_bytes_of_a_longer_password_is_logged_in_to(
    length: int,
) -> None:
    password = b"0123456789abcdefghij"[:length]
    bmc = simulated(users=(User(b"recorder", password[:16]),))

    events = SlowPath(bmc, 0.01, password=password).run(5)

    (event,) = (one for one in events if isinstance(one, LoggedIn))
    assert event.kept == 16


def test_a_password_that_is_kept_whole_says_nothing_of_it() -> None:
    password = b"0123456789abcdefghij"
    bmc = simulated(users=(User(b"recorder", password),))

    events = SlowPath(bmc, 0.01, password=password).run(5)

    (event,) = (one for one in events if isinstance(one, LoggedIn))
    assert event.kept is None


# --- what nothing authenticates -------------------------------------------------------


def refusals(status: int, kind: PayloadType) -> list[bytes]:
    """Return a refusal for every tag: the shortest that a BMC may send."""
    return [encode_plain(kind, bytes((tag, status))) for tag in range(256)]


@pytest.mark.parametrize("status", [0x01, 0x0D, 0x0F, 0x11, 0x12])
def test_a_forged_refusal_keeps_no_bmc_from_answering(status: int) -> None:
    joined = Joined()
    joined.session.open(joined.now)
    forged = refusals(status, PayloadType.OPEN_SESSION_RESPONSE)

    joined.feed(*forged)
    joined.exchange()

    assert joined.found(LoggedIn)[0].suite == 17
    rejected = joined.session.statistics.rejected
    assert rejected[Rejection.REFUSAL] == 1, "the one with our tag"
    assert rejected[Rejection.UNEXPECTED] == 255


@pytest.mark.parametrize("status", [0x01, 0x0D, 0x11])
def test_a_refusal_that_names_no_session_is_believed_when_it_comes_again(
    status: int,
) -> None:
    joined = Joined(ScriptedBmc(silent_payloads=set(PayloadType)), cipher_suites=(17,))
    joined.session.open(joined.now)
    forged = refusals(status, PayloadType.OPEN_SESSION_RESPONSE)

    joined.feed(*forged)
    joined.wait(0.9)
    assert not joined.events
    joined.wait(0.2)
    assert not joined.events, "a second attempt asks for the same"
    joined.feed(*forged)
    joined.wait(30)

    assert joined.found(SessionLost)[0].reason is not LostReason.UNREACHABLE


def test_a_wrong_code_in_rakp_2_is_waited_out_for_the_right_one() -> None:
    bmc = ScriptedBmc()
    joined = Joined(bmc)
    joined.session.open(joined.now)
    joined.feed(*bmc.receive(joined.session.datagrams()))
    (right,) = bmc.receive(joined.session.datagrams())
    forged = right[:-1] + bytes((right[-1] ^ 1,))

    joined.feed(forged)
    joined.feed(right)
    joined.exchange()

    assert joined.found(LoggedIn)[0].suite == 17
    assert joined.session.statistics.rejected[Rejection.REFUSAL] == 1


def test_a_bmc_that_proved_itself_is_not_asked_for_a_weaker_suite() -> None:
    bmc = ScriptedBmc(silent_payloads={PayloadType.RAKP_3})
    joined = Joined(bmc).log_in()

    joined.wait(60)

    assert {one.algorithms.authentication for one in bmc.opened} == {3}
    assert joined.found(SessionLost)[0].reason is LostReason.BMC_TIMEOUT


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0x11, 0x13, 0x15]),
            st.integers(0, 255),
            st.binary(max_size=60),
        ),
        max_size=20,
    )
)
def test_no_forged_datagrams_keep_a_bmc_out_that_answers(
    forged: list[tuple[int, int, bytes]],
) -> None:
    joined = Joined()
    joined.session.open(joined.now)

    joined.feed(*(encode_plain(kind, bytes((tag,)) + end) for kind, tag, end in forged))
    joined.exchange()

    assert joined.found(LoggedIn)
