"""Who gets in from a browser, and what another site can make a browser do: nothing."""

import re
from pathlib import Path

import pytest

from solrecd.process.access import (
    Grant,
    LocalCaller,
    Policy,
    RemoteCaller,
    Role,
    digest_of,
)
from tests.support.web import HOST, ORIGIN, Browser, WebSite

POLICY = Policy(
    (
        Grant(name="see", role=Role.VIEW, groups=frozenset({"students"})),
        Grant(
            name="near",
            role=Role.OPERATE,
            groups=frozenset({"rack1"}),
            labels={"rack": frozenset({"r1"})},
        ),
    )
)
VIEWER = LocalCaller("vera", frozenset({"students"}))
NEAR = LocalCaller("nia", frozenset({"rack1"}))


@pytest.fixture
def site(tmp_path: Path) -> WebSite:
    return WebSite(tmp_path, policy=POLICY, groups={"vera": VIEWER, "nia": NEAR})


async def test_a_link_makes_a_browser_who_asked_for_it(site: WebSite) -> None:
    browser = await site.logged_in(VIEWER)

    page = await browser.get("/me")

    assert page.status == 200
    assert "<h1>vera</h1>" in page.text


async def test_a_link_leads_to_the_page_that_was_wanted(site: WebSite) -> None:
    key = await site.link(VIEWER)

    answer = await Browser(site.web).get(f"/login?key={key}&to=%2Fconsole%2Fa")

    assert (answer.status, answer.header("location")) == (303, "/console/a")


@pytest.mark.parametrize("to", ["https://evil.example", "//evil.example", "/\\evil"])
async def test_a_link_leads_to_no_other_site(site: WebSite, to: str) -> None:
    key = await site.link(VIEWER)

    answer = await Browser(site.web).get(f"/login?key={key}&to={to}")

    assert answer.header("location") == "/"


async def test_a_look_where_a_link_leads_does_not_use_it_up(site: WebSite) -> None:
    key = await site.link(VIEWER)

    looked = await Browser(site.web).ask("HEAD", f"/login?key={key}", {})
    opened = await Browser(site.web).get(f"/login?key={key}")

    assert (looked.status, looked.header("set-cookie")) == (200, "")
    assert opened.status == 303


async def test_a_link_that_was_used_says_so(site: WebSite) -> None:
    key = await site.link(VIEWER)
    await Browser(site.web).get(f"/login?key={key}")

    again = await Browser(site.web).get(f"/login?key={key}")

    assert again.status == 401
    assert "has been used" in again.text


@pytest.mark.parametrize("path", ["/", "/console/a", "/nothing", "/search?q=x"])
async def test_a_stranger_is_told_how_to_log_in_and_nothing_else(
    site: WebSite, path: str
) -> None:
    answer = await Browser(site.web).get(path)

    assert answer.status == 401
    assert "solrecctl web" in answer.text


async def test_a_stranger_gets_nothing_of_the_api(site: WebSite) -> None:
    answer = await Browser(site.web).get("/v1/consoles")

    assert answer.status == 401
    assert b"rack" not in answer.body


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    site: WebSite,
) -> None:
    plain = await Browser(site.web).get(f"/login?key={await site.link(VIEWER)}")
    tls = await Browser(site.tls).get(f"/login?key={await site.link(VIEWER)}")

    for flag in ("HttpOnly", "SameSite=lax", "Path=/"):
        assert flag in plain.header("set-cookie")
        assert flag in tls.header("set-cookie")
    assert "Secure" in tls.header("set-cookie")
    assert tls.header("set-cookie").startswith("__Host-solrecd=")
    assert "Domain" not in tls.header("set-cookie")


# Roles.


async def test_pages_show_only_what_its_user_may_see(site: WebSite) -> None:
    browser = await site.logged_in(NEAR)

    wall = await browser.get("/")
    hidden, absent = await browser.get("/console/b"), await browser.get("/console/zz")

    assert "/console/a" in wall.text
    assert "/console/b" not in wall.text
    assert (hidden.status, absent.status) == (404, 404)
    assert hidden.text.replace("&#39;b&#39;", "") == absent.text.replace(
        "&#39;zz&#39;", ""
    ).replace("/console/zz", "/console/b")


async def test_who_leaves_a_group_loses_its_pages_at_the_next_look(
    site: WebSite,
) -> None:
    browser = await site.logged_in(NEAR)
    assert (await browser.get("/console/a")).status == 200

    site.groups.clear()
    site.entrance.callers.forget()

    assert (await browser.get("/console/a")).status == 403


async def test_a_viewer_finds_no_form_and_may_send_none(site: WebSite) -> None:
    browser = await site.logged_in(VIEWER)

    page = await browser.get("/console/a")
    asked = await browser.get("/console/a/do/power-off")
    sent = await browser.post(
        "/console/a/do/power-off", {"form_token": _token_in(page.text)}
    )

    assert "/do/" not in page.text
    assert (asked.status, sent.status) == (403, 403)
    assert site.fleet.operations["a"].done == []


async def test_a_user_who_may_operate_does_it_with_our_form(site: WebSite) -> None:
    browser = await site.logged_in(NEAR)

    form = await browser.get("/console/a/do/break")
    sent = await browser.post(
        "/console/a/do/break", {"form_token": _token_in(form.text), "key": "b"}
    )

    assert (sent.status, sent.header("location")) == (303, "/console/a")
    assert site.fleet.operations["a"].done == [("send_break", "nia", "b")]


def _token_in(text: str) -> str:
    found = re.search(r'name="form_token" value="([^"]*)"', text)
    return "" if found is None else found[1]


# Other sites.


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://127.0.0.1:8000",
        f"https://{HOST}",
        "null",
        "http://localhost:9624",
    ],
)
async def test_another_site_cannot_send_our_forms(site: WebSite, origin: str) -> None:
    browser = await site.logged_in(NEAR)
    token = _token_in((await browser.get("/console/a/do/break")).text)

    sent = await browser.post(
        "/console/a/do/break", {"form_token": token}, origin=origin
    )

    assert sent.status == 403
    assert "a" not in site.fleet.operations or not site.fleet.operations["a"].done


@pytest.mark.parametrize("token", ["", "x"])
async def test_a_form_without_our_token_does_nothing(site: WebSite, token: str) -> None:
    browser = await site.logged_in(NEAR)

    sent = await browser.post("/console/a/do/break", {"form_token": token})

    assert sent.status == 403


async def test_a_session_does_nothing_over_the_api_itself(site: WebSite) -> None:
    browser = await site.logged_in(NEAR)

    sent = await browser.post("/v1/consoles/a/break", {})

    assert sent.status == 403


@pytest.mark.parametrize(
    ("origin", "status"),
    [(ORIGIN, 101), ("https://evil.example", 403), ("http://127.0.0.1:1", 403)],
)
async def test_only_our_own_pages_open_a_terminal(
    site: WebSite, origin: str, status: int
) -> None:
    browser = await site.logged_in(VIEWER)
    target = "/v1/consoles/a/attach?mode=ro"

    answer = await browser.ask("GET", target, {"origin": origin}, kind="websocket")
    without = await browser.ask("GET", target, {}, kind="websocket")

    assert (answer.status, without.status) == (status, 403)


@pytest.mark.parametrize("site_", ["cross-site", "same-site"])
async def test_another_site_reads_nothing_but_may_link_here(
    site: WebSite, site_: str
) -> None:
    browser = await site.logged_in(VIEWER)

    fetched = await browser.get("/live", sec_fetch_site=site_, sec_fetch_mode="cors")
    opened = await browser.get(
        "/console/a", sec_fetch_site=site_, sec_fetch_mode="navigate"
    )

    assert (fetched.status, opened.status) == (403, 200)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 421),
        ("evil.example:9624", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
        ("[", 421),
        ("localhost:1234", 401),
        ("127.0.0.1", 401),
        ("[::1]:9624", 401),
        ("pages.example.net", 401),
    ],
)
async def test_a_name_that_is_not_ours_is_refused(
    site: WebSite, host: str, status: int
) -> None:
    answer = await Browser(site.web).get("/", host=host)

    assert answer.status == status


async def test_every_answer_forbids_frames_and_foreign_scripts(site: WebSite) -> None:
    browser = await site.logged_in(VIEWER)

    for path in ("/", "/console/a", "/nothing", "/static/x/web.css", "/v1/consoles"):
        answer = await browser.get(path)
        policy = answer.header("content-security-policy")
        assert "frame-ancestors 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe-inline" not in policy.replace(
            "style-src-attr 'unsafe-inline'", ""
        )
        assert answer.header("x-frame-options") == "DENY"
        assert answer.header("x-content-type-options") == "nosniff"


async def test_pages_hold_no_script_and_no_style_sheet_of_their_own(
    site: WebSite,
) -> None:
    browser = await site.logged_in(NEAR)

    for path in ("/", "/me", "/console/a", "/search?q=x", "/console/a/do/note"):
        text = (await browser.get(path)).text
        assert re.findall(r"<script(?![^>]* src=\"/static/)[^>]*>", text) == []
        assert "<style" not in text
        assert " on" not in re.sub(r">[^<]*<", "><", text).replace(" on ", "")


# TLS.


async def test_over_tls_a_token_may_be_typed(tmp_path: Path) -> None:
    token = "t" * 43
    policy = Policy(
        (Grant(name="ci", role=Role.VIEW, tokens=(digest_of(token.encode()),)),)
    )
    site = WebSite(tmp_path, policy=policy)
    browser = Browser(site.tls, scheme="https")
    ours = {"origin": f"https://{HOST}"}

    wrong = await browser.post("/login", {"token": "x" * 43, "to": "/me"}, **ours)
    right = await browser.post("/login", {"token": token, "to": "/me"}, **ours)
    page = await browser.get("/me")

    assert wrong.status == 401
    assert (right.status, right.header("location")) == (303, "/me")
    assert "token:ci" in page.text


async def test_in_plain_http_no_token_is_asked_for(site: WebSite) -> None:
    answer = await Browser(site.web).post("/login", {"token": "x" * 43})

    assert 'name="token"' not in answer.text
    assert answer.header("set-cookie") == ""


async def test_our_own_pages_may_use_a_client_certificate(tmp_path: Path) -> None:
    policy = Policy(
        (Grant(name="ci", role=Role.OPERATE, certificates=frozenset({"ci"})),)
    )
    site = WebSite(tmp_path, policy=policy)
    browser = Browser(site.tls, RemoteCaller(("ci",)), scheme="https")
    token = _token_in((await browser.get("/console/a/do/break")).text)

    ours = await browser.post(
        "/console/a/do/break", {"form_token": token}, origin=f"https://{HOST}"
    )
    foreign = await browser.post(
        "/console/a/do/break", {"form_token": token}, origin="https://evil.example"
    )

    assert (ours.status, foreign.status) == (303, 403)
    assert site.fleet.operations["a"].done == [("send_break", "cert:ci", "")]
