"""Links that work once, cookies that say who, and no more."""

from solrecd.api.web.sessions import LINK_LASTS, SESSION_LASTS, Sessions
from solrecd.process.access import LocalCaller, RemoteCaller

ALICE = LocalCaller("alice", frozenset({"operators"}), is_master=True)


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def made() -> tuple[Sessions, Clock]:
    clock = Clock()
    return Sessions(b"k" * 32, clock), clock


def test_a_link_logs_in_once() -> None:
    sessions, _ = made()

    secret = sessions.new_link(ALICE)

    assert sessions.use_link(secret) == ALICE
    assert sessions.use_link(secret) is None
    assert sessions.use_link("") is None


def test_a_link_that_is_too_old_logs_no_one_in() -> None:
    sessions, clock = made()
    secret = sessions.new_link(ALICE)

    clock.now += LINK_LASTS

    assert sessions.use_link(secret) is None


def test_a_cookie_says_who_it_was_and_neither_groups_nor_rights() -> None:
    sessions, _ = made()

    session = sessions.known(sessions.begin(ALICE))

    assert session is not None
    assert session.identity == LocalCaller("alice")


def test_tokens_and_certificates_come_back_as_they_were() -> None:
    sessions, _ = made()

    for caller in (
        RemoteCaller(token=b"\x01" * 32),
        RemoteCaller(("ci", "ci.example")),
    ):
        session = sessions.known(sessions.begin(caller))

        assert session is not None
        assert session.identity == caller


def test_a_cookie_goes_on_after_a_restart_and_not_under_another_key() -> None:
    sessions, clock = made()
    cookie = sessions.begin(ALICE)

    assert Sessions(b"k" * 32, clock).known(cookie) is not None
    assert Sessions(b"x" * 32, clock).known(cookie) is None


def test_a_cookie_that_was_changed_is_none() -> None:
    sessions, _ = made()
    cookie = sessions.begin(ALICE)
    payload, _, seal = cookie.rpartition(".")

    for forged in ("", ".", payload, f".{seal}", f"A{cookie}", f"{cookie}A", "é" * 10):
        assert sessions.known(forged) is None


def test_a_session_ends_by_itself_and_when_it_is_left() -> None:
    sessions, clock = made()
    cookie, left = sessions.begin(ALICE), sessions.begin(ALICE)
    session = sessions.known(left)
    assert session is not None

    sessions.end(session)

    assert sessions.known(left) is None
    assert sessions.known(cookie) is not None
    clock.now += SESSION_LASTS
    assert sessions.known(cookie) is None


def test_forms_of_two_sessions_carry_different_tokens() -> None:
    sessions, _ = made()
    first, second = (sessions.known(sessions.begin(ALICE)) for _ in range(2))
    assert first is not None
    assert second is not None

    assert sessions.form_token(first) != sessions.form_token(second)
