"""A console that ssh shows, until it ends or the prompt is back."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

import trio

from solrecd.events.sessions import Lost, LostReason
from solrecd.sources.findings import Finding, ok
from solrecd.sources.stream.held import HeldBytes
from solrecd.sources.stream.program import ProgramConnection
from solrecd.sources.stream.ssh.client import Client
from solrecd.sources.stream.ssh.complaints import explain
from solrecd.sources.stream.ssh.dialogue import Prompt
from solrecd.sources.stream.ssh.options import SshOptions

ERRORS: Final = "e"
"""What the descriptor of ssh's standard error is called."""

BACK: Final = 1.0
"""Seconds in which nothing follows a prompt that has come back: a machine may print
what looks like one, and goes on."""


class SshConnection(ProgramConnection):
    """A console that is entered; fits `way.Connection`.

    Args:
        client: ssh.
        held: what the console has printed already.
        options: of the console.
    """

    def __init__(self, client: Client, held: HeldBytes, options: SshOptions) -> None:
        super().__init__(client.process, held, options.place)
        self._client = client
        self._options = options
        self._prompt = Prompt(options.prompt) if options.prompt else None
        self._is_back = False

    @property
    def descriptors(self) -> Mapping[str, int]:
        """See `Connection`."""
        return {**super().descriptors, ERRORS: self._client.errors}

    def look(self) -> bytes | None:
        """See `Connection`."""
        return None if self._is_back else super().look()

    async def wait(self) -> None:
        """See `Connection`; notice a prompt that is back."""
        if self._prompt is None or not self._prompt.ends(self.tail):
            await super().wait()
            return
        with trio.move_on_after(BACK) as quiet:
            await super().wait()
        self._is_back = quiet.cancelled_caught

    async def ended(self) -> Lost:
        """See `Connection`."""
        if self._is_back:
            what = f"{self._options.place}: the prompt is back, the console was left"
            return Lost(LostReason.DEACTIVATED, what)
        await self.wait_ended()
        error = explain(self._client.said, self._options)
        return Lost(error.reason, str(error))

    async def aclose(self) -> None:
        """See `Connection`."""
        await super().aclose()
        self._close_errors()

    def leave(self) -> None:
        """See `Connection`."""
        super().leave()
        self._close_errors()

    def _close_errors(self) -> None:
        with suppress(OSError):
            os.close(self._client.errors)

    def findings(self) -> Sequence[Finding]:
        """See `Connection`."""
        options = self._options
        typed = ", ".join(options.enter) or "the login shows the console"
        return (*super().findings(), ok("enter", typed))
