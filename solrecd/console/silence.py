"""Connected but silent: the BMC answers, the machine boots, and no byte comes.

After a reset of the host some BMCs lose their own serial line: the session stands, the
payload is ours, every keepalive is answered, and nothing flows any more until SoL is
activated again. That cannot be seen from outside; what can be seen is a machine that
is on, that should print because it boots or has just said that it restarts, and that
does not. Then one activation is tried. It costs a machine that is merely slow nothing.

A machine that is off, or whose power is unknown, that waits at a prompt, has crashed,
or was never understood may be silent for as long as it likes.
"""

from __future__ import annotations

from dataclasses import dataclass

from solrecd.console.event_fanout import SECOND

SILENT_AFTER = 120 * SECOND
"""Silence that is looked into. Memory training of large machines takes longer than
that, but one activation more does it no harm; a stage's own limit is not shorter, so
that a boot is rarely called stuck because of a line that is dead."""

AGAIN_AFTER = 600 * SECOND
"""Between two tries, and only after something was printed or another boot began."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of a console now."""

    is_up: bool
    """The session is, and the payload is ours."""
    is_on: bool | None
    """The machine, as the BMC says; None: it is unknown."""
    is_booting: bool
    """It should be printing."""
    since: int
    """Stamp of the last output, of the power or of the session, the newest of them."""
    boot: int | None
    offset: int
    """Bytes of this console ever recorded."""


class SilenceWatch:
    """Says when silence should be ended; once per silence, never in a circle."""

    __slots__ = ("_tried", "_tried_at")

    def __init__(self) -> None:
        self._tried: tuple[int | None, int] | None = None
        """Boot and offset at the last try."""
        self._tried_at = 0

    def is_suspicious(self, now: Situation, at: int) -> bool:
        """Return whether a machine that should print has not done so for too long."""
        if not (now.is_up and now.is_on and now.is_booting):
            return False
        if at - now.since < SILENT_AFTER or (now.boot, now.offset) == self._tried:
            return False
        return self._tried is None or at - self._tried_at >= AGAIN_AFTER

    def tried(self, now: Situation, at: int) -> None:
        """Note that something was done about it."""
        self._tried, self._tried_at = (now.boot, now.offset), at
