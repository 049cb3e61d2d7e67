"""A guard that contains nothing: in tests of other things a bug is to be seen."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

from solrecd.sources.guard import Part

T = TypeVar("T")


class Unguarded:
    """Fits `solrecd.sources.base.Guard`."""

    error: str | None = None

    def rests(self, part: Part) -> bool:
        """Nothing does."""
        return False

    def call(self, part: Part, act: Callable[[], T], otherwise: T) -> T:
        """Return what the call returns, or raise what it raises."""
        return act()

    def containing(self, part: Part) -> AbstractContextManager[None]:
        """Contain nothing."""
        return nullcontext()

    def renew(self) -> None:
        """Nothing rests."""
