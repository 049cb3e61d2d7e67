"""The pages in a browser: what people see, and what consoles cannot do to them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.conftest import ATTACK, Drive, ctl
from tests.support.recorder import Recorder

pytestmark = pytest.mark.e2e

SHELL = "/console/shell"
PATHS = [
    "/",
    "/me",
    "/crashes",
    "/search?q=attacked",
    SHELL,
    f"{SHELL}/boots",
    f"{SHELL}/boot/-1",
    f"{SHELL}/diff?boot=-1&boot=-1",
    f"{SHELL}/do/note",
    "/nothing",
]


@pytest.mark.parametrize(
    ("scheme", "widths"), [("light", [360, 1280]), ("dark", [1280, 3840])]
)
def test_pages_are_sound_at_every_width_and_obey_no_console(
    drive: Drive, link: str, scheme: str, widths: list[int]
) -> None:
    seen = drive("pages", link, paths=PATHS, widths=widths, scheme=scheme)

    wrong = [f"{page}: {it}" for page, its in seen.items() for it in its["violations"]]
    assert not wrong, "\n".join(wrong)
    assert [page for page, its in seen.items() if its["attacked"]] == []
    assert [page for page, its in seen.items() if its["overflow"]] == []
    statuses = {page.split(" ")[0]: its["status"] for page, its in seen.items()}
    assert statuses == {path: 404 if path == "/nothing" else 200 for path in PATHS}


def test_what_is_typed_reaches_the_console_and_the_keyboard_gets_out(
    drive: Drive, link: str, recorder: Recorder
) -> None:
    seen = drive(
        "typing", link, name="other", keys="hello there", expected="[hello there]"
    )

    assert "types" in seen["here"]
    assert seen["focus"] == "type"


def test_pages_can_be_read_without_javascript(drive: Drive, link: str) -> None:
    seen = drive("textOf", link, paths=PATHS[:7], javaScript=False)

    for path in ("/", SHELL, f"{SHELL}/boot/-1", "/search?q=attacked"):
        assert ATTACK[:40] in seen[path]["text"], path
    assert "panic" in seen["/crashes"]["text"]
    assert "failed" in seen[f"{SHELL}/boots"]["text"]


def test_everything_is_in_reach_of_the_keyboard(drive: Drive, link: str) -> None:
    seen = drive("keyboard", link)

    assert seen["inField"] == "q"
    assert seen["address"].endswith("/?q=shell")
    assert seen["arrived"].endswith(SHELL)


def test_a_viewer_sees_its_rack_and_has_nothing_to_press(
    drive: Drive, fleet_links: Callable[[int], list[str]]
) -> None:
    _, viewer = fleet_links(4)

    seen = drive(
        "textOf", viewer, paths=["/", "/console/node0001", "/console/node0002"]
    )

    assert "node0001" in seen["/"]["text"]
    assert "node0002" not in seen["/"]["text"]
    assert "Power" not in seen["/console/node0001"]["text"]
    assert seen["/console/node0002"]["status"] == 404


def test_other_sites_can_neither_frame_pages_nor_send_their_forms(
    drive: Drive, link: str, recorder: Recorder
) -> None:
    seen = drive("framed", link)

    assert all("root" not in text for text in seen["texts"])
    assert "sent a break" not in ctl(recorder, "log", "shell")


def test_a_page_comes_back_by_itself_after_a_restart(
    drive: Drive, link: str, recorder: Recorder
) -> None:
    def obey(line: str) -> None:
        if line == "open":
            recorder.stop()
        elif line == "away":
            recorder.start()

    seen = drive("restarted", link, tell=obey, name="shell")

    assert seen["state"].startswith("Live")


@pytest.mark.alone
def test_five_thousand_rows_are_no_burden(
    drive: Drive, fleet_links: Callable[[int], list[str]]
) -> None:
    operator, _ = fleet_links(5000)

    seen = drive("large", operator, count=5000)

    assert seen["paint"] <= 1000
    assert seen["frames"] >= 50
    assert seen["heap"] <= 150 * 1024 * 1024
    assert seen["elements"] <= 100
