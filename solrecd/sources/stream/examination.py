"""Finds out why a stream is not recorded, or shows nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

from solrecd.events.sessions import SessionState
from solrecd.sources.base import Recorder, Tell
from solrecd.sources.findings import Finding, ok, warn
from solrecd.sources.no_settings import NoSettings
from solrecd.sources.output_findings import output_findings
from solrecd.sources.spans import ago
from solrecd.sources.stream.way import Way

_SILENT: Final = (
    "press Enter on it (solrecctl attach); if nothing comes, another client has the"
    " console, or the machine prints to another port"
)
_NOT_TAKEN: Final = (
    "see whether the machine is stopped, or flow control keeps it from reading"
)


class Examined(Protocol):
    """What is examined; see `solrecd.sources.stream.source.StreamSource`."""

    @property
    def unsent(self) -> int:
        """Bytes of input that the other end has not taken."""

    def findings(self) -> Sequence[Finding]:
        """Return what ``doctor`` says of the connection that is open."""


class Examination(NoSettings):
    """Examines one stream; fits `solrecd.sources.base.Examiner`.

    A stream that is connected is not connected to a second time: many serve one client
    only, and let the next one wait without a word.

    Args:
        way: to the console.
        recorder: knows the console.
        source: of the console.
        wall_clock: stamps.
    """

    def __init__(
        self,
        way: Way,
        recorder: Recorder,
        source: Examined,
        wall_clock: Callable[[], int],
    ) -> None:
        self._way = way
        self._recorder = recorder
        self._source = source
        self._wall_clock = wall_clock

    async def examine(
        self,
        tell: Tell,
        *,
        may_log_in: bool,  # noqa: ARG002 - a protocol's
    ) -> None:
        """See `Examiner`; there is no login."""
        recorder = self._recorder
        if recorder.session_state is SessionState.UP:
            for_ = ago(self._wall_clock() - recorder.session_since)
            await tell(ok("session", f"connected to {self._way.place} for {for_}"))
            for finding in self._source.findings():
                await tell(finding)
        elif not await self._way.examine(tell):
            await tell(self._could_connect())
        for finding in (
            *output_findings(self._recorder, self._wall_clock(), _SILENT),
            *self._input(),
        ):
            await tell(finding)

    def _could_connect(self) -> Finding:
        lost = self._recorder.session_lost
        why = "" if lost is None else f"; before: {lost.detail or lost.reason}"
        return warn(
            "session",
            f"{self._way.place} can be opened now{why}",
            "the next try is soon; solrecctl reconnect makes it at once",
        )

    def _input(self) -> Iterator[Finding]:
        unsent = self._source.unsent
        if unsent:
            text = f"{unsent} typed bytes wait that the other end does not take"
            yield warn("input", text, _NOT_TAKEN)
