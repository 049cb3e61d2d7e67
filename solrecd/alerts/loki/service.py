"""The Loki that a configuration means."""

from __future__ import annotations

from functools import partial
from typing import Final

from solrecd.alerts.loki.payload import HEADERS, PATH, TENANT, encode
from solrecd.alerts.shipping import Receiver, ShipperContext, ship_to
from solrecd.config import Config, LokiConfig

_PASS_OVER: Final = frozenset({400, 411, 413, 414, 415, 422, 431})
"""Answers that say that this body will never be taken."""


def receiver(target: LokiConfig) -> Receiver:
    """Return where to, and in which form."""
    tenant = {TENANT: target.tenant} if target.tenant else {}
    return Receiver(
        name="loki",
        url=target.url.rstrip("/") + PATH,
        headers={**HEADERS, **tenant},
        encode=partial(encode, common=target.labels),
        is_final=_PASS_OVER.__contains__,
        batch_size=target.batch_size,
        batch_wait=target.batch_wait,
    )


async def ship(config: Config, context: ShipperContext) -> None:
    """Ship the text of all consoles to Loki until cancelled; at once, where to none.

    Errors: none; they are logged.
    """
    if (target := config.loki) is not None:
        await ship_to(receiver(target), target.http, config.daemon, context)
