"""The half of an examiner that a console without settings at its other end needs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any


class NoSettings:
    """Fits that half of `solrecd.sources.base.Examiner`: there is nothing to set."""

    async def proposals(self) -> Sequence[Mapping[str, Any]]:
        """See `Examiner`."""
        return ()

    async def apply_fixes(
        self,
        user: str,  # noqa: ARG002 - a protocol's
        parameters: Collection[int],  # noqa: ARG002
    ) -> Sequence[Mapping[str, Any]]:
        """See `Examiner`."""
        return ()
