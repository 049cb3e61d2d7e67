"""The receiver of OTLP that a configuration means."""

from __future__ import annotations

from functools import partial
from typing import Final

from solrecd.alerts.otlp.payload import HEADERS, PATH, encode, rejected
from solrecd.alerts.shipping import Receiver, ShipperContext, ship_to
from solrecd.config import Config, OtlpConfig

_NOT_NOW: Final = frozenset({401, 403, 404, 407, 408, 429, 502, 503, 504})
"""Answers after which the same is sent again: those that OTLP lists (429, 502, 503,
504), and those that are about us and not about the lines, such as a wrong token: there
the lines can wait in the archive for its correction."""


def _is_final(status: int | None) -> bool:
    return status is not None and status not in _NOT_NOW


def receiver(target: OtlpConfig) -> Receiver:
    """Return where to, and in which form."""
    secret = {}
    if target.header is not None and target.header_value is not None:
        secret = {target.header: target.header_value.reveal().decode("latin-1")}
    return Receiver(
        name="otlp",
        url=target.endpoint.rstrip("/") + PATH,
        headers={**HEADERS, **secret},
        encode=partial(encode, common=target.attributes),
        is_final=_is_final,
        rejected=rejected,
        batch_size=target.batch_size,
        batch_wait=target.batch_wait,
    )


async def ship(config: Config, context: ShipperContext) -> None:
    """Ship the text of all consoles by OTLP until cancelled; at once, where to none.

    Errors: none; they are logged.
    """
    if (target := config.otlp) is not None:
        await ship_to(receiver(target), target.http, config.daemon, context)
