"""Where a keeper stands, and what each input leads to: the table.

A keeper wants one thing: the SoL payload of its BMC, without end. What keeps it from
that is the BMC, the network, other people on the same console, and our own people.
The states are the answers to "what are we doing about it now"; in each of them the
keeper does one thing (see `Keeper`), and that ends with one input.

What may live here: which step follows which input, and what the console is told with
it. What may not: anything that needs a clock, a link or a configuration. Such a
decision is made where these are, and comes here as one input or another. Whether a
console may be taken from its owner is `Takeover`'s to say: `MAY_TAKE` or `OCCUPIED`.

There are three kinds of inputs:

- *Outcomes* of what the keeper does. A state has those that its one doing can have; any
  other is a bug, and is refused by `look_up`.
- *Wishes* of people, and of the console when its machine is silent. They come at any
  time, but are granted by the keeper's own task only, one after the other, and after
  the outcome that came before: no two inputs are ever processed at the same time. So
  every state has an answer to each wish of people. `REVIVE` is asked of a session that
  is up; it has an answer where such a session may be by the time it is granted.
- `STOP`: the keeper's task ends, by cancellation or a bug. Possible everywhere.

A step to the state itself that tells nothing is not a step: the wish has no effect, now
or later, and what the keeper does is not interrupted. Every other wish interrupts it.

A session is never dropped: all ways out of those states that have one lead through a
state that ends it properly. There are three of these, which differ in what is next: a
wait (`LEAVING`), the next attempt at once (`RENEWING`), a loan (`RELEASING`).

The console is told with the step, not with the state (a Mealy machine): while another
session holds the payload we ask for it every few seconds, and each time that is
`ACTIVATING`, which is not reported. What stands after several steps is what was
told last; `told` derives from the table what that may be in each state.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from solrecd.events.sessions import Lost, SessionState


class State(enum.Enum):
    """What a keeper is doing."""

    IDLE = "idle"
    """Nothing: it does not run."""
    DIALLING = "dialling"
    """It looks up the BMC's address and waits for its turn to log in."""
    LOGGING_IN = "logging in"
    """It negotiates a session."""
    CONFIRMING = "confirming"
    """It asks a session that an earlier process left whether it has the payload."""
    ACTIVATING = "activating"
    """It has asked for the payload."""
    TAKING = "taking"
    """It deactivates the payload of another session, and then asks for it."""
    FOREIGN = "foreign"
    """Another session has the payload: it waits before it asks again."""
    UP = "up"
    """It has the payload."""
    STANDING_BACK = "standing back"
    """The payload went off and no session has it: it waits before it asks again, as
    another client may have switched it off to use the console."""
    REVIVING = "reviving"
    """It gives its own payload back, to ask for it again."""
    LEAVING = "leaving"
    """It ends the session, and will wait."""
    RENEWING = "renewing"
    """It ends the session, and will begin another one at once."""
    RELEASING = "releasing"
    """It ends the session, because the BMC is released."""
    PAUSED = "paused"
    """It waits before the next attempt."""
    LENT = "lent"
    """It has no session until the time is over, so that another client can have one."""


class Input(enum.Enum):
    """What leads from state to state."""

    START = "start"
    """The keeper runs."""
    RESUME = "resume"
    """The keeper runs, and an earlier process left a session."""
    STOP = "stop"
    """The keeper's task ends."""

    SLOT = "slot"
    """It is our turn to log in."""
    LOGGED_IN = "logged in"
    """The session stands."""
    CONFIRMED = "confirmed"
    """The BMC says that the payload of the session that was left is ours."""
    ACTIVATED = "activated"
    """The payload is ours."""
    OCCUPIED = "occupied"
    """Another session had the payload before us, and keeps it."""
    KEPT = "kept"
    """Another session took the payload from us, and keeps it."""
    MAY_TAKE = "may take"
    """Another session has the payload, and we are to take it."""
    FREED = "freed"
    """No session has the payload now."""
    DROPPED = "dropped"
    """Another session has the payload; ours still stands."""
    SWITCHED_OFF = "switched off"
    """No session has the payload, and we did not give it back; ours still stands."""
    LOST = "lost"
    """There is no session, or none that is of use."""
    LEFT = "left"
    """The session was ended properly, or its BMC does not answer."""
    TIME_OVER = "time over"
    """The wait is over."""

    GIVE_AWAY = "give away"
    """Request: release the BMC to another client."""
    TAKE_BACK = "take back"
    """Wish: have the payload at once, whatever session has it."""
    RECONNECT = "reconnect"
    """Wish: have a fresh session at once."""
    REVIVE = "revive"
    """Wish: activate the payload once more, because nothing comes."""


WISHES: Final = (Input.GIVE_AWAY, Input.TAKE_BACK, Input.RECONNECT, Input.REVIVE)


class Outcome(NamedTuple):
    """An input, and why there is no session, where it says so."""

    given: Input
    lost: Lost | None = None


class Step(NamedTuple):
    """What comes of an input."""

    to: State
    tell: SessionState | None = None
    """What the console is told with it; None: what it was told last still stands."""


_STOP: Final = {Input.STOP: Step(State.IDLE)}

_ENDS: Final = {
    Input.LOST: Step(State.LEAVING),
    Input.GIVE_AWAY: Step(State.RELEASING),
    Input.RECONNECT: Step(State.RENEWING),
    **_STOP,
}
"""How every session may end, and every attempt at one."""

_ANSWERS: Final = {
    Input.ACTIVATED: Step(State.UP, SessionState.UP),
    Input.MAY_TAKE: Step(State.TAKING),
    Input.KEPT: Step(State.FOREIGN, SessionState.YIELDED),
}
"""What becomes of asking for the payload."""

_LENDS: Final = Step(State.LENT, SessionState.YIELDED)

STEPS: Final[Mapping[State, Mapping[Input, Step]]] = MappingProxyType(
    {
        State.IDLE: {
            Input.START: Step(State.DIALLING),
            Input.RESUME: Step(State.CONFIRMING),
            # A loan, and whether to take, is known when the keeper runs.
            Input.GIVE_AWAY: Step(State.IDLE),
            Input.TAKE_BACK: Step(State.IDLE),
            Input.RECONNECT: Step(State.IDLE),
            **_STOP,
        },
        State.DIALLING: {
            Input.SLOT: Step(State.LOGGING_IN, SessionState.CONNECTING),
            Input.TAKE_BACK: Step(State.DIALLING),
            **_ENDS,
        },
        State.LOGGING_IN: {
            Input.LOGGED_IN: Step(State.ACTIVATING),
            Input.TAKE_BACK: Step(State.LOGGING_IN),
            **_ENDS,
        },
        State.CONFIRMING: {
            **_ENDS,
            Input.CONFIRMED: Step(State.UP, SessionState.UP),
            # Nothing is known against a fresh session: no reason to wait.
            Input.LOST: Step(State.RENEWING),
            Input.TAKE_BACK: Step(State.CONFIRMING),
        },
        State.ACTIVATING: {
            Input.OCCUPIED: Step(State.FOREIGN, SessionState.FOREIGN),
            # The next answer of the BMC is a take, whatever the policy.
            Input.TAKE_BACK: Step(State.ACTIVATING),
            Input.REVIVE: Step(State.ACTIVATING),
            **_ANSWERS,
            **_ENDS,
        },
        State.TAKING: {
            # Not OCCUPIED: a payload that stays active without having been ours
            # sticks, and that is a loss.
            Input.TAKE_BACK: Step(State.TAKING),
            **_ANSWERS,
            **_ENDS,
        },
        State.FOREIGN: {
            Input.TIME_OVER: Step(State.ACTIVATING),
            Input.TAKE_BACK: Step(State.ACTIVATING),
            **_ENDS,
        },
        State.UP: {
            Input.DROPPED: Step(State.ACTIVATING, SessionState.CONNECTING),
            Input.SWITCHED_OFF: Step(State.STANDING_BACK, SessionState.CONNECTING),
            Input.REVIVE: Step(State.REVIVING, SessionState.CONNECTING),
            Input.TAKE_BACK: Step(State.UP),
            **_ENDS,
        },
        State.STANDING_BACK: {
            Input.TIME_OVER: Step(State.ACTIVATING),
            Input.TAKE_BACK: Step(State.ACTIVATING),
            Input.REVIVE: Step(State.STANDING_BACK),
            **_ENDS,
        },
        State.REVIVING: {
            Input.FREED: Step(State.ACTIVATING),
            Input.TAKE_BACK: Step(State.REVIVING),
            Input.REVIVE: Step(State.REVIVING),
            **_ENDS,
        },
        State.LEAVING: {
            Input.LEFT: Step(State.PAUSED, SessionState.DOWN),
            Input.LOST: Step(State.LEAVING),
            Input.GIVE_AWAY: Step(State.RELEASING),
            Input.TAKE_BACK: Step(State.RENEWING),
            Input.RECONNECT: Step(State.RENEWING),
            Input.REVIVE: Step(State.LEAVING),
            **_STOP,
        },
        State.RENEWING: {
            Input.LEFT: Step(State.DIALLING, SessionState.DOWN),
            Input.LOST: Step(State.RENEWING),
            Input.GIVE_AWAY: Step(State.RELEASING),
            Input.TAKE_BACK: Step(State.RENEWING),
            Input.RECONNECT: Step(State.RENEWING),
            Input.REVIVE: Step(State.RENEWING),
            **_STOP,
        },
        State.RELEASING: {
            Input.LEFT: _LENDS,
            Input.LOST: Step(State.RELEASING),
            Input.GIVE_AWAY: Step(State.RELEASING),
            Input.TAKE_BACK: Step(State.RENEWING),
            Input.RECONNECT: Step(State.RELEASING),
            Input.REVIVE: Step(State.RELEASING),
            **_STOP,
        },
        State.PAUSED: {
            Input.TIME_OVER: Step(State.DIALLING),
            Input.GIVE_AWAY: _LENDS,
            Input.TAKE_BACK: Step(State.DIALLING),
            Input.RECONNECT: Step(State.DIALLING),
            **_STOP,
        },
        State.LENT: {
            Input.TIME_OVER: Step(State.DIALLING),
            # For another time, or another one.
            Input.GIVE_AWAY: _LENDS,
            Input.TAKE_BACK: Step(State.DIALLING),
            # The one who has the BMC now is not to be disturbed by that.
            Input.RECONNECT: Step(State.LENT),
            **_STOP,
        },
    }
)
"""What is not here cannot happen; see `solrecd.process.transitions`."""


def is_step(state: State, step: Step) -> bool:
    """Whether anything comes of it; see the module's docstring."""
    return step.to is not state or step.tell is not None


def told() -> Mapping[State, frozenset[SessionState | None]]:
    """Return what a console may have been told last, by state; None: nothing yet.

    When the keeper's task ends by a bug, the task that started it tells the console.
    """
    found: dict[State, set[SessionState | None]] = {state: set() for state in State}
    reached: list[tuple[State, SessionState | None]]
    reached = [(State.IDLE, None), (State.IDLE, SessionState.DOWN)]
    while reached:
        state, last = reached.pop()
        if last in found[state]:
            continue
        found[state].add(last)
        steps = [step for given, step in STEPS[state].items() if given not in _STOP]
        reached += [(step.to, step.tell or last) for step in steps]
    return {state: frozenset(said) for state, said in found.items()}
