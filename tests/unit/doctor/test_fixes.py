"""Setting parameters on a BMC of a few lines that can refuse anything."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from solrecd.sources.ipmi.doctor.fixes import apply_fixes
from solrecd.sources.ipmi.doctor.questions import Question, Reply
from solrecd.sources.ipmi.doctor.sol import Fix
from tests.unit.doctor.test_questions import hold

ENABLE = Fix(1, "SoL", "off", "on", b"\x01")
RATE = Fix(6, "bit rate", "19200 baud", "115200 baud", b"\x0a")
OPERATOR = 3


class Board:
    """Answers what a treatment asks; ``codes`` refuses writes by parameter."""

    def __init__(
        self,
        codes: Mapping[tuple[int, bytes], int | None] | None = None,
        *,
        forgets: bool = False,
    ) -> None:
        self.values = {0: b"\x00", 1: b"\x00", 6: b"\x07"}
        self.level = OPERATOR
        self._codes = codes or {}
        self._forgets = forgets

    def __call__(self, question: Question) -> Reply:
        match question.command:
            case 0x3D:
                return Reply(0, bytes((1, 4, 1, 2, self.level, 0x11)))
            case 0x3B:
                self.level = question.data[0]
                return Reply(0, question.data)
            case 0x22:
                return Reply(0, b"\x11" + self.values[question.data[1]])
            case _:
                return self._write(question.data[1], question.data[2:])

    def _write(self, number: int, value: bytes) -> Reply:
        code = self._codes.get((number, value), 0)
        if code == 0 and not (self._forgets and number):
            self.values[number] = value
        return Reply(code)


def test_what_is_wished_is_set_and_read_back() -> None:
    board = Board()

    results, _ = hold(apply_fixes([ENABLE, RATE]), board)

    assert [each.problem for each in results] == ["", ""]
    assert board.values == {0: b"\x00", 1: b"\x01", 6: b"\x0a"}


def test_others_are_told_before_and_after_and_the_level_is_given_back() -> None:
    board = Board()

    _, asked = hold(apply_fixes([ENABLE]), board)

    writes = [each.data[1:] for each in asked if each.command == 0x21]
    assert writes == [b"\x00\x01", b"\x01\x01", b"\x00\x02", b"\x00\x00"]
    levels = [each.data for each in asked if each.command == 0x3B]
    assert levels == [b"\x04", bytes((OPERATOR,))]
    assert board.level == OPERATOR


@pytest.mark.parametrize("code", [0x80, 0xCC])
def test_a_bmc_without_set_in_progress_or_commit_is_set_all_the_same(code: int) -> None:
    board = Board({(0, b"\x01"): code, (0, b"\x02"): code, (0, b"\x00"): code})

    results, _ = hold(apply_fixes([RATE]), board)

    assert [each.problem for each in results] == [""]


@pytest.mark.parametrize("code", [0x81, None])
def test_nothing_is_written_where_another_client_writes(code: int | None) -> None:
    board = Board({(0, b"\x01"): code})

    results, _ = hold(apply_fixes([ENABLE, RATE]), board)

    assert all(each.problem for each in results)
    assert (board.values[1], board.values[6]) == (b"\x00", b"\x07")


def test_one_refusal_does_not_keep_the_others_from_being_set() -> None:
    board = Board({(1, b"\x01"): 0xD4})

    results, _ = hold(apply_fixes([ENABLE, RATE]), board)

    assert results[0].problem == "the account may not: it takes an Administrator"
    assert (results[1].problem, board.values[0]) == ("", b"\x00")


def test_a_bmc_that_says_done_and_does_nothing_is_found_out() -> None:
    results, _ = hold(apply_fixes([RATE]), Board(forgets=True))

    assert results[0].problem == "the BMC says done and did not do it"
