"""What a way to switch a machine's power brings, and why it cannot be done."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from solrecd.sources.base import PowerControl, SourceError
from solrecd.sources.guard import Guard
from solrecd.sources.power.options import PowerOptions, PowerWay


class PowerError(SourceError):
    """It cannot be done now; the message is one line that says why.

    Args:
        what: happened, and where.
        cure: what to do about it; may be empty.
        is_refused: the account was refused, which BMCs count.
    """

    def __init__(self, what: str, cure: str = "", *, is_refused: bool = False) -> None:
        super().__init__(f"{what}; {cure}" if cure else what)
        self.what = what
        self.cure = cure
        self.is_refused = is_refused


PowerMaker = Callable[[PowerOptions, str, Guard], PowerControl]
"""Returns what switches the power; is given the console's name, and what contains its
bugs. What it returns raises `PowerError` only."""

PowerMakers = Mapping[PowerWay, Callable[[], PowerMaker]]
"""The ways there are; each is called once in a daemon, when it is first needed."""
