"""Tables of states: what an input leads to is looked up, never computed.

A machine of ours is two enums (states, inputs) and one mapping, both in a module that
is pure. A pair that the mapping lacks cannot happen; if it does, that is a bug, and it
is better met where it happens than where it shows.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import TypeVar

_State = TypeVar("_State", bound=enum.Enum)
_Input = TypeVar("_Input", bound=enum.Enum)
_Step = TypeVar("_Step")


class IllegalInputError(Exception):
    """An input came in a state in which it cannot come: a bug of ours."""

    def __init__(self, state: enum.Enum, given: enum.Enum) -> None:
        super().__init__(f"{given!r} cannot come in {state!r}")
        self.state = state
        self.given = given


def look_up(
    table: Mapping[_State, Mapping[_Input, _Step]], state: _State, given: _Input
) -> _Step:
    """Return what an input leads to.

    Raises:
        IllegalInputError: the table does not have the pair.
    """
    try:
        return table[state][given]
    except KeyError:
        raise IllegalInputError(state, given) from None
