"""How long the API waits for who takes no bytes: for watchers longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from solrecd.api import server
from solrecd.api.send_timeout import SEND_TIMEOUT, WATCHING_TIMEOUT, SendTimeout
from tests.integration.test_api import following, request, serving
from tests.integration.test_watch import watching
from tests.support.fleet import FakeFleet


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[SendTimeout]:
    """Return the patience with each connection, in the order of coming."""
    given: list[SendTimeout] = []

    def give() -> SendTimeout:
        given.append(SendTimeout())
        return given[-1]

    monkeypatch.setattr(server, "SendTimeout", give)
    return given


async def test_who_watches_may_stop_his_terminal_over_lunch(
    tmp_path: Path, given: list[SendTimeout]
) -> None:
    path = tmp_path / "control.sock"

    async with serving(FakeFleet(), path):
        await request(path, "/v1/consoles")
        async with following(path), watching(path) as follower:
            await follower.next()

    assert [send_timeout.seconds for send_timeout in given] == [
        SEND_TIMEOUT,
        WATCHING_TIMEOUT,
        WATCHING_TIMEOUT,
    ]
