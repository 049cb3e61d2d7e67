"""Which options are in effect after what was said; it never goes round in circles."""

from __future__ import annotations

from hypothesis import given, strategies as st

from solrecd.sources.stream.tcp.codec import Negotiation, Option, Verb, decode
from solrecd.sources.stream.tcp.options import Options, Side, State

OURS = (Option.BINARY, Option.SUPPRESS_GO_AHEAD)
THEIRS = (Option.BINARY, Option.ECHO, Option.SUPPRESS_GO_AHEAD)

said = st.builds(Negotiation, st.sampled_from(Verb), st.integers(0, 255))


def ours() -> Options:
    return Options(OURS, THEIRS)


def as_said(data: bytes) -> list[Negotiation]:
    """Return the negotiations in bytes."""
    found = list[Negotiation]()
    while data:
        read = decode(data, binary=True)
        for each in read.commands:
            assert isinstance(each, Negotiation)
            found.append(each)
        data = data[read.used :]
    return found


def test_what_is_asked_for_and_agreed_to_needs_no_answer() -> None:
    options = ours()
    asked = options.ask()

    answers = [
        options.receive(Negotiation(Verb.WILL, Option.BINARY)),
        options.receive(Negotiation(Verb.DO, Option.BINARY)),
        options.receive(Negotiation(Verb.WONT, Option.ECHO)),
    ]

    assert asked == bytes.fromhex("fffb00 fffb03 fffd00 fffd01 fffd03")
    assert answers == [b"", b"", b""]
    assert options.is_on(Side.THEIRS, Option.BINARY)
    assert options.is_on(Side.OURS, Option.BINARY)
    assert options.state(Side.THEIRS, Option.ECHO) is State.REFUSED


def test_what_the_other_end_offers_is_accepted_once() -> None:
    options = ours()

    answers = [options.receive(Negotiation(Verb.WILL, Option.ECHO)) for _ in range(3)]

    assert answers == [bytes([255, Verb.DO, Option.ECHO]), b"", b""]


def test_what_is_unknown_is_refused() -> None:
    options = ours()

    assert options.receive(Negotiation(Verb.DO, 24)) == bytes([255, Verb.WONT, 24])
    assert options.receive(Negotiation(Verb.WILL, 24)) == bytes([255, Verb.DONT, 24])
    assert options.receive(Negotiation(Verb.DO, Option.COM_PORT)) == bytes.fromhex(
        "fffc2c"
    )
    assert options.receive(Negotiation(Verb.WONT, 24)) == b""


@given(st.lists(said, max_size=40))
def test_two_of_us_always_come_to_an_end_and_agree(first: list[Negotiation]) -> None:
    one, other = ours(), Options(THEIRS, OURS)
    for each in first:
        one.receive(each)
    one, rounds = ours(), 0
    to_other, to_one = as_said(one.ask()), as_said(other.ask())

    while to_other or to_one:
        rounds += 1
        assert rounds < 5
        answers = b"".join(map(other.receive, to_other))
        to_other = as_said(b"".join(map(one.receive, to_one)))
        to_one = as_said(answers)

    for option in THEIRS:
        is_on = one.is_on(Side.THEIRS, option)
        assert is_on is other.is_on(Side.OURS, option) is True


@given(st.lists(said, max_size=40))
def test_a_packed_state_is_the_same_state(first: list[Negotiation]) -> None:
    options = ours()
    options.ask()
    for each in first:
        options.receive(each)

    again = Options(OURS, THEIRS, options.packed)

    assert again.packed == options.packed < 1 << 16
    assert [again.state(side, option) for side in Side for option in Option] == [
        options.state(side, option) for side in Side for option in Option
    ]
