"""Finds out why a stream is not recorded, or shows nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from solrecd.events import SessionState
from solrecd.sources.base import Recorder, Tell
from solrecd.sources.findings import Finding, bad, ok, warn
from solrecd.sources.spans import ago
from solrecd.sources.stream.connecting import NotConnectedError, connect
from solrecd.sources.stream.endpoints import Endpoint

QUIET: Final = 60 * 1_000_000
"""Microseconds in which a machine that is used prints something."""

_SILENT: Final = (
    "press Enter on it (solrecctl attach); if nothing comes, another client has the"
    " console, or the machine prints to another port"
)
_NOT_TAKEN: Final = (
    "see whether the machine is stopped, or flow control keeps it from reading"
)


class Examination:
    """Examines one stream; fits `solrecd.sources.base.Examiner`.

    A stream that is connected is not connected to a second time: many serve one client
    only, and let the next one wait without a word.

    Args:
        endpoint: where it is.
        recorder: knows the console.
        unsent: returns how many bytes of input the other end has not taken.
        wall_clock: stamps.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        recorder: Recorder,
        unsent: Callable[[], int],
        wall_clock: Callable[[], int],
    ) -> None:
        self._endpoint = endpoint
        self._recorder = recorder
        self._unsent = unsent
        self._wall_clock = wall_clock

    async def examine(
        self,
        tell: Tell,
        *,
        may_log_in: bool,  # noqa: ARG002 - a protocol's
    ) -> None:
        """See `Examiner`; there is no login."""
        await tell(await self._connection())
        for finding in (*self._output(), *self._input()):
            await tell(finding)

    async def _connection(self) -> Finding:
        recorder, place = self._recorder, self._endpoint.place
        if recorder.session_state is SessionState.UP:
            for_ = ago(self._wall_clock() - recorder.session_since)
            return ok("session", f"connected to {place} for {for_}")
        try:
            (await connect(self._endpoint)).close()
        except NotConnectedError as error:
            return bad("session", error.what, error.cure)
        lost = recorder.session_lost
        why = "" if lost is None else f"; before: {lost.detail or lost.reason}"
        return warn(
            "session",
            f"{place} takes connections now{why}",
            "the next try is soon; solrecctl reconnect makes it at once",
        )

    def _output(self) -> Iterator[Finding]:
        recorder, now = self._recorder, self._wall_clock()
        last, since = recorder.last_output, recorder.session_since
        if last is not None and last >= since:
            yield ok("output", f"last byte {ago(now - last)} ago")
            return
        text = "nothing yet" if last is None else f"last byte {ago(now - last)} ago"
        if recorder.session_state is not SessionState.UP:
            yield ok("output", text)
        elif now - since > QUIET:
            text = f"{text}; none in {ago(now - since)} of this connection"
            yield warn("output", text, _SILENT)
        else:
            yield ok("output", text)

    def _input(self) -> Iterator[Finding]:
        unsent = self._unsent()
        if unsent:
            text = f"{unsent} typed bytes wait that the other end does not take"
            yield warn("input", text, _NOT_TAKEN)

    async def proposals(self) -> Sequence[Mapping[str, Any]]:
        """See `Examiner`; a stream has no settings."""
        return ()

    async def apply_fixes(
        self,
        user: str,  # noqa: ARG002 - a protocol's
        parameters: Collection[int],  # noqa: ARG002
    ) -> Sequence[Mapping[str, Any]]:
        """See `Examiner`."""
        return ()
