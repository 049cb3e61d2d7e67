"""Which of telnet's options are in effect, and what is said of them (RFC 1143). Pure.

Options are never given up once they are in effect, so that of RFC 1143's states those
are needed in which something is off, on, or has been asked for.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from solrecd.sources.stream.tcp.codec import Negotiation, Option, Verb, negotiation

_BITS: Final = 2
"""Of a number, for one state."""


class Side(enum.IntEnum):
    """Whose option it is."""

    OURS = 0
    THEIRS = 1


class State(enum.IntEnum):
    """How it is with an option."""

    OFF = 0
    ON = 1
    ASKED = 2
    """We have asked for it, and there is no answer yet."""
    REFUSED = 3
    """We have asked for it, and the answer was no."""


class _Of(NamedTuple):
    side: Side
    option: Option


_REQUEST: Final = {Side.OURS: Verb.WILL, Side.THEIRS: Verb.DO}
_PLACES: Final = tuple(_Of(side, option) for side in Side for option in Option)
"""Of each state in the number that `Options.packed` returns."""


class Options:
    """The options of one connection.

    Args:
        ours: those that we use when asked to.
        theirs: those that the other end may use.
        packed: what `packed` returned in an earlier process.
    """

    def __init__(
        self, ours: Collection[Option], theirs: Collection[Option], packed: int = 0
    ) -> None:
        allowed = {Side.OURS: ours, Side.THEIRS: theirs}
        self._allowed = frozenset(
            _Of(side, option) for side, options in allowed.items() for option in options
        )
        mask = (1 << _BITS) - 1
        self._states = {
            place: State(packed >> _BITS * number & mask)
            for number, place in enumerate(_PLACES)
        }

    @property
    def packed(self) -> int:
        """All states as a number of 16 bits."""
        states = enumerate(self._states[place] for place in _PLACES)
        return sum(state << _BITS * number for number, state in states)

    def state(self, side: Side, option: Option) -> State:
        """Return how it is with an option."""
        return self._states[_Of(side, option)]

    def is_on(self, side: Side, option: Option) -> bool:
        """Whether an option is in effect."""
        return self.state(side, option) is State.ON

    @property
    def has_answer(self) -> bool:
        """Whether the other end has said anything of options."""
        return any(s in {State.ON, State.REFUSED} for s in self._states.values())

    def ask(self) -> bytes:
        """Return the requests for all that are allowed."""
        return b"".join(self._ask())

    def _ask(self) -> Iterator[bytes]:
        for place in _PLACES:
            if place in self._allowed and self._states[place] is State.OFF:
                self._states[place] = State.ASKED
                yield negotiation(_REQUEST[place.side], place.option)

    def receive(self, said: Negotiation) -> bytes:
        """Take what the other end says; return the answer, if there is to be one."""
        side = Side.THEIRS if said.verb in {Verb.WILL, Verb.WONT} else Side.OURS
        is_wanted = said.verb in {Verb.WILL, Verb.DO}
        agree, refuse = said.verb.answer
        place = _Of(side, said.option)  # type: ignore[arg-type]
        if place not in self._allowed:
            return negotiation(refuse, said.option) if is_wanted else b""
        before = self._states[place]
        if is_wanted:
            self._states[place] = State.ON
            is_news = before in {State.OFF, State.REFUSED}
            return negotiation(agree, said.option) if is_news else b""
        self._states[place] = State.REFUSED
        return negotiation(refuse, said.option) if before is State.ON else b""
