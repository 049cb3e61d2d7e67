"""Whether a console is being recorded, and where output is missing: the table.

Two sides of a source say so, and neither waits for the other:

- The *link* says `Given.BYTES` at the moment at which bytes begin to come, in the call
  that brings them: a gap must be marked in its place, before those bytes.
- Its *task* (a keeper, for BMCs) says what became of the session, a little later: it
  takes events one by one, after the bytes that came with them were recorded.

So bytes may come before the task said that the session is up. That is a state of its
own, `Recording.EARLY`: if the link says so a second time, the payload was lost and won
once more in between, and what the BMC had to say meanwhile is gone. Nothing else can
tell of that gap.

A gap begins with the last sign that the line was ours. In `Recording.STOPPED` that sign
is the one known when it stopped; it is kept with the state, as is why it stopped, and
nothing else is. From `Recording.EARLY` it is the sign that the link saw last.

Not here: what is said of the session (`SessionState`). Several states of it are one to
the recording, and a login that fails ten times is ten times the same gap.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class Recording(enum.Enum):
    """What is known of a console's bytes."""

    NONE = "none"
    """No bytes come, and none are missing: it was never recorded before."""
    STOPPED = "stopped"
    """No bytes come; what the machine prints is missing."""
    EARLY = "early"
    """Bytes come, or are about to; the source has not said yet that it is up."""
    LIVE = "live"
    """The source has said so."""


class Given(enum.Enum):
    """What is said of it."""

    BYTES = "bytes"
    """The link: bytes come from here on. Once for each activation."""
    KEPT = "kept"
    """The link: the session of an earlier daemon goes on, so nothing is missing."""
    UP = "up"
    """The task: the session is up."""
    TRYING = "trying"
    """The task: it is not up, and for no reason worth telling."""
    LOST = "lost"
    """The task: it is not up, and why."""


class Step(NamedTuple):
    """What comes of it."""

    to: Recording
    ends_gap: bool = False
    """A gap is to be marked, here."""


_NONE = Step(Recording.NONE)
_STOPPED = Step(Recording.STOPPED)
_EARLY = Step(Recording.EARLY)
_LIVE = Step(Recording.LIVE)

STEPS: Final[Mapping[Recording, Mapping[Given, Step]]] = MappingProxyType(
    {
        Recording.NONE: {
            Given.BYTES: _EARLY,
            Given.KEPT: _NONE,
            Given.UP: _LIVE,
            Given.TRYING: _NONE,
            Given.LOST: _NONE,
        },
        Recording.STOPPED: {
            Given.BYTES: Step(Recording.EARLY, ends_gap=True),
            Given.KEPT: _NONE,
            Given.UP: Step(Recording.LIVE, ends_gap=True),
            Given.TRYING: _STOPPED,
            # The gap began with the first loss, and that is its cause.
            Given.LOST: _STOPPED,
        },
        # An earlier daemon's session is the first that there is: no KEPT from here on.
        Recording.EARLY: {
            Given.BYTES: Step(Recording.EARLY, ends_gap=True),
            Given.UP: _LIVE,
            Given.TRYING: _EARLY,
            Given.LOST: _STOPPED,
        },
        Recording.LIVE: {
            Given.BYTES: _EARLY,
            Given.UP: _LIVE,
            Given.TRYING: _NONE,
            Given.LOST: _STOPPED,
        },
    }
)
"""What is not here cannot happen; see `solrecd.process.transitions`."""
