"""Whether a console's machine is on, and when that is news."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import structlog

from solrecd.console.event_fanout import EventFanout
from solrecd.events.event import EventDraft, Kind, Severity
from solrecd.events.stages import Stage

log = structlog.get_logger()

_BELIEVED_FROM_STAGE: Mapping[Stage, bool | None] = MappingProxyType(
    {Stage.UNKNOWN: None, Stage.OFF: False}
)
"""What is believed of the power before the BMC told; in any other stage it is on."""

_WORDS: Mapping[bool | None, str] = MappingProxyType(
    {True: "on", False: "off", None: "unknown"}
)


class PowerTracker:
    """What the BMC says of the power.

    Args:
        fanout: is told the news.
        switch: lets the boot end or begin: on or off, and the stamp.
    """

    __slots__ = ("_believed", "_fanout", "_now", "_switch")

    def __init__(
        self, fanout: EventFanout, switch: Callable[[bool, int], None]
    ) -> None:
        self._fanout = fanout
        self._switch = switch
        self._now: bool | None = None
        """As the BMC says; None while it is unknown."""
        self._believed: bool | None = None
        """As it said last, also when the session is gone; None before it did."""

    def __str__(self) -> str:
        """Return ``on``, ``off`` or ``unknown``."""
        return _WORDS[self._now]

    def seen(self, on: bool | None, stage: Stage, at: int) -> None:  # noqa: FBT001
        """Take what the BMC says; None: it is unknown."""
        self._now = on
        before = self._believed
        if on is None or on == before:
            return
        self._believed = on
        if before is None:
            before = _BELIEVED_FROM_STAGE.get(stage, True)
        if on != before:
            self._changed(on=on, announced=before is not None, at=at)

    def _changed(self, *, on: bool, announced: bool, at: int) -> None:
        if on and not announced:
            # Met in mid-stream: it has been on for longer than we know.
            return
        self._switch(on, at)
        if announced:
            self._tell(_WORDS[on], at)

    def _tell(self, name: str, at: int) -> None:
        log.info("console.power", console=self._fanout.console, power=name)
        self._fanout.note(at, f"power: {name}")
        draft = EventDraft(Kind.POWER, name, Severity.INFO, f"power {name}")
        self._fanout.report(at, draft)
