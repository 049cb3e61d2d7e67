"""A page that can be attached to a ticket, whatever the console printed."""

from html.parser import HTMLParser
from typing import Any

from hypothesis import given, strategies as st

from solrecd.api.web.boot_page import page
from solrecd.storage.history.stages import stage_spans
from solrecd.storage.history.text import TextLine


def at(second: int) -> str:
    return f"2026-11-22T12:00:{second:02}.000000Z"


BOOT: dict[str, Any] = {
    "console": "node001",
    "boot": 7,
    "started": at(0),
    "ended": at(40),
    "cause": "power",
    "outcome": "failed",
    "last_stage": "kernel",
    "title": "Kernel panic <b>",
    "kernel": "6.1",
    "cmdline": "root='x' &amp;",
    "facts": {"bios": "<script>"},
    "bytes": 1234,
}
EVENTS: list[dict[str, Any]] = [
    {"kind": kind, "name": name, "line": line, "time": at(second)}
    | {"severity": severity, "title": f"{name} <i>"}
    for kind, name, line, second, severity in (
        ("stage", "firmware", 1, 0, "info"),
        ("stage", "kernel", 3, 10, "info"),
        ("failure", "panic", 4, 20, "fatal"),
        ("gap", "gap", None, 25, "warning"),
    )
]
LINES = [
    TextLine(at(0), note=False, text="POST", number=1),
    TextLine(at(1), note=True, text="gap: 3 s", number=1),
    TextLine(at(1), note=False, text="</pre><script>alert(1)</script>", number=2),
    TextLine(at(10), note=False, text="Linux version", number=3),
    TextLine(at(20), note=False, text="Kernel panic\x1b[2J", number=4),
]


def written(boot: dict[str, Any], lines: list[TextLine]) -> str:
    return "".join(page(boot, EVENTS, stage_spans(EVENTS), lines))


class Reader(HTMLParser):
    """Notes what a browser would find."""

    VOID = ("meta", "br", "link")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.unfolded: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        its = dict(attrs)
        self.tags.add(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.links += [value for name, value in attrs if name == "href" and value]
        if tag == "details" and "open" in its:
            self.unfolded.append(str(its["id"]))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_fetches_nothing() -> None:
    text = written(BOOT, LINES)

    found = Reader(text)
    assert found.open == []
    assert not found.tags & {"script", "link", "img", "iframe", "b>", "i"}
    assert all(link.startswith("#") for link in found.links)
    assert "default-src 'none'" in text
    assert "url(" not in text


def test_every_link_leads_somewhere_once() -> None:
    found = Reader(written(BOOT, LINES))

    assert len(found.ids) == len(set(found.ids))
    assert {link[1:] for link in found.links} <= set(found.ids)
    assert "#L4" in found.links


def test_sections_with_failures_are_unfolded() -> None:
    assert Reader(written(BOOT, LINES)).unfolded == ["stage-1"]


def test_pauses_and_notes_are_shown() -> None:
    text = written(BOOT, LINES)

    assert "[9.0 s later]" in text
    assert '<li class="note"><time>1.000</time>' in text


def test_what_a_console_printed_is_text() -> None:
    text = written(BOOT, LINES)

    assert "&lt;/pre&gt;&lt;script&gt;alert(1)" in text
    assert "\x1b" not in text


@given(st.lists(st.text(max_size=40), max_size=6), st.text(max_size=40))
def test_no_text_breaks_out(texts: list[str], title: str) -> None:
    boot = BOOT | {"title": title, "cmdline": title, "facts": {title: title}}
    lines = [
        TextLine(at(n), note=False, text=text, number=n)
        for n, text in enumerate(texts, 1)
    ]

    found = Reader(written(boot, lines))

    assert found.open == []
    assert "script" not in found.tags


def test_a_boot_without_lines_and_stages_has_a_page() -> None:
    boot = BOOT | {"ended": None, "title": None}

    found = Reader("".join(page(boot, [], [], [])))

    assert found.open == []
