"""Dialogues: what is asked next, and that they end whatever is answered."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

import pytest
from hypothesis import given, strategies as st

from solrecd.sources.ipmi.doctor import questions
from solrecd.sources.ipmi.doctor.questions import Dialogue, Question, Refusal, Reply

T = TypeVar("T")
Answer = Callable[[Question], Reply]

DIALOGUES: dict[str, Callable[[], Generator[Question, Reply, object]]] = {
    "ping": questions.ping,
    "capabilities": questions.capabilities,
    "suites": questions.suites,
    "own_session": questions.own_session,
    "session": lambda: questions.session(7),
    "user_access": lambda: questions.user_access(2),
    "user_name": lambda: questions.user_name(2),
    "payload_access": lambda: questions.payload_access(2),
    "sol_parameters": questions.sol_parameters,
    "payload_owner": lambda: questions.payload_owner(1),
    "chassis": questions.chassis,
    "mux": questions.mux,
    "log_info": questions.log_info,
    "log_time": questions.log_time,
}


def hold(dialogue: Dialogue[T], answer: Answer) -> tuple[T, list[Question]]:
    """Carry a dialogue out; return what it found, and what it asked."""
    asked = []
    try:
        question = next(dialogue)
        while True:
            asked.append(question)
            question = dialogue.send(answer(question))
    except StopIteration as done:
        return done.value, asked


@given(st.sampled_from(sorted(DIALOGUES)), st.data())
def test_every_dialogue_ends_whatever_is_answered(
    name: str, data: st.DataObject
) -> None:
    replies = st.builds(Reply, st.none() | st.integers(0, 255), st.binary(max_size=20))

    _, asked = hold(DIALOGUES[name](), lambda _: data.draw(replies))

    assert 1 <= len(asked) <= 64


@pytest.mark.parametrize("name", sorted(set(DIALOGUES) - {"ping"}))
def test_silence_is_a_refusal_and_is_not_waited_for_often(name: str) -> None:
    found, asked = hold(DIALOGUES[name](), lambda _: Reply(None))

    assert isinstance(found, Refusal)
    assert len(asked) <= 7


def test_suites_come_in_pieces_of_16_bytes() -> None:
    records = b"".join(bytes((0xC0, n, 1, 0x41, 0x81)) for n in range(7))

    def answer(question: Question) -> Reply:
        index = question.data[2] & 0x3F
        return Reply(0, b"\x01" + records[16 * index : 16 * index + 16])

    found, asked = hold(questions.suites(), answer)

    assert found == tuple(range(7))
    assert len(asked) == 3


def test_suites_that_end_with_a_refusal_are_taken_as_far_as_they_came() -> None:
    record = bytes((0xC0, 3, 1, 0x41, 0x81))
    replies = iter([Reply(0, b"\x01" + record * 3 + b"\xc0"), Reply(0xC9)])

    found, _ = hold(questions.suites(), lambda _: next(replies))

    assert found == (3,)


def test_a_bmc_that_falls_silent_is_not_asked_for_every_parameter() -> None:
    replies = iter([Reply(0, b"\x11\x01"), Reply(None)])

    found, asked = hold(questions.sol_parameters(), lambda _: next(replies))

    assert not isinstance(found, Refusal)
    assert found.enabled is True
    assert len(asked) == 2


def test_the_mux_is_asked_for_on_the_serial_channel_and_never_set() -> None:
    def answer(question: Question) -> Reply:
        if question.command == 0x42:
            medium = 5 if question.data[0] == 2 else 4
            return Reply(0, bytes((question.data[0], medium)))
        return Reply(0, b"\x01")

    found, asked = hold(questions.mux(), answer)

    assert found is True
    assert asked[-1].data == b"\x02\x00"


def test_why_something_is_not_known_is_said_in_words() -> None:
    words = [str(Refusal(code)) for code in (None, 0xC1, 0x99)]

    assert words == [
        "no answer",
        "the BMC does not know the question",
        "completion code 0x99",
    ]
