"""Shipping over a real connection, for as long as the daemon runs."""

from __future__ import annotations

import random
from pathlib import Path

import structlog

from solrecd.alerts.loki.shipper import Shipper, ShipperContext
from solrecd.alerts.senders.http_sender import connected
from solrecd.config import Config

log = structlog.get_logger()


async def ship(config: Config, context: ShipperContext) -> None:
    """Ship the text of all consoles to Loki until cancelled; at once, where to none.

    Errors: none; certificates that cannot be read are logged, and nothing is shipped.
    """
    if config.loki is None:
        return
    settings = config.daemon
    rng = random.Random()  # noqa: S311 - jitter
    folders = Path(settings.log_dir), Path(settings.state_dir)
    shipper = Shipper(*folders, config.loki, context, rng)
    try:
        async with connected(config.loki.http) as client:
            await shipper.run(client.post)
    except OSError as error:
        log.error("loki.not_started", reason=str(error))  # noqa: TRY400 - no bug
