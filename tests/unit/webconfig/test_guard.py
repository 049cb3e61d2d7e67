"""Who gets in with a password, and what it costs."""

from __future__ import annotations

import base64
from collections.abc import MutableMapping
from typing import Any

import bcrypt
import pytest
import trio
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from solrecd.api.webconfig import passwords
from solrecd.api.webconfig.guard import guarded
from solrecd.api.webconfig.passwords import Passwords
from solrecd.api.webconfig.settings import WebConfig

HASH = bcrypt.hashpw(b"secret", bcrypt.gensalt(4))
OTHER = bcrypt.hashpw(b"another", bcrypt.gensalt(4))


def basic(user: str, password: str) -> str:
    """Return an Authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Door:
    """A small application behind passwords; remembers what it did."""

    def __init__(self, config: WebConfig) -> None:
        self.config = config
        self.refused = 0
        self._app: ASGIApp = guarded(
            PlainTextResponse("in"), lambda: self.config, self._refuse
        )

    def _refuse(self) -> None:
        self.refused += 1

    async def knock(self, authorization: str | None) -> tuple[int, dict[bytes, bytes]]:
        """Return status and headers of an answer."""
        sent: list[MutableMapping[str, Any]] = []

        async def send(message: MutableMapping[str, Any]) -> None:  # noqa: ASYNC124
            sent.append(message)

        given = [] if authorization is None else [authorization.encode("latin-1")]
        headers = [(b"authorization", one) for one in given]
        scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}
        await self._app(scope, trio.sleep_forever, send)
        return sent[0]["status"], dict(sent[0]["headers"])


@pytest.fixture(name="door")
def _door() -> Door:
    headers = {"X-Frame-Options": "deny"}
    return Door(WebConfig(users={"prometheus": HASH}, headers=headers))


async def test_the_right_password_opens_and_headers_are_added(door: Door) -> None:
    status, headers = await door.knock(basic("prometheus", "secret"))

    assert status == 200
    assert headers[b"x-frame-options"] == b"deny"
    assert door.refused == 0


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic \xe4",
        "Bearer secret",
        basic("prometheus", "wrong"),
        basic("prometheus", "secret\0"),
        basic("prometheus", "secret" + "x" * 100),
        basic("nobody", "secret"),
        basic("", ""),
    ],
)
async def test_anything_else_is_asked_for_a_password(
    door: Door, authorization: str | None
) -> None:
    status, headers = await door.knock(authorization)

    assert status == 401
    assert headers[b"www-authenticate"] == b"Basic"
    assert headers[b"x-frame-options"] == b"deny"
    assert door.refused == 1


async def test_without_users_no_password_is_asked_for() -> None:
    door = Door(WebConfig())

    assert (await door.knock(None))[0] == 200


async def test_a_password_that_was_changed_opens_no_more(door: Door) -> None:
    await door.knock(basic("prometheus", "secret"))

    door.config = WebConfig(users={"prometheus": OTHER})

    assert (await door.knock(basic("prometheus", "secret")))[0] == 401
    assert (await door.knock(basic("prometheus", "another")))[0] == 200


async def test_a_user_who_was_removed_comes_in_no_more(door: Door) -> None:
    await door.knock(basic("prometheus", "secret"))

    door.config = WebConfig(users={"other": OTHER})

    assert (await door.knock(basic("prometheus", "secret")))[0] == 401


async def test_a_right_password_is_checked_once_and_a_wrong_one_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checked: list[bytes] = []

    def fits(password: bytes, _digest: bytes) -> bool:
        checked.append(password)
        return password == b"secret"

    monkeypatch.setattr(passwords, "_fits", fits)
    known = Passwords()
    users = {"prometheus": HASH}

    for password in (b"secret", b"secret", b"wrong", b"wrong"):
        await known.is_right(users, "prometheus", password)
    await known.is_right(users, "nobody", b"wrong")

    assert checked == [b"secret", b"wrong", b"wrong", b"wrong"]


async def test_what_is_remembered_is_bounded_and_holds_no_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(passwords, "_fits", lambda _password, _digest: True)
    known = Passwords()

    for number in range(passwords.REMEMBERED + 10):
        assert await known.is_right({"u": HASH}, "u", f"pass{number}".encode())

    assert len(known._right) == passwords.REMEMBERED
    assert not any(b"pass" in key for key in known._right)


async def test_more_guesses_than_wait_are_refused_unseen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(passwords, "MAX_WAITING", 0)
    known = Passwords()

    assert not await known.is_right({"u": HASH}, "u", b"secret")
