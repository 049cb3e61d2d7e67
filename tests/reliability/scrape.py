"""What the daemon says of itself in its metrics."""

from __future__ import annotations

import math

from tests.support.recorder import Recorder


def worst(recorder: Recorder, histogram: str) -> float:
    """Return the bound, seconds, below which all samples of a histogram are.

    Args:
        recorder: a daemon that runs.
        histogram: ``loop_lag`` or ``ack_delay``.
    """
    return quantile(recorder, histogram, 1.0)


def quantile(recorder: Recorder, histogram: str, share: float) -> float:
    """Return the bound, seconds, below which this share of the samples is."""
    name = f"solrecd_{histogram}_seconds_bucket"
    buckets = sorted(
        (float(labels["le"]), count) for labels, count in recorder._samples(name)
    )
    total = buckets[-1][1]
    return next((le for le, count in buckets if count >= share * total), math.inf)
