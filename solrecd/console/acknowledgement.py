"""Whether a user has said "I know" of what is wrong with a console.

An acknowledgement lasts until something new happens to the machine or its session. It
lives here and not with the user who gave it: others see who takes care of it already.
"""

from __future__ import annotations

from typing import Final

from solrecd.events.event import Event, Kind, Severity
from solrecd.events.operator_acts import OperatorAct
from solrecd.process.stamps import format_stamp

_NEWS: Final = frozenset({Kind.STAGE, Kind.FAILURE, Kind.STUCK, Kind.POWER})
"""What ends an acknowledgement. Gaps do not: they tell of the recorder."""


def ends_acknowledgement(event: Event) -> bool:
    """Whether after this event a user has to look again.

    A session that is up again is not a reason to, a lost one is.
    """
    if event.kind is Kind.SESSION:
        return event.severity is not Severity.INFO
    return event.kind in _NEWS


class Acknowledgement:
    """Who has acknowledged what is wrong now."""

    __slots__ = ("_given",)

    def __init__(self) -> None:
        self._given: Event | None = None

    def saw(self, event: Event) -> None:
        """Take what happened."""
        if event.kind is Kind.OPERATOR:
            self._saw_act(event)
        elif ends_acknowledgement(event):
            self._given = None

    def _saw_act(self, event: Event) -> None:
        if event.name == OperatorAct.ACKNOWLEDGED:
            self._given = event
        elif event.name == OperatorAct.UNACKNOWLEDGED:
            self._given = None

    def as_dict(self) -> dict[str, str] | None:
        """Return who acknowledged it and when, or None."""
        if self._given is None:
            return None
        user = str(self._given.fields.get("user", ""))
        return {"user": user, "since": format_stamp(self._given.time)}
