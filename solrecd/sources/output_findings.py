"""What an examination says of a console's output, whatever its kind. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

from solrecd.events.sessions import SessionState
from solrecd.sources.findings import Finding, ok, warn
from solrecd.sources.spans import ago

QUIET: Final = 60 * 1_000_000
"""Microseconds in which a machine that is used prints something."""


class Recorded(Protocol):
    """What is known of a console; a `Recorder` fits."""

    @property
    def last_output(self) -> int | None:
        """Stamp of the newest byte; None: there never was one."""

    @property
    def session_state(self) -> SessionState:
        """Whether the way is open."""

    @property
    def session_since(self) -> int:
        """Stamp of that."""


def output_findings(recorder: Recorded, now: int, cure: str) -> Iterator[Finding]:
    """Yield what the console's output says.

    Args:
        recorder: knows the console.
        now: stamp.
        cure: of a console that is open and silent.
    """
    last, since = recorder.last_output, recorder.session_since
    if last is not None and last >= since:
        yield ok("output", f"last byte {ago(now - last)} ago")
        return
    text = "nothing yet" if last is None else f"last byte {ago(now - last)} ago"
    if recorder.session_state is SessionState.UP and now - since > QUIET:
        text = f"{text}; none in {ago(now - since)} of this connection"
        yield warn("output", text, cure)
    else:
        yield ok("output", text)
