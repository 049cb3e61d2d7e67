"""What the consoles of OpenBMCs share: the TLS settings."""

from __future__ import annotations

from collections.abc import Mapping

import trio

from solrecd.config import ConsoleConfig
from solrecd.sources.base import Recorder, Services
from solrecd.sources.https.tls import Trust
from solrecd.sources.openbmc.options import OpenbmcOptions
from solrecd.sources.openbmc.source import OpenbmcSource


class OpenbmcDriver:
    """Fits `solrecd.sources.base.Driver`.

    Args:
        services: of the daemon.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._trust = Trust()

    async def run(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """See `Driver`; the sources need nothing but themselves."""
        task_status.started()
        await trio.sleep_forever()

    def source(self, config: ConsoleConfig, recorder: Recorder) -> OpenbmcSource:
        """See `Driver`."""
        if not isinstance(config.options, OpenbmcOptions):
            raise TypeError(f"{config.name} is of kind {config.kind}")
        return OpenbmcSource(config.options, recorder, self._trust, self._services)

    def forget(self, name: str) -> None:
        """See `Driver`; nothing is remembered."""

    def beat(self, now: int) -> None:
        """See `Driver`; nothing outlives this process."""

    def settle(self) -> None:
        """See `Driver`; nothing was left."""

    def begin_handover(self, now: int) -> None:
        """See `Driver`; TLS keys cannot be left to another process."""

    def rejected(self) -> Mapping[str, int]:
        """See `Driver`; there are no packets."""
        return {}
