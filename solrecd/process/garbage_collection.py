"""Keeps Python's garbage collector from stopping the loop.

A full collection looks at every object there is: 100 to 200 ms with a thousand
consoles, in which no packet is acknowledged. What a start or a reload makes lives for
days; so nothing is collected in full while it is made, and afterwards it is left out of
all collections to come. It is still freed when it is not needed any more, unless
a cycle holds it, which is why a link takes its cycles apart when it is closed.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_NEVER = 1_000_000
"""Collections of the middle generation before a full one."""

SWITCH_INTERVAL = 0.0005
"""Seconds that a worker thread may compute before the loop gets its turn; Python's own
5 ms, several times per packet, are more than a BMC's round trip."""


@contextmanager
def full_collections_postponed() -> Iterator[None]:
    """Postpone full collections while many objects are made."""
    young, middle, old = gc.get_threshold()
    gc.set_threshold(young, middle, _NEVER)
    try:
        yield
    finally:
        gc.set_threshold(young, middle, old)


def freeze_objects() -> None:
    """Exclude present objects from collections; call it rarely, after much was made."""
    gc.freeze()


def shorten_switch_interval() -> None:
    """Let threads that compute give way to the loop soon; for the whole process."""
    sys.setswitchinterval(SWITCH_INTERVAL)
