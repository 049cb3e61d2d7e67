"""What a BMC answers may be cut short anywhere: that is one line, never a crash."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import trio

from solrecd.sources.ipmi.management import Management, ManagementError


@dataclass(frozen=True)
class Reply:
    """What a BMC answers."""

    data: bytes
    code: int = 0


@pytest.mark.parametrize("length", range(5))
async def test_an_event_log_that_answers_too_little_is_nonsense(length: int) -> None:
    async def request(
        netfn: int, command: int, data: bytes = b"", *, lun: int = 0
    ) -> Reply:
        await trio.lowlevel.checkpoint()
        return Reply(bytes(length))

    management = Management(request, trio.CapacityLimiter(1))  # type: ignore[arg-type]

    with pytest.raises(ManagementError):
        await management.recent_events(1)
