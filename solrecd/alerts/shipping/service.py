"""Shipping over a real connection, for as long as the daemon runs."""

from __future__ import annotations

import random
from pathlib import Path

import structlog

from solrecd.alerts.senders.http_sender import connected
from solrecd.alerts.shipping.receiver import Receiver
from solrecd.alerts.shipping.shipper import Shipper, ShipperContext
from solrecd.config import DaemonConfig, Http

log = structlog.get_logger()


async def ship_to(
    receiver: Receiver, http: Http, settings: DaemonConfig, context: ShipperContext
) -> None:
    """Ship the text of all consoles until cancelled.

    Errors: none; certificates that cannot be read are logged, and nothing is shipped.
    """
    rng = random.Random()  # noqa: S311 - jitter
    folders = Path(settings.log_dir), Path(settings.state_dir)
    shipper = Shipper(*folders, receiver, context, rng)
    try:
        async with connected(http) as client:
            await shipper.run(client.post)
    except OSError as error:
        why = {"receiver": receiver.name, "reason": str(error)}
        log.error("shipping.not_started", **why)  # noqa: TRY400 - no bug
