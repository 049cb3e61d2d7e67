"""Pages and help in plain words."""

import re
from pathlib import Path

import pytest

from tools.manpages import pages

CHECKOUT = Path(__file__).resolve().parents[2]
PAGES = [CHECKOUT / "README.md", *sorted((CHECKOUT / "packaging/docs").glob("*.md"))]
UNUSUAL = re.compile(
    r"\b(nobody|somebody|whoever|whichever|for ever|anew)\b", re.IGNORECASE
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_uses_no_unusual_words(page: Path) -> None:
    # What is indented is an example, of what machines print among others.
    prose = re.sub(r"(?m)^    .*$", "", page.read_text("utf-8"))

    assert UNUSUAL.findall(prose) == []


def test_manual_pages_use_no_unusual_words() -> None:
    assert [name for name, text in pages() if UNUSUAL.search(text)] == []
