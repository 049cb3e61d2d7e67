"""Finds out why a console of an OpenBMC is not recorded, or shows nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import trio

from solrecd.events.sessions import SessionState
from solrecd.sources.base import Recorder, Tell
from solrecd.sources.findings import Finding, bad, ok, warn
from solrecd.sources.https.tls import (
    Trust,
    fingerprint_of,
    handshake,
    open_tls,
    spell_fingerprint,
    unverified_context,
)
from solrecd.sources.no_settings import NoSettings
from solrecd.sources.openbmc.options import OpenbmcOptions
from solrecd.sources.output_findings import output_findings
from solrecd.sources.spans import ago
from solrecd.sources.troubles import NotConnectedError

_SILENT: Final = (
    "press Enter on it (solrecctl attach); if nothing comes, the machine prints to"
    " another port, or obmc-console on the BMC reads another one"
)


class Examination(NoSettings):
    """Examines one console; fits `solrecd.sources.base.Examiner`.

    It does not log in: the source does, and what that was told is shown. BMCs lock
    accounts that are tried too often.

    Args:
        options: where it is.
        recorder: knows the console.
        trust: TLS settings.
        wall_clock: stamps.
    """

    def __init__(
        self,
        options: OpenbmcOptions,
        recorder: Recorder,
        trust: Trust,
        wall_clock: Callable[[], int],
    ) -> None:
        self._options = options
        self._recorder = recorder
        self._trust = trust
        self._wall_clock = wall_clock

    async def examine(
        self,
        tell: Tell,
        *,
        may_log_in: bool,  # noqa: ARG002 - a protocol's
    ) -> None:
        """See `Examiner`."""
        await tell(await self._certificate())
        for finding in self._session():
            await tell(finding)
        for finding in output_findings(self._recorder, self._wall_clock(), _SILENT):
            await tell(finding)

    async def _certificate(self) -> Finding:
        """Connect as the source does, and say nothing."""
        options = self._options
        try:
            stream = await open_tls(options, self._trust)
        except NotConnectedError as error:
            shown = await self._fingerprint()
            text = f"{error.what} ({shown})" if shown else error.what
            return bad("certificate", text, error.cure)
        shown = spell_fingerprint(fingerprint_of(stream))
        await trio.aclose_forcefully(stream)
        return ok("certificate", f"{options.place} is trusted: SHA-256 {shown}")

    async def _fingerprint(self) -> str:
        """Return what a BMC that is not believed shows; empty: nothing."""
        try:
            stream = await handshake(self._options, unverified_context())
        except NotConnectedError:
            return ""
        shown = spell_fingerprint(fingerprint_of(stream))
        await trio.aclose_forcefully(stream)
        return f"SHA-256 {shown}"

    def _session(self) -> Iterator[Finding]:
        recorder, place = self._recorder, self._options.url
        for_ = ago(self._wall_clock() - recorder.session_since)
        lost = recorder.session_lost
        if recorder.session_state is SessionState.UP:
            text = f"{place} open for {for_} as {self._options.username}"
            yield ok("session", text)
        elif lost is None:
            yield warn(
                "session", f"connecting to {place}", "ask again in a few seconds"
            )
        else:
            cure = "solrecctl reconnect tries at once, after the cause is cured"
            yield bad("session", lost.detail or str(lost.reason), cure)
