"""When a session asks what it asks every so often.

Waking up for one question costs ten times as much as the question. So they are asked
at whole seconds, where one wake-up serves a whole fleet; and each session keeps to its
own second of the interval for good, so that a fleet, however it was started, asks
about the same number in each second.
"""

from __future__ import annotations

import math


def next_beat(now: float, interval: float, place: float) -> float:
    """Return the next moment of a session's own rhythm, within one interval.

    Args:
        now: monotonic.
        interval: seconds between two beats; fractions of a second are cut off.
        place: where in the interval the beat is, 0 to below 1.
    """
    seconds = max(math.floor(interval), 1)
    second = math.floor(place * seconds)
    return second + ((now - second) // seconds + 1) * seconds
