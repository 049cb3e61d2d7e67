"""Roles on the API: each route has one, and who lacks it learns and does nothing."""

from __future__ import annotations

from typing import Any

import pytest
import structlog.testing
import trio
import trio.testing
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp

from solrecd.api import operate
from solrecd.api.app import api_app, api_routes
from solrecd.api.denials import DenialReason
from solrecd.api.routes import ATTACH_ROLES, ROUTES, Method, Reach, RouteRule
from solrecd.process.access import (
    Grant,
    LocalCaller,
    Policy,
    RemoteCaller,
    Role,
    digest_of,
)
from tests.support.asgi import Socket, Stream, ask
from tests.support.fleet import FakeFleet, open_gate

TOKEN = "secret-" * 6
ROLES = {role.value: LocalCaller(role.value) for role in Role}
"""A user for each role, on all consoles."""
NEAR = LocalCaller("near")
"""May operate console a, in rack r1, and knows of no other."""
EVE = LocalCaller("eve")
"""Has no grant at all."""

POLICY = Policy(
    (
        *(Grant(name=role, role=role, users=frozenset({role.value})) for role in Role),
        Grant(
            name="near",
            role=Role.OPERATE,
            users=frozenset({"near"}),
            labels={"rack": frozenset({"r1"})},
        ),
        Grant(name="ci", role=Role.VIEW, tokens=(digest_of(TOKEN.encode()),)),
    )
)

VALUES = {"text": "hello", "key": "b", "wish": "cycle", "dry_run": "1"}


class Site:
    """An API with two consoles, a in rack r1 and b in r2."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.fleet = FakeFleet()
        self.gate = open_gate(policy)
        self.app: ASGIApp = api_app(self.fleet, "1", self.gate)

    @property
    def denied(self) -> dict[str, int]:
        return {key: n for key, n in self.gate.denials.counts.items() if n}

    def done(self, name: str) -> list[tuple[str, ...]]:
        found = self.fleet.operations.get(name)
        return found.done if found else []


@pytest.fixture
def site() -> Site:
    return Site()


def target_of(rule: RouteRule, name: str = "a") -> str:
    query = "&".join(
        f"{one.name}={VALUES[one.name]}"
        for one in rule.parameters
        if one.name in VALUES
    )
    return f"{rule.path.replace('{name}', name)}?{query}"


ASKED = [
    rule
    for rule in ROUTES
    if rule.method is not Method.WEBSOCKET and rule.answer not in {"items", "rows"}
]


def name_of(value: object) -> str:
    return str(getattr(value, "name", value))


def test_every_route_that_is_served_is_in_the_table_with_its_role() -> None:
    routes = api_routes("1", open_gate())
    served = {
        (method, route.path)
        for route in routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    } | {
        (Method.WEBSOCKET.value, route.path)
        for route in routes
        if isinstance(route, WebSocketRoute)
    }

    assert served == {(rule.method.value, rule.path) for rule in ROUTES}
    assert all(rule.role in set(Role) and rule.help for rule in ROUTES)


def test_a_route_is_about_a_console_where_its_path_names_one() -> None:
    about_one = [rule for rule in ROUTES if rule.reach is Reach.CONSOLE]

    assert about_one == [rule for rule in ROUTES if "{name}" in rule.path]


def test_whatever_changes_something_needs_more_than_view() -> None:
    done = [rule for rule in ROUTES if rule.method is Method.POST]

    assert all(rule.role is not Role.VIEW for rule in done)


def test_every_deed_of_a_terminal_has_a_role() -> None:
    assert set(operate._ATTACH_REQUESTS) == set(ATTACH_ROLES)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("rule", ASKED, ids=name_of)
async def test_a_route_answers_its_role_and_those_above(
    site: Site, rule: RouteRule, role: Role
) -> None:
    status, answer = await ask(
        site.app, target_of(rule), ROLES[role], method=rule.method
    )

    if role.includes(rule.role):
        assert (status, site.denied) == (200, {})
    else:
        assert (status, site.denied) == (403, {DenialReason.ROLE: 1})
        assert f"needs role {rule.role}" in answer["error"]
        assert site.done("a") == []
        assert site.fleet.reloads == []


@pytest.mark.parametrize("rule", ROUTES, ids=name_of)
async def test_who_has_no_grant_gets_nothing_of_any_route(
    site: Site, rule: RouteRule
) -> None:
    method = "GET" if rule.method is Method.WEBSOCKET else rule.method.value

    local, local_answer = await ask(site.app, target_of(rule), EVE, method=method)
    remote, answer = await ask(site.app, target_of(rule), RemoteCaller(), method=method)

    assert (local, remote) == (403, 401)
    assert "eve has no role" in local_answer["error"]
    assert "token or a client certificate" in answer["error"]
    assert site.denied == {DenialReason.UNKNOWN: 2}


async def test_who_is_not_known_does_not_learn_which_routes_there_are(
    site: Site,
) -> None:
    known = await ask(site.app, "/v1/consoles", RemoteCaller())
    unknown = await ask(site.app, "/v1/nonsense", RemoteCaller())

    assert known == unknown


@pytest.mark.parametrize(
    "rule", [r for r in ASKED if r.reach is Reach.CONSOLE], ids=name_of
)
async def test_a_console_that_one_may_not_see_does_not_exist(
    site: Site, rule: RouteRule
) -> None:
    hidden = await ask(site.app, target_of(rule, "b"), NEAR, method=rule.method)
    absent = await ask(site.app, target_of(rule, "zz"), NEAR, method=rule.method)

    assert hidden == (404, {"error": "there is no console 'b'"})
    assert absent == (404, {"error": "there is no console 'zz'"})
    assert site.done("b") == []
    assert site.denied == {DenialReason.CONSOLE: 1}


@pytest.mark.parametrize(
    ("role", "may_log_in"),
    [(Role.VIEW, False), (Role.OPERATE, True), (Role.ADMIN, True)],
)
async def test_an_examination_logs_in_for_those_who_may_operate(
    site: Site, role: Role, *, may_log_in: bool
) -> None:
    status, _ = await ask(site.app, "/v1/consoles/a/doctor", ROLES[role])

    assert status == 200
    assert site.done("a") == [("examine", f"may_log_in={may_log_in}", "")]
    assert site.denied == {}


async def test_lists_leave_out_what_one_may_not_see(site: Site) -> None:
    _, consoles = await ask(site.app, "/v1/consoles", NEAR)
    status, _ = await ask(site.app, "/v1/who", NEAR)
    hidden, answer = await ask(site.app, "/v1/who?names=a,b", NEAR)

    assert [row["console"] for row in consoles] == ["a"]
    assert status == 200
    assert (hidden, answer["error"]) == (404, "there is no console 'b'")


async def test_a_watcher_learns_nothing_of_what_it_may_not_see(site: Site) -> None:
    both = Policy(
        (Grant(name="x", role=Role.VIEW, users=frozenset({"near"})), *POLICY.grants)
    )
    site.gate.replace(both)
    async with trio.open_nursery() as nursery:
        stream = Stream()
        nursery.start_soon(stream.run, site.app, "/v1/watch", NEAR)
        first = [await stream.next(), await stream.next()]
        await stream.next()
        site.gate.replace(POLICY)
        site.fleet.viewers.notifier.mark("b")
        rows = [await stream.next(), await stream.next()]
        await stream.next()
        site.fleet.viewers.notifier.mark("b")
        site.fleet.viewers.notifier.mark("a")
        later = await stream.next()
        nursery.cancel_scope.cancel()

    assert [row["console"] for row in first] == ["a", "b"]
    assert {"removed": "b"} in rows
    assert later["console"] == "a"


async def test_a_tail_ends_with_the_role(site: Site) -> None:
    async with trio.open_nursery() as nursery:
        stream = Stream()
        nursery.start_soon(stream.run, site.app, "/v1/tail?names=a", NEAR)
        await site.fleet.watched.wait()
        site.gate.replace(POLICY)
        assert not site.fleet.left.is_set()

        site.gate.replace(Policy(POLICY.grants[:1]))
        with trio.fail_after(5):
            await site.fleet.left.wait()


async def test_everything_needs_a_grant_for_everything(site: Site) -> None:
    policy = Policy(
        (
            Grant(
                name="x",
                role=Role.ADMIN,
                users=frozenset({"near"}),
                labels={"rack": frozenset({"r1"})},
            ),
        )
    )
    site = Site(policy)

    status, answer = await ask(site.app, "/v1/reload", NEAR, method="POST")

    assert (status, site.fleet.reloads) == (403, [])
    assert "role admin everywhere" in answer["error"]


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        (f"Bearer {TOKEN}x", 401),
        (f"Basic {TOKEN}", 401),
        ("Bearer", 401),
        ("", 401),
        ("Bearer " + "x" * 100_000, 401),
    ],
)
async def test_a_token_opens_and_nothing_like_it(
    site: Site, header: str, status: int
) -> None:
    found, _ = await ask(
        site.app, "/v1/version", RemoteCaller(), headers={"authorization": header}
    )

    assert found == status


@pytest.mark.parametrize(
    "caller",
    [ROLES["admin"], LocalCaller("root", is_master=True), RemoteCaller(("x",))],
)
async def test_a_web_page_is_not_taken_for_the_user_of_its_browser(
    caller: LocalCaller | RemoteCaller,
) -> None:
    known = Grant(name="x", role=Role.ADMIN, certificates=frozenset({"x"}))
    site = Site(Policy((*POLICY.grants, known)))
    page = {"origin": "https://evil.example"}

    status, _ = await ask(
        site.app, "/v1/consoles/a/take", caller, method="POST", headers=page
    )
    plain, _ = await ask(site.app, "/v1/consoles/a/take", caller, method="POST")

    assert (status, plain) == (401, 200)
    assert len(site.done("a")) == 1


async def test_a_token_means_nothing_on_the_unix_socket(site: Site) -> None:
    headers = {"authorization": f"Bearer {TOKEN}"}

    status, _ = await ask(site.app, "/v1/version", EVE, headers=headers)

    assert status == 403


async def test_a_denial_is_logged_without_its_token(site: Site) -> None:
    wrong = "wrong-" * 8
    headers = {"authorization": f"Bearer {wrong}", "user-agent": "\x1b[2Jevil"}

    with structlog.testing.capture_logs() as lines:
        await ask(site.app, "/v1/consoles/a", RemoteCaller(), headers=headers)
        await ask(site.app, "/v1/consoles/a/take", ROLES["view"], method="POST")

    assert [line["route"] for line in lines] == [
        "GET /v1/consoles/a",
        "POST /v1/consoles/a/take",
    ]
    assert lines[1]["principal"] == "view"
    assert lines[1]["console"] == "a"
    assert lines[1]["needed"] is Role.OPERATE
    assert lines[0]["peer"] == "test"
    assert "wrong-" not in str(lines)
    assert "\x1b" not in str(lines)


async def test_what_is_done_bears_the_name_of_who_is_proven(site: Site) -> None:
    await ask(site.app, "/v1/consoles/a/note?text=hi&user=root", NEAR, method="POST")

    assert site.done("a") == [("note", "near", "hi")]


# Terminals.


def attached(
    site: Site, caller: Any, query: str, nursery: trio.Nursery, name: str = "a"
) -> Socket:
    socket = Socket()
    nursery.start_soon(
        socket.run, site.app, f"/v1/consoles/{name}/attach?{query}", caller
    )
    return socket


@pytest.mark.parametrize(
    ("caller", "query", "status"),
    [
        (ROLES["view"], "mode=rw", 403),
        (ROLES["view"], "", 403),
        (ROLES["view"], "mode=nonsense", 400),
        (LocalCaller("eve"), "mode=ro", 403),
        (RemoteCaller(), "mode=ro", 401),
    ],
)
async def test_a_terminal_that_is_refused_is_never_accepted(
    site: Site, caller: Any, query: str, status: int
) -> None:
    async with trio.open_nursery() as nursery:
        socket = attached(site, caller, query, nursery)

        message = await socket.next()

    assert message["type"] == "websocket.http.response.start"
    assert message["status"] == status


async def test_a_terminal_on_a_hidden_console_is_on_no_console(site: Site) -> None:
    async with trio.open_nursery() as nursery:
        hidden = attached(site, NEAR, "", nursery, "b")
        absent = attached(site, NEAR, "", nursery, "zz")

        statuses = [(await one.next())["status"] for one in (hidden, absent)]

    assert statuses == [404, 404]


@pytest.mark.parametrize(
    "act", [act for act, role in ATTACH_ROLES.items() if role is Role.OPERATE]
)
async def test_who_may_only_view_does_nothing_over_an_open_terminal(
    site: Site, act: str
) -> None:
    async with trio.open_nursery() as nursery:
        socket = attached(site, ROLES["view"], "mode=ro", nursery)
        await socket.told("welcome")

        socket.do(act, **VALUES)
        refused = await socket.told("refused")
        socket.type(b"x")
        await socket.told("refused")
        socket.leave()

    assert "needs role operate" in refused["text"]
    assert site.done("a") == []


async def test_who_may_operate_types(site: Site) -> None:
    async with trio.open_nursery() as nursery:
        socket = attached(site, NEAR, "mode=rw", nursery)
        await socket.told("welcome")
        socket.type(b"ls\r")
        socket.do("note", text="hello")
        socket.do("who")
        await socket.told("answer")
        socket.leave()

    assert site.done("a") == [("type", "near", "ls\r"), ("note", "near", "hello")]


async def test_keys_do_not_wait_for_what_was_wished_of_the_power(site: Site) -> None:
    bmc = trio.Event()
    site.fleet.operation("a")
    site.fleet.operations["a"].bmc_answers = bmc
    async with trio.open_nursery() as nursery:
        socket = attached(site, NEAR, "mode=rw", nursery)
        await socket.told("welcome")

        for _ in range(3):
            socket.do("power", wish="on")
            await trio.testing.wait_all_tasks_blocked()
        refused = await socket.told("refused")
        socket.type(b"\x1b[B")
        await trio.testing.wait_all_tasks_blocked()
        bmc.set()
        await trio.testing.wait_all_tasks_blocked()
        socket.leave()

    assert "has not answered" in refused["text"]
    acts = [("type", "near", "\x1b[B"), ("power", "near", "on")]
    assert site.done("a") == [*acts, ("power", "near", "on")]


async def test_a_reload_takes_the_role_from_who_is_attached(site: Site) -> None:
    weaker = Policy((Grant(name="x", role=Role.VIEW, users=frozenset({"near"})),))
    async with trio.open_nursery() as nursery:
        socket = attached(site, NEAR, "mode=rw", nursery)
        await socket.told("welcome")

        site.gate.replace(weaker)
        said = await socket.told("said")
        socket.type(b"rm")
        await socket.told("refused")
        site.gate.replace(Policy(POLICY.grants[:1]))
        while (message := await socket.next())["type"] != "websocket.close":
            pass
        socket.leave()

    assert "now watches" in said["text"]
    assert message["code"] == 4403
    assert site.done("a") == []


# Names and texts that are meant to do harm.


@pytest.mark.parametrize(
    "name",
    [
        "../a",
        "..%2Fa",
        "a\x00",
        "a%00",
        "\x1b[2J",
        "a/../b",
        "x" * 50_000,
        "@rack=r1",
        "*",
        "ä",
        "A",
    ],
)
@pytest.mark.parametrize("caller", [ROLES["admin"], NEAR])
async def test_a_name_that_is_no_name_is_no_console(
    site: Site, name: str, caller: LocalCaller
) -> None:
    # The server has decoded the path already when it comes here.
    path = f"/v1/consoles/{name}"

    with structlog.testing.capture_logs() as lines:
        status, answer = await ask(site.app, path, caller)
        done, _ = await ask(site.app, f"{path}/take", caller, method="POST")

    assert (status, done) == (404, 404)
    assert "\x1b" not in str(answer["error"])
    assert len(answer["error"]) < 1000
    assert lines == []
    assert site.fleet.operations == {}


async def test_what_a_scanner_asks_for_is_cut_in_the_log(site: Site) -> None:
    with structlog.testing.capture_logs() as lines:
        await ask(site.app, "/v1/" + "x" * 50_000, EVE)

    assert len(str(lines)) < 1000
