"""Keeps work beside the recording going: a bug in it does not end the recording."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVarTuple

import structlog
import trio

AGAIN_AFTER = 10.0
"""Seconds from a crash to the next attempt."""

Arguments = TypeVarTuple("Arguments")

log = structlog.get_logger()


async def keep_up(
    work: Callable[[*Arguments], Awaitable[None]], *arguments: *Arguments
) -> None:
    """Do some work until it returns; where it crashes, log that and begin again.

    Not for what a recording needs: a daemon that cannot record must not look healthy.

    Errors: none but cancellation.
    """
    while True:
        try:
            await work(*arguments)
        except Exception:
            name = getattr(work, "__qualname__", repr(work))
            log.exception("service.crashed", service=name, retry_in=AGAIN_AFTER)
        else:
            return
        await trio.sleep(AGAIN_AFTER)
